"""Nouns in JSON: as the API answers with them, and as commands print them for programs."""

from collections.abc import Sequence
from datetime import datetime

from relay.domain import Attempt
from relay.finding import time_of
from relay.minutes import Span
from relay.operations import TargetReport
from relay.store.ports.minutes import ALL_DURATIONS, Figure
from relay.store.ports.rejections import Rejection, RejectionRow
from relay.store.ports.replays import Replay
from relay.store.ports.search import DeliveryRow, EventRow
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
        "secret": event.secret_number,
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


def told_event_row(row: EventRow) -> dict[str, object]:
    """Tell of an event in a list."""
    return {
        "id": row.id,
        "source": row.source,
        "type": row.type,
        "key": row.key.decode("utf-8", "backslashreplace"),
        "received_at": iso(row.received_at),
        "body_bytes": row.body_bytes,
        "status": row.status.value,
        "deliveries": [{"target": target, "status": status.value} for target, status in row.deliveries],
    }


def told_delivery_row(row: DeliveryRow) -> dict[str, object]:
    """Tell of a delivery in a list."""
    return {
        "id": row.id,
        "event_id": row.event_id,
        "source": row.source,
        "type": row.type,
        "target": row.target,
        "route": row.route,
        "status": row.status.value,
        "attempts": row.attempts,
        "planned_at": iso(row.planned_at),
        "due_at": iso(row.due_at),
        "finished_at": iso(row.finished_at),
        "reason": row.reason,
    }


def told_replay(replay: Replay) -> dict[str, object]:
    """Tell how far a job is."""
    wanted = replay.wanted
    asked = {
        "source": wanted.source,
        "type": wanted.type,
        "status": wanted.status,
        "target": wanted.target,
        "since": iso(wanted.since),
        "until": iso(wanted.until),
        "q": wanted.text,
    }
    return {
        "id": replay.id,
        "state": replay.state.value,
        "filter": {name: value for name, value in asked.items() if value is not None},
        "only_dead": replay.only_dead,
        "per_s": replay.per_s,
        "created_at": iso(replay.created_at),
        "finished_at": iso(replay.finished_at),
        "searched": replay.searched,
        "replayed": replay.replayed,
        "reached_at": iso(time_of(replay.position)) if replay.position else None,
    }


def told_rejection_row(row: RejectionRow) -> dict[str, object]:
    """Tell of a refused request in a list."""
    return {
        "id": row.number,
        "source": row.source,
        "reason": row.refusal.value,
        "received_at": iso(row.received_at),
        "remote": row.remote,
        "body_bytes": row.body_bytes,
        "whole": row.is_whole,
        "event_id": row.event_id,
    }


def told_rejection(rejection: Rejection, headers: object, path: str) -> dict[str, object]:
    """Tell of a refused request. headers, path: as they may be shown; its query and token never are."""
    return {
        "id": rejection.number,
        "source": rejection.source,
        "reason": rejection.refusal.value,
        "received_at": iso(rejection.received_at),
        "remote": rejection.remote,
        "body_bytes": len(rejection.body),
        "whole": rejection.is_whole,
        "event_id": rejection.event_id,
        "method": rejection.method,
        "path": path,
        "headers": headers,
        "has_token": rejection.token is not None,
    }


def told_minutes(figures: Sequence[Figure], span: Span) -> dict[str, object]:
    """Tell what happened in each step that has any figure."""
    return {
        "since": iso(span.since),
        "until": iso(span.until),
        "step_s": int(span.step.total_seconds()),
        "events": [_told_count(figure, "source", "result") for figure in figures if figure.kind.what == "event"],
        "deliveries": [_told_count(each, "target", "outcome") for each in figures if each.kind.what == "delivery"],
        "durations": [_told_duration(figure) for figure in figures if figure.kind.what == "duration"],
    }


def _told_count(figure: Figure, name: str, result: str) -> dict[str, object]:
    return {"at": iso(figure.at), name: figure.kind.name, result: figure.kind.result, "count": figure.count}


def _told_duration(figure: Figure) -> dict[str, object]:
    """Tell how many attempts took so long. up_to_s: None for all of them, which alone tell their sum."""
    is_sum = figure.kind.result == ALL_DURATIONS
    is_last = figure.kind.result == "+Inf"
    return {
        "at": iso(figure.at),
        "target": figure.kind.name,
        "bound": "all" if is_sum else "longer" if is_last else "up_to",
        "up_to_s": None if is_sum or is_last else float(figure.kind.result),
        "count": figure.count,
        "seconds": round(figure.seconds, 6) if is_sum else None,
    }


def iso(time: datetime | None) -> str | None:
    """Write a time as ISO 8601, in UTC and to the millisecond."""
    return None if time is None else time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
