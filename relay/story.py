"""An event's story in words: how it came, why it went where it did, what happened there, and what can be done.

It is told by what is stored and by the present configuration; where both may differ, it says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.config.units import lasting
from relay.contents import document_of
from relay.domain import (
    OWN_SOURCE,
    Attempt,
    DeliveryStatus,
    Event,
    GateState,
    Outcome,
    Refusal,
    Route,
    Source,
    Verdict,
)
from relay.errors import ExpressionFailed
from relay.operations import TargetReport
from relay.routing import environment, verdict
from relay.store.ports.rejections import RejectionRow
from relay.store.ports.search import EventStatus, fold
from relay.store.protocol import DeliveryRecord, EventRecord

EXCERPT_CHARACTERS = 200

REFUSED: Mapping[Refusal, str] = {
    Refusal.MISSING: "no signature, token or time came with it: is it sent by that vendor, to the URL of `relay urls`?",
    Refusal.MALFORMED: "its signature or token is not in the form of the source's scheme: compare `verify` or `preset`",
    Refusal.STALE: "its time was too far from ours: compare the clocks, and how long it was under way",
    Refusal.MISMATCH: "its signature or token is wrong: the vendor has another secret than the source",
    Refusal.UNREADABLE: "its body is not the JSON that the source needs",
    Refusal.KEYLESS: "it has nothing at the place that the source's `key` names",
    Refusal.TOO_LARGE: "it was larger than the source's `max_body`",
    Refusal.LIMITED: "it came faster than the source's `limit`",
}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """What is told about one thing. about: `received`, `proof`, `repeats`, `routes`, `to TARGET`."""

    about: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What is told of an event. title: how it ended, or stands, in one sentence."""

    title: str
    paragraphs: tuple[Paragraph, ...]


def tell(
    record: EventRecord,
    source: Source | None,
    targets: Mapping[str, TargetReport],
    now: datetime,
    refused: RejectionRow | None = None,
) -> Story:
    """Tell an event's story. source: as it is configured now. targets: as they stand now, by name.

    refused: the request that was admitted as this event, if any.
    """
    paragraphs = (
        Paragraph("received", (_arrival(record.event, now),)),
        Paragraph("proof", (proof(record.event, source, refused),)),
        Paragraph("repeats", (_repeats(record.event, now),)),
        Paragraph("routes", tuple(_routing(record, source))),
        *(_delivery(record.event, each, targets.get(each.target), now) for each in record.deliveries),
    )
    return Story(_title(record), paragraphs)


def _title(record: EventRecord) -> str:
    event, deliveries = record.event, record.deliveries
    end = _ENDS[fold(each.status for each in deliveries)]
    done = sum(each.status is DeliveryStatus.DELIVERED for each in deliveries)
    share = f"; {done} of {len(deliveries)} targets reached" if deliveries else ""
    return f"{event.id} ({event.type}) from {event.source} arrived: {end}{share}"


_ENDS = {
    EventStatus.DEAD: "a delivery was given up",
    EventStatus.PENDING: "it is on its way",
    EventStatus.CANCELLED: "a delivery was cancelled",
    EventStatus.DELIVERED: "delivered",
    EventStatus.UNROUTED: "no route took it, so it went nowhere",
}


def _arrival(event: Event, now: datetime) -> str:
    key = event.key.decode("utf-8", "backslashreplace")
    return f"{_at(event.received_at, now)}, with {len(event.body):,} bytes; its key is {key}"


def proof(event: Event, source: Source | None, refused: RejectionRow | None = None) -> str:
    """Say when an event was proven, and by which secret. refused: as for `tell`."""
    if is_own(event, source):
        return "told by the relay itself"
    if source is not None and event.secret_number is None and not source.has_secret:
        return f"the source {source.name} has no secret: nothing but its address may have proven it"
    if refused is None or refused.received_at > event.received_at:  # then that one was a repeat of what was there
        return f"verified when it came{_by(event, source)}"
    return (
        f"verified when it was accepted, at {_time(event.received_at)}{_by(event, source)}. When it first came, at "
        f"{_time(refused.received_at)}, it was refused ({refused.refusal.value}); that request, {refused.number}, was "
        "admitted since"
    )


