"""The admin port on a real store, with a configuration and a clock of the test's own."""

import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from relay.config import Config, load
from relay.domain import Secret
from relay.filewatch import ConfigFiles
from relay.headroom import Headroom
from relay.health import Health
from relay.ingest import Ingest
from relay.lanes import Lanes
from relay.observer import Observer
from relay.quarantine import Quarantine
from relay.reloading import Reloading
from relay.silence import Silence
from relay.singles import Singles
from relay.store.protocol import Store
from relay.targets.preview import preview
from relay.trials import Trials
from relay.web.admin.desk import Desk
from relay.web.admin.door import AdminDoor
from relay.web.dashboard.door import Dashboard
from tests.conftest import ManualClock

TOKEN = "a-token-of-the-admin"
CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
KNOWN = {"Authorization": f"Bearer {TOKEN}"}

FILE = """
admin: {hosts: [relay.example.com]}
sources:
  shop:
    verify: {scheme: hmac, header: X-Signature, algorithm: sha256, encoding: hex, signed: "{body}"}
    secret: "SECRET"
    limit: 200/1s
targets:
  erp: {url: "https://user:a-password@erp.example.com/hooks?token=a-secret", headers: {X-Tenant: a-tenant-key}}
routes:
  - {from: shop, to: erp}
"""
SECRET = "a-secret-of-the-shop"

Client: TypeAlias = "TestClient[web.Request, web.Application]"

_entropy = itertools.count(1)


class Office:
    """An admin port and what is behind it. A configuration can be put in the place of another."""

    def __init__(self, store: Store, clock: ManualClock, observer: Observer, folder: Path) -> None:
        self.store, self.clock, self.observer, self.folder = store, clock, observer, folder
        self.lanes = Lanes([])
        self.path = folder / "relay.yaml"
        self.reloading: Reloading | None = None
        self.configure(FILE)

    def configure(self, text: str, secret: str = SECRET) -> None:
        self.write(text, secret)
        self.config: Config = load(self.path, {})
        self.quarantine = Quarantine(self.store, self.config.quarantine, self.clock)
        self.ingest = Ingest(
            self.config.sources.values(),
            self.store,
            self.lanes,
            Headroom(1000, 0),
            self.clock,
            self.observer,
            quarantine=self.quarantine,
        )

    def write(self, text: str, secret: str = SECRET) -> None:
        self.path.write_text(text.replace("SECRET", secret))

    def reload_when_asked(self) -> None:
        """Be as a relay that was started with a file."""

        async def adopt(config: Config) -> None:
            self.config = config

        self.reloading = Reloading(
            self.config, ConfigFiles(self.path), lambda: load(self.path, {}), adopt, self.clock, lambda _: None
        )

    def desk(self) -> Desk:
        return Desk(
            store=self.store,
            lanes=self.lanes,
            ingest=self.ingest,
            health=Health(self.store, None, [], None, self.clock),
            singles=Singles([], self.config.targets, Silence([], lambda _: None, self.clock), self.store, self.clock),
            clock=self.clock,
            config=lambda: self.config,
            tokens=(Secret("another-token"), Secret(TOKEN)),
            exposition=_exposition,
            reloading=lambda: self.reloading,
            entropy=lambda size: next(_entropy).to_bytes(size, "big"),
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Client]:
        desk = self.desk()
        door = AdminDoor(desk)
        application = door.application()
        Dashboard(desk, door.access, Trials(preview, self.clock)).add_to(application)
        async with TestClient(TestServer(application)) as client:
            yield client


async def signed_in(admin: Client) -> str:
    """Sign in as a browser does; return what forms must send along."""
    answer = await admin.post("/sign-in", data={"token": TOKEN, "next": "/events"})
    assert (200, "/events") == (answer.status, answer.url.path)
    found = CSRF.search(await answer.text())
    assert found is not None
    return found[1]


async def _exposition() -> bytes:
    return b"relay_backlog 0\n"
