"""A running public port with sources of every kind, and a sender to it."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from aiohttp import ClientSession, web

from relay.domain import Bounds, Identification, KeyWanted, Rate, Route, Secret, Source, Target
from relay.errors import KeyUnavailable
from relay.expressions import compile_expression, compile_term
from relay.handshakes import Handshake, Handshakes
from relay.headroom import Headroom
from relay.health import Health
from relay.ingest import Ingest
from relay.lanes import Lanes
from relay.scheduler import Scheduler
from relay.silence import Silence
from relay.singles import Singles
from relay.store.protocol import Store
from relay.verification.hmac import HmacVerifier
from relay.verification.ip import IpVerifier
from relay.verification.none import NoVerifier
from relay.verification.paypal import PayPalVerifier
from relay.verification.token import TokenVerifier
from relay.web.crowd import Crowd
from relay.web.inbound import InboundDoor
from relay.web.server import QuietServer
from tests.conftest import ManualClock
from tests.integration.journal import Journal
from tests.storage import OpenStore, Storage

SECRET = "a-secret-of-the-shop"
WEEK = {"*": timedelta(days=7)}
ERP = Target("erp")
BOUNDS = Bounds()


def a_source(name: str, **different: Any) -> Source:
    signed = Source(name, (HmacVerifier("X-Signature", (Secret(SECRET),)),), Identification(windows=WEEK))
    return replace(signed, **different)


STEPS = (Handshake("GET", challenge="challenge"), Handshake("POST", when="kind == 'ask'", challenge="plain"))
SOURCES = {
    source.name: source
    for source in [
        a_source("shop", routes=(Route("all", "shop", (ERP,)),)),
        a_source(
            "keyed",
            identification=Identification(
                compile_term("kind"), {"*": compile_term("[kind, id]")}, WEEK, needs_json=True
            ),
        ),
        a_source("small", body_bytes_max=100),
        a_source("slow", limit=Rate(2, 60)),
        a_source("created", respond_status=201),
        a_source("silent", tells_nothing=True, limit=Rate(2, 60)),
        a_source("choosy", routes=(Route("odd", "choosy", (ERP,), compile_expression("starts_with(body, 'x')")),)),
        a_source("collector", verifiers=(TokenVerifier((Secret("a-token-in-the-url"),)),), takes_token=True),
        a_source("office", verifiers=(IpVerifier((ip_network("203.0.113.0/24"),)),)),
        a_source("payments", verifiers=(PayPalVerifier((Secret("1JE4291016473214C"),)),)),
        a_source("open", verifiers=(NoVerifier(),)),
        a_source("asked", greeting=Handshakes(STEPS, (Secret(SECRET),))),
        a_source(
            "many",
            batch=compile_expression("events"),
            identification=Identification(compile_term("kind"), {"*": compile_term("id")}, WEEK),
        ),
        a_source(
            "turning",
            verifiers=(HmacVerifier("X-Signature", (Secret("a-new-secret-of-it"), Secret(SECRET))),),
            keyrings=tuple(
                (HmacVerifier("X-Signature", (Secret(secret),)),) for secret in ("a-new-secret-of-it", SECRET)
            ),
            has_secret=True,
        ),
    ]
}


@dataclass
class Door:
    """A running public port."""

    url: str
    http: ClientSession
    store: Store
    clock: ManualClock
    headroom: Headroom
    journal: Journal
    storage: Storage
    inbound: InboundDoor = field(init=False)
    keys: dict[str, bytes | KeyUnavailable] = field(default_factory=dict)  # what a vendor's server has
    keys_wanted: list[KeyWanted] = field(default_factory=list)

    async def key(self, wanted: KeyWanted) -> bytes | None:
        """Fetch a vendor's key, as far as the test has put it there."""
        self.keys_wanted.append(wanted)
        found = self.keys.get(wanted.url)
        if isinstance(found, KeyUnavailable):
            raise found
        return found

    async def send(
        self, source: str, body: bytes = b'{"kind":"a","id":1}', **headers: str
    ) -> tuple[int, dict[str, object]]:
        """Send as a genuine sender of the source does, unless headers say otherwise."""
        signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.post(f"/in/{source}", body, {"X-Signature": signature, **named})

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, object]]:
        async with self.http.post(self.url + path, data=body, headers=headers) as answer:
            told: dict[str, object] = await answer.json(content_type=None)
            self.last_headers = answer.headers
            return answer.status, told

    @property
    def crowd(self) -> Crowd:
        return self.inbound.crowd

    def adopt(self, bounds: Bounds) -> None:
        """Bear this much from here on, as after a reload."""
        self.inbound.adopt(SOURCES, None, [], bounds)

    async def stored(self) -> int:
        ((count,),) = await self.storage.rows("SELECT count(*) FROM events")
        return int(count)


@asynccontextmanager
async def opened_door(
    storage: Storage, open_store: OpenStore, clock: ManualClock, bounds: Bounds = BOUNDS, proxies: str = "127.0.0.0/8"
) -> AsyncIterator[Door]:
    """Open the public port of those sources, on a store."""
    store = await open_store("worker-a", patience_s=0.25)
    lanes, journal, headroom = Lanes([]), Journal(), Headroom(backlog_max=1000, disk_free_min=0)
    health = Health(store, Scheduler(store, lanes, [], clock), [], headroom, clock)
    door = Door("", ClientSession(auto_decompress=False), store, clock, headroom, journal, storage)
    ingest = Ingest(SOURCES.values(), store, lanes, headroom, clock, journal, fetch_key=door.key)
    silence = Silence(SOURCES.values(), lambda _: None, clock)
    singles = Singles(SOURCES.values(), {"erp": ERP}, silence, store, clock)
    trusted = [ip_network(proxies)]
    told = journal.malformed
    inbound = InboundDoor(SOURCES, ingest, health, None, trusted, told, singles, bounds, clock, journal.cut_off)
    server = QuietServer(inbound.serve, inbound.crowd, told, access_log=None, auto_decompress=False)
    door.inbound = inbound
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    door.url = f"http://{host}:{port}"
    async with door.http:
        yield door
    await runner.cleanup()