def is_own(event: Event, source: Source | None) -> bool:
    """Tell whether an event is a notice of the relay's own, and of no configured source that has its name."""
    return event.source == OWN_SOURCE and source is None


def _by(event: Event, source: Source | None) -> str:
    if event.secret_number is not None:
        return f", {_by_secret(event.secret_number, source)}"
    if source is None:
        return f"; the source {event.source} is not configured any more"
    return "; by which secret is not known: it came before that was kept, or before there was one"


def _by_secret(number: int, source: Source | None) -> str:
    """Name a secret by its position, as of when the event came; the file may list others by now."""
    count = len(source.keyrings) or source.has_secret if source else 0
    if number > count:
        return f"by secret {number} of those that {'the source' if source else 'its source'} had then"
    return "by the source's secret" if count == 1 else f"by secret {number} of {count}, as the source lists them"


def _repeats(event: Event, now: datetime) -> str:
    if event.key_expires_at is None:
        return "one with the same key is a duplicate of this, for ever"
    if event.key_expires_at <= now:
        return f"one with the same key is a new event since {_time(event.key_expires_at)}"
    return (
        f"one with the same key is a duplicate of this until {_time(event.key_expires_at)}: it is answered with this "
        "id, and begins what is dead here anew"
    )


def _routing(record: EventRecord, source: Source | None) -> Iterator[str]:
    """Say of each route whether it took the event; with its reason, where it is configured still."""
    if not record.verdicts:
        yield f"no route began at {record.event.source} when it came"
    if is_own(record.event, source):
        yield from (f"{name} {_SAID[said]}: {BY_NOTIFY}" for name, said in record.verdicts)
        return
    routes = {route.name: route for route in source.routes} if source else {}
    names = environment(record.event, document_of(record.event)) if any(map(_asks, routes.values())) else {}
    for name, said in record.verdicts:
        route = routes.get(name)
        yield f"{name} {_SAID[said]}{_reason(route, said, names)}"
    for name in routes.keys() - {name for name, _ in record.verdicts}:
        yield f"{name} was not there yet when it came: routes are asked once"


BY_NOTIFY = "it goes where `notify` says"
_SAID = {Verdict.MATCHED: "took it", Verdict.UNMATCHED: "left it", Verdict.FAILED: "failed"}


def _asks(route: Route) -> bool:
    return route.when is not None


def _reason(route: Route | None, said: Verdict, names: Mapping[str, object]) -> str:
    if route is None:
        return "; it is not configured any more"
    if (now_said := verdict(route, names)) is not said:
        return f"; it was changed since, and would now have said: {now_said.value}"
    if route.when is None:
        return ": it takes everything"
    return f": {route.when.text}{_complaint(route, names) if said is Verdict.FAILED else ''}"


def _complaint(route: Route, names: Mapping[str, object]) -> str:
    assert route.when is not None  # noqa: S101 - it failed
    try:
        route.when(names)
    except ExpressionFailed as failed:
        return f" ({failed})"
    return ""


def _delivery(event: Event, delivery: DeliveryRecord, report: TargetReport | None, now: datetime) -> Paragraph:
    attempts = tuple(_tried(event, delivery))
    head = f"{delivery.status.value}, by the route {delivery.route}{_since(delivery, now)}"
    return Paragraph(f"to {delivery.target}", (head, *attempts, f"next: {_next(event, delivery, report, now)}"))


def _tried(event: Event, delivery: DeliveryRecord) -> Iterator[str]:
    """Tell each attempt, and between them where it began anew: the last time is stored, others show by an end."""
    before, number, was_final = delivery.attempts_before, 0, False
    for attempt in delivery.attempts:
        if number <= before < attempt.number and before:
            yield _BEGAN_ANEW
        elif was_final:
            yield _WENT_ON
        yield _attempt(attempt, event.received_at)
        number, was_final = attempt.number, attempt.outcome in _ENDINGS
    if number <= before and before:
        yield _BEGAN_ANEW


