"""PostgreSQL goes away: it is restarted, its standby takes over, or the network between is cut."""

import asyncio
import signal

from tests.cutting import cable_to
from tests.faults.fault import POSTGRES, Fault
from tests.faults.site import Site
from tests.ports import free_port
from tests.storage import PostgresStorage

AWAY_S = 3.0
CUT_S = 10.0  # longer than it takes to be taken for gone


class PostgresRestarted(Fault):
    """A crash, or an update of the server at noon."""

    name = "postgres-restarted"
    words = "PostgreSQL restarted"
    engines = (POSTGRES,)
    owns_server = True
    rounds = (1, 10)

    async def happen(self, site: Site) -> None:
        """End it, at once or in good order; start it again."""
        for number in range(site.rounds):
            await asyncio.to_thread(site.postgres.stop, (signal.SIGQUIT, signal.SIGINT)[number % 2])
            await site.is_not_ready(site.relay)
            await asyncio.sleep(site.moments.uniform(0, AWAY_S))
            await asyncio.to_thread(site.postgres.start)
            await site.is_ready(site.relay)
            await site.senders.have_sent(1, CUT_S * 3)


class PostgresFailedOver(Fault):
    """The primary's machine dies; its standby, without which it promised nothing, takes over."""

    name = "postgres-failed-over"
    words = "PostgreSQL failed over to its standby"
    engines = (POSTGRES,)
    owns_server = True
    rounds = (1, 1)

    async def prepare(self, site: Site) -> None:
        """Make a standby, and tell the relay of both."""
        primary = site.postgres
        standby = await asyncio.to_thread(primary.standby, free_port())
        site.others.append(standby)
        storage = site.storage
        assert isinstance(storage, PostgresStorage)
        hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
        site.storage = PostgresStorage(storage.url.replace(f"127.0.0.1:{primary.port}", hosts))
        await super().prepare(site)

    async def happen(self, site: Site) -> None:
        """End the primary as a power cut does; promote the other."""
        (standby,) = site.others
        await asyncio.to_thread(site.postgres.kill)
        await site.is_not_ready(site.relay)
        await asyncio.to_thread(standby.promote)
        await site.is_ready(site.relay)


class PostgresCutOff(Fault):
    """One relay of two cannot reach it: connections are refused, or packets vanish and nobody says so."""

    name = "postgres-cut-off"
    words = "PostgreSQL cut off from one of two relays"
    engines = (POSTGRES,)
    rounds = (2, 6)

    async def prepare(self, site: Site) -> None:
        """Start two, one of them behind a cable."""
        site.cable = await site.stack.enter_async_context(cable_to(site.postgres.port))
        storage = site.storage
        assert isinstance(storage, PostgresStorage)
        behind = storage.url.replace(f":{site.postgres.port}/", f":{site.cable.port}/")
        await site.start(site.add_relay(storage=PostgresStorage(behind)))
        await site.start(site.add_relay())

    async def happen(self, site: Site) -> None:
        """Cut it, or let it fall silent; the other one goes on."""
        assert site.cable is not None
        for number in range(site.rounds):
            if number % 2:
                site.cable.fall_silent()
            else:
                await site.cable.cut()
            await site.is_not_ready(site.relay)
            await site.senders.have_sent(1, CUT_S * 3)
            await asyncio.sleep(CUT_S)
            await site.cable.mend()
            await site.is_ready(site.relay)


FAULTS = (PostgresRestarted(), PostgresFailedOver(), PostgresCutOff())
