"""Nouns in JSON: as the API answers with them, and as commands print them for programs."""

from datetime import datetime

from relay.domain import Attempt
from relay.operations import TargetReport
from relay.store.protocol import DeliveryRecord, EventRecord


def told_target(report: TargetReport) -> dict[str, object]:
    """Tell how a target stands."""
    target, lane = report.target, report.lane
    return {
        "name": report.name,
        "kind": target.kind if target else None,
        "address": target.address if target else None,
        "configured": target is not None,
        "state": report.state.value,
        "paused": lane.is_paused,
        "held_since": iso(report.held_since),
        "reason": lane.breaker.reason or None,
        "next_probe_at": iso(report.next_probe_at),
        "unfinished": lane.unfinished,
        "dead": lane.dead,
        "oldest_pending_at": iso(lane.oldest_at),
    }


def told_event(record: EventRecord) -> dict[str, object]:
    """Tell an event's whole story, without its body."""
    event = record.event
    return {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "key": event.key.decode("utf-8", "backslashreplace"),
        "received_at": iso(event.received_at),
        "body_bytes": len(event.body),
        "routes": [{"route": route, "verdict": verdict.value} for route, verdict in record.verdicts],
        "deliveries": [_told_delivery(delivery) for delivery in record.deliveries],
    }


def _told_delivery(delivery: DeliveryRecord) -> dict[str, object]:
    return {
        "id": delivery.id,
        "target": delivery.target,
        "route": delivery.route,
        "status": delivery.status.value,
        "due_at": iso(delivery.due_at),
        "finished_at": iso(delivery.finished_at),
        "reason": delivery.reason,
        "attempts": [_told_attempt(attempt) for attempt in delivery.attempts],
    }


def _told_attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "number": attempt.number,
        "started_at": iso(attempt.started_at),
        "duration_ms": round(attempt.duration_s * 1000, 1),
        "outcome": attempt.outcome.value,
        "http_status": attempt.status,
        "detail": attempt.detail,
        "excerpt": attempt.excerpt.decode("utf-8", "replace"),
    }


def iso(time: datetime | None) -> str | None:
    """Write a time as ISO 8601, in UTC and to the millisecond."""
    return None if time is None else time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
