"""Between rows and nouns: times as milliseconds."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from relay.clock import to_ms
from relay.domain import (
    Attempt,
    Delivery,
    Event,
    Lease,
    Outcome,
    Plan,
    PlannedDelivery,
)
from relay.store.protocol import Settlement
from relay.store.sqlite.accepting import Acceptance
from relay.store.sqlite.carrying import Loaded, Settled
from relay.store.sqlite.frames import apart
from relay.store.texts import headers_from_json, headers_to_json, reason_of, storable, verdicts_to_json


def from_ms(ms: int) -> datetime:
    """Return the time that many milliseconds after 1970, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def maybe_to_ms(time: datetime | None) -> int | None:
    """Do as `to_ms`, and keep None."""
    return None if time is None else to_ms(time)


def maybe_from_ms(ms: int | None) -> datetime | None:
    """Do as `from_ms`, and keep None."""
    return None if ms is None else from_ms(ms)


def acceptance(event: Event, plan: Plan, leases: Mapping[int, Lease]) -> Acceptance:
    """Write an event and everything it must become."""
    received_at, key_expires_at = to_ms(event.received_at), maybe_to_ms(event.key_expires_at)
    times = (key_expires_at, received_at)
    told = (len(event.body), verdicts_to_json(plan.verdicts), event.secret_number)
    return Acceptance(
        event.id,
        event.source,
        event.key,
        key_expires_at,
        received_at,
        (event.id, event.source, event.type, event.key, *times, *told),
        (headers_to_json(event.headers), apart(event.body)),
        [_born_row(planned, leases.get(index)) for index, planned in enumerate(plan.deliveries)],
        [(index, each.target, each.order) for index, each in enumerate(plan.deliveries) if each.order is not None],
    )


def _born_row(planned: PlannedDelivery, lease: Lease | None) -> tuple[Any, ...]:
    """Write the columns `BORN` after `id` and `event_seq`."""
    due_at = to_ms(planned.due_at)
    common = (planned.route, planned.target, due_at, to_ms(planned.deadline_at), planned.order, due_at)
    if lease is None:
        return (*common, "pending", 0, None, None)
    return (*common, "sending", 1, lease.worker, to_ms(lease.until))


def born(event: Event, plan: Plan, leased: Iterable[int], first_id: int) -> tuple[Delivery, ...]:
    """Return the deliveries of an event just stored that were leased with it. They are numbered in the plan's order."""
    return tuple(_born(first_id + index, event, plan.deliveries[index]) for index in leased)


def _born(delivery_id: int, event: Event, planned: PlannedDelivery) -> Delivery:
    times = (planned.due_at, planned.deadline_at)
    return Delivery(delivery_id, event, planned.route, planned.target, 1, 0, *times, planned.order)


def event_from(row: tuple[Any, ...]) -> Event:
    """Read a row of the columns `EVENT`."""
    event_id, source, type_, key, key_expires_at, received_at, secret_number, headers, body = row
    expires_at, pairs = maybe_from_ms(key_expires_at), headers_from_json(headers)
    return Event(event_id, source, type_, key, expires_at, from_ms(received_at), pairs, body, secret_number)


def deliveries(loaded: Loaded) -> list[Delivery]:
    """Read deliveries, leased; those of one event share it."""
    events = {seq: event_from(row) for seq, row in loaded.events.items()}
    return [_delivery_from(row, events[seq]) for row, seq in loaded.deliveries]


def _delivery_from(row: tuple[Any, ...], event: Event) -> Delivery:
    """Read a row of the columns `DELIVERY`; its current attempt is the last one counted."""
    *numbered, planned_at, deadline_at, order = row
    delivery_id, route, target, attempts, attempts_before = numbered
    times = (from_ms(planned_at), from_ms(deadline_at))
    return Delivery(delivery_id, event, route, target, attempts, attempts_before, *times, order)


def settled(settlement: Settlement) -> Settled:
    """Write what one attempt leads to."""
    delivery, attempt, status = settlement.delivery, settlement.attempt, settlement.status
    started_at, duration_ms = to_ms(attempt.started_at), attempt.duration_s * 1000
    return Settled(
        delivery.id,
        delivery.attempt,
        delivery.target,
        status.value,
        maybe_to_ms(settlement.due_at),
        int(started_at + duration_ms) if status.is_final else None,
        storable(reason_of(attempt)),
        delivery.order,
        attempt.outcome is Outcome.LOST,
        (
            attempt.number,
            started_at,
            duration_ms,
            attempt.outcome.value,
            attempt.status,
            storable(attempt.detail),
            attempt.excerpt,
        ),
    )


def attempt_from(row: tuple[Any, ...]) -> Attempt:
    """Read a row of the columns `ATTEMPT`."""
    number, started_at, duration_ms, outcome, status, detail, excerpt = row
    return Attempt(number, from_ms(started_at), duration_ms / 1000, Outcome(outcome), status, detail, excerpt)
