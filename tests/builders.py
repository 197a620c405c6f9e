"""Things to test with, each as a test needs it and ordinary in all else."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

from relay.domain import (
    Attempt,
    Delivery,
    DeliveryStatus,
    Event,
    Lease,
    Outcome,
    Plan,
    PlannedDelivery,
    Refusal,
    Verdict,
    new_event_id,
)
from relay.store.ports.rejections import Rejection
from relay.store.protocol import Settlement
from tests.conftest import START

_entropy = itertools.count(1)
WEEK = timedelta(days=7)


def an_event(
    *,
    key: str | None = None,
    at: datetime = START,
    source: str = "shop",
    window: timedelta | None = WEEK,
    body: bytes = b"{}",
) -> Event:
    number = next(_entropy)
    return Event(
        id=new_event_id(at, number.to_bytes(10, "big")),
        source=source,
        type="order.paid",
        key=(key or f"key-{number}").encode(),
        key_expires_at=None if window is None else at + window,
        received_at=at,
        headers=(("Content-Type", "application/json"), ("X-Shop", "1")),
        body=body,
        secret_number=2,
    )


def a_plan(
    *targets: str, at: datetime = START, max_age: timedelta = timedelta(days=3), order: str | None = None
) -> Plan:
    planned = tuple(PlannedDelivery("route", target, at, at + max_age, order) for target in targets or ("erp",))
    return Plan(planned, (("route", Verdict.MATCHED),))


def a_lease(worker: str = "worker-a", *, at: datetime = START, lasting_s: float = 60) -> Lease:
    return Lease(worker, at + timedelta(seconds=lasting_s))


def an_attempt(delivery: Delivery, outcome: Outcome = Outcome.ACCEPTED, *, at: datetime = START) -> Attempt:
    return Attempt(delivery.attempt, at, 0.25, outcome, 200 if outcome is Outcome.ACCEPTED else 500, "", b"ok")


def delivered(delivery: Delivery) -> Settlement:
    return Settlement(delivery, an_attempt(delivery), DeliveryStatus.DELIVERED)


def dead(delivery: Delivery) -> Settlement:
    return Settlement(delivery, an_attempt(delivery, Outcome.REJECTED), DeliveryStatus.DEAD)


def again(delivery: Delivery, due_at: datetime) -> Settlement:
    return Settlement(delivery, an_attempt(delivery, Outcome.ERRORED), DeliveryStatus.PENDING, due_at)


def a_rejection(**told: object) -> Rejection:
    ordinary = Rejection(
        0,
        "shop",
        Refusal.MISMATCH,
        START,
        "POST",
        "https://hooks.example.com",
        "/in/shop",
        "a=1",
        (("X-Signature", "sha256=00"), ("X-Odd", "\udcff")),
        "192.0.2.1",
        "a-token",
        b"\x00body",
    )
    return replace(ordinary, **told)  # type: ignore[arg-type]