_BEGAN_ANEW = "it last began anew here: it was replayed, moved to this target, or its event came once more"
_WENT_ON = (
    "it had ended, and went on: it was replayed, or its event came once more; or whoever made that attempt was held up "
    "until another took it over"
)
_ENDINGS = {Outcome.ACCEPTED, Outcome.REJECTED, Outcome.BLOCKED}


def _since(delivery: DeliveryRecord, now: datetime) -> str:
    ended = f", since {_at(delivery.finished_at, now)}" if delivery.finished_at else ""
    return ended if delivery.attempts or not delivery.reason else f"{ended}: {delivery.reason}"


def _attempt(attempt: Attempt, began_at: datetime) -> str:
    status = f" {attempt.status}" if attempt.status is not None else ""
    detail = f": {attempt.detail}" if attempt.detail else ""
    answer = attempt.excerpt[: EXCERPT_CHARACTERS * 4].decode("utf-8", "replace").strip()[:EXCERPT_CHARACTERS]
    said = f"; it answered: {answer}" if answer and attempt.outcome.value != "accepted" else ""
    after = f"{_time(attempt.started_at)}, {lasting(attempt.started_at - began_at)} after it came"
    return f"attempt {attempt.number} ({after}): {attempt.outcome.value}{status} in {took(attempt)}{detail}{said}"


def took(attempt: Attempt) -> str:
    """Return how long an attempt took."""
    return f"{attempt.duration_s * 1000:,.0f} ms" if attempt.duration_s >= 0.001 else "under 1 ms"


def _next(event: Event, delivery: DeliveryRecord, report: TargetReport | None, now: datetime) -> str:
    again = f"`relay replay {event.id} --target {delivery.target}`"
    match delivery.status:
        case DeliveryStatus.DELIVERED:
            return f"nothing; {again} would send it once more"
        case DeliveryStatus.DEAD:
            return f"nothing is tried by itself: mend the cause ({delivery.reason or 'see above'}), then {again}"
        case DeliveryStatus.CANCELLED:
            return f"nothing: it was cancelled; {again} sends it all the same"
        case DeliveryStatus.SENDING:
            return "it is being sent now; if its worker is gone, it is tried again within a minute"
        case DeliveryStatus.PENDING:
            return _wait(delivery, report, now)


def _wait(delivery: DeliveryRecord, report: TargetReport | None, now: datetime) -> str:
    """Say what a pending delivery waits for, and what ends that."""
    name = delivery.target
    if report is None or report.target is None:
        return (
            f"it waits until a target {name} is configured again; `relay targets move {name} OTHER` gives it to "
            f"another, `relay targets cancel {name}` ends it"
        )
    if report.state is GateState.PAUSED:
        return f"it waits, for {name} is paused: `relay targets resume {name}`"
    if report.state is GateState.BROKEN:
        probe_at = report.next_probe_at
        tried = f"one delivery tries it {_in(probe_at, now)}" if probe_at else "the next delivery tries it"
        return f"it waits, for {name} is left alone ({report.lane.breaker.reason}): mend it; {tried}"
    if delivery.due_at is None:
        others = f"`relay events --target {name} --status pending`"
        return f"it waits until an earlier one of the same order is final: {others} lists what is on its way"
    given_up = f"; at the latest {lasting(report.target.retry.max_age)} after it was planned it is given up"
    return f"it is tried {_in(delivery.due_at, now)}, by a relay that runs{given_up}"


def _in(time: datetime, now: datetime) -> str:
    return f"in {lasting(time - now)}, at {_time(time)}" if time - now >= timedelta(seconds=1) else "now"


def _at(time: datetime, now: datetime) -> str:
    return f"{_time(time)} ({lasting(now - time)} ago)"


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
