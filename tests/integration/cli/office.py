"""A shop's configuration on a database of either engine, and the commands that are called on it."""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from click.testing import CliRunner, Result

from relay.cli import main
from relay.domain import Event, Plan, PlannedDelivery, Refusal, Verdict
from relay.store.ports.rejections import Bounds, Rejection
from relay.store.protocol import EventRecord, Store
from tests.builders import a_lease, a_plan, an_event, dead, delivered
from tests.storage import Storage

T = TypeVar("T")

NOW = datetime.now(UTC)
MINUTE = timedelta(minutes=1)
AN_HOUR_AGO = f"{NOW - 60 * MINUTE:%Y-%m-%dT%H:%M:%SZ}"
HALF_A_MINUTE_AGO = f"{NOW - MINUTE / 2:%Y-%m-%dT%H:%M:%SZ}"
OLD, NEW = "the-old-secret-of-the-shop", "the-new-secret-of-the-shop"
HOSTILE = "\x1b[31mred\x1b]0;title\x07 \u202egnp.exe \x9b2J \u2066\r\nSet-Cookie: \t\x7f\U000e0041"
CONFIG = """\
storage: {url: '%s'}
sources:
  shop:
    verify: {scheme: hmac, header: X-Signature, algorithm: sha256, encoding: hex, signed: "{body}"}
    secrets: %s
    type: kind
targets:
  erp: {url: 'http://127.0.0.1:9/hooks'}
  archive: {kind: file, path: 'archive/{event_id}.json'}
routes:
  - {name: invoices, from: shop, when: "kind == 'invoice'", to: [erp, archive]}
  - {name: notes, from: shop, when: "kind == 'note'", to: erp}
"""


def signature(body: bytes, secret: str = NEW) -> str:
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def an_invoice(number: str, *, at: datetime = NOW, secret: str = NEW) -> Event:
    body = json.dumps({"kind": "invoice", "number": number}).encode()
    event = an_event(at=at, body=body, key=f"invoice {number} of {at:%H%M%S%f}")
    headers = (("Content-Type", "application/json"), ("X-Signature", signature(body, secret)))
    return replace(event, type="invoice", headers=headers, secret_number=1)


def a_refused(
    body: bytes, *, signed: bytes | None = None, secret: str = NEW, at: datetime = NOW, is_whole: bool = True
) -> Rejection:
    """Return a request that was refused. signed: the body that its signature is of, where that is another one."""
    headers = (("X-Signature", signature(body if signed is None else signed, secret)), ("X-Shop", HOSTILE))
    return Rejection(
        number=0,
        source="shop",
        refusal=Refusal.MISMATCH,
        received_at=at,
        method="POST",
        origin="http://relay",
        path="/in/shop/a-token-of-the-path",
        query="token=a-token-of-the-query",
        headers=headers,
        remote="203.0.113.9",
        token="a-token-of-the-path",
        body=body,
        is_whole=is_whole,
    )


@dataclass
class Office:
    """Where commands are called."""

    folder: Path
    storage: Storage

    def __post_init__(self) -> None:
        self.configure(NEW)

    def configure(self, *secrets: str) -> None:
        (self.folder / "config" / "relay.yaml").write_text(CONFIG % (self.storage.url, json.dumps(secrets)))

    def call(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    def told(self, *arguments: str) -> Any:
        """Return what a command tells programs."""
        return json.loads(self.call(*arguments, "--json").stdout)

    def do(self, doing: Callable[[Store], Awaitable[T]]) -> T:
        """Do something to the database as a relay would."""
        return asyncio.run(self._done(doing))

    async def _done(self, doing: Callable[[Store], Awaitable[T]]) -> T:
        store = self.storage.store("worker-a")
        await store.open()
        try:
            return await doing(store)
        finally:
            await store.close()

    def stored(self, *events: Event, plan: Plan | None = None) -> list[str]:
        async def store_all(store: Store) -> None:
            for event in events:
                await store.accept(event, plan or both(event.received_at), {})

        self.do(store_all)
        return [event.id for event in events]

    def half_dead(self, event: Event) -> str:
        """Store an event of which the ERP refuses its delivery, and the archive has it."""

        async def settle(store: Store) -> None:
            leases = {0: a_lease(at=event.received_at), 1: a_lease(at=event.received_at)}
            receipt = await store.accept(event, both(event.received_at), leases)
            at_erp, at_archive = receipt.deliveries
            await store.settle(dead(at_erp))
            await store.settle(delivered(at_archive))

        self.do(settle)
        return event.id

    def refused(self, *rejections: Rejection) -> None:
        async def keep(store: Store) -> None:
            await store.rejections.keep(rejections, Bounds(NOW - timedelta(days=7), 100, 10**6))

        self.do(keep)

    def record(self, event_id: str) -> EventRecord:
        found = self.do(lambda store: store.event(event_id))
        assert found is not None
        return found

    def statuses(self, event_id: str) -> dict[str, str]:
        return {delivery.target: delivery.status.value for delivery in self.record(event_id).deliveries}


def both(at: datetime) -> Plan:
    """Plan what the route of invoices does."""
    planned = tuple(PlannedDelivery("invoices", name, at, at + timedelta(days=3)) for name in ("erp", "archive"))
    return Plan(planned, (("invoices", Verdict.MATCHED), ("notes", Verdict.UNMATCHED)))


def to_erp() -> Plan:
    return a_plan("erp", at=NOW)
