"""The configuration is changed under load: a slip of the pen, a target that goes and comes back, a secret rotated."""

import asyncio
import signal
from typing import Any

from tests.faults.fault import Fault
from tests.faults.requests import SECRET, SLOW, SOURCES
from tests.faults.site import START_S_MAX, Site, rewrite


class Reloaded(Fault):
    """All of it in one run; nothing is refused meanwhile, and nothing is lost."""

    name = "reloaded"
    words = "configuration reloaded: faulty, target removed, secret rotated"
    rounds = (1, 5)

    async def happen(self, site: Site) -> None:
        """Change the file, as an operator does."""
        for number in range(site.rounds):
            await self._slip(site)
            await self._remove_and_restore(site)
            await self._rotate(site, f"{SECRET}-{number}")

    async def also(self, site: Site) -> list[str]:
        """A reload is no reason to turn anybody away."""
        ledger = site.senders.ledger
        refused = ledger.unanswered + ledger.statuses[503]
        return [f"{refused} requests were not acknowledged at once"] if refused else []

    async def _slip(self, site: Site) -> None:
        parts = _parts(site)
        parts["targets"][SLOW] = {"url": "no address", "concurrency": 0}
        await self._reload(site, "config_not_reloaded", **parts)
        await self._reload(
            site, "config_reloaded", **{**_parts(site), "quarantine": {"count": site.moments.randrange(9999)}}
        )

    async def _remove_and_restore(self, site: Site) -> None:
        """Take a target away with its route; what waits for it waits until it is there again."""
        parts = _parts(site)
        del parts["targets"][SLOW]
        parts["routes"] = [route for route in parts["routes"] if route["to"] != SLOW]
        async with site.senders.paused():
            await self._reload(site, "config_reloaded", **parts)
            site.senders.absent.add(SLOW)
        await asyncio.sleep(1.0)
        async with site.senders.paused():
            await self._reload(site, "config_reloaded", **_parts(site))
            site.senders.absent.clear()

    async def _rotate(self, site: Site, secret: str) -> None:
        """Take both for a while, then the new one alone."""
        before = site.senders.secret
        await self._reload(site, "config_reloaded", sources=_with([secret, before]))
        async with site.senders.paused():
            site.senders.secret = secret
        await self._reload(site, "config_reloaded", sources=_with([secret]))

    async def _reload(self, site: Site, outcome: str, **sections: Any) -> None:
        """Change the file, and come back once the relay says what it makes of it."""
        said = f'"{outcome}"'
        before = site.relay.log.read_text().count(said)
        rewrite(site.relay, **sections)
        site.relay.running.send_signal(signal.SIGHUP)
        async with asyncio.timeout(START_S_MAX):
            while site.relay.log.read_text().count(said) == before:
                await asyncio.sleep(0.05)


def _parts(site: Site) -> dict[str, Any]:
    """Return the site's own configuration, with the secret that is in use since the last round."""
    return {**site.parts(), "sources": _with([site.senders.secret])}


def _with(secrets: list[str]) -> dict[str, Any]:
    return {name: {**source, "secrets": secrets} for name, source in SOURCES.items()}


FAULTS = (Reloaded(),)
