"""The form of every answer, as JSON Schema."""

from collections.abc import Mapping
from typing import Any

from relay.domain import DeliveryStatus, GateState, Outcome, Refusal, Verdict
from relay.store.ports.replays import ReplayState
from relay.store.ports.search import EventStatus

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
WORD: Schema = {"type": ["string", "null"]}
WHOLE: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
HEADERS: Schema = {"type": "array", "items": {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2}}


def _one_of(kind: Any) -> Schema:
    return {"type": "string", "enum": [each.value for each in kind]}


def _mapping(**fields: Schema) -> dict[str, Any]:
    """Describe a mapping that has exactly these fields."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _page(name: str, **more: Schema) -> dict[str, Any]:
    return _mapping(
        items=_list(_ref(name)), next={**WORD, "description": "Give it as `cursor`; null: the end."}, **more
    )


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_EVENT = {"id": TEXT, "source": TEXT, "type": TEXT, "key": TEXT, "received_at": TIME, "body_bytes": WHOLE}
_DELIVERY = {
    "id": WHOLE,
    "target": TEXT,
    "route": TEXT,
    "status": _one_of(DeliveryStatus),
    "due_at": MAYBE_TIME,
    "finished_at": MAYBE_TIME,
    "reason": TEXT,
}
_REJECTION = {
    "id": WHOLE,
    "source": TEXT,
    "reason": _one_of(Refusal),
    "received_at": TIME,
    "remote": TEXT,
    "body_bytes": WHOLE,
    "whole": FLAG,
    "event_id": WORD,
}

SCHEMAS: dict[str, Any] = {
    "Problem": {
        "type": "object",
        "properties": {"type": TEXT, "title": TEXT, "status": WHOLE, "detail": TEXT, "where": TEXT},
        "required": ["type", "title", "status", "detail"],
    },
    "Bytes": {"type": "string", "format": "binary"},
    "EventRow": _mapping(
        **_EVENT,
        status=_one_of(EventStatus),
        deliveries=_list(_mapping(target=TEXT, status=_one_of(DeliveryStatus))),
    ),
    "EventPage": _page("EventRow", searched=WHOLE),
    "Event": _mapping(
        **_EVENT,
        secret={
            "type": ["integer", "null"],
            "minimum": 1,
            "description": "Which of its source's secrets proved it, from 1; null: none had to, or it is not known.",
        },
        key_expires_at=MAYBE_TIME,
        headers=HEADERS,
        routes=_list(_mapping(route=TEXT, verdict=_one_of(Verdict))),
        deliveries=_list(_mapping(**_DELIVERY, attempts=_list(_ref("Attempt")))),
    ),
    "Attempt": _mapping(
        number=WHOLE,
        started_at=TIME,
        duration_ms=NUMBER,
        outcome=_one_of(Outcome),
        http_status={"type": ["integer", "null"]},
        detail=TEXT,
        excerpt=TEXT,
    ),
    "Count": _mapping(count=WHOLE, exact={**FLAG, "description": "False: at least so many."}, searched=WHOLE),
    "Replayed": _mapping(id=TEXT, replayed=WHOLE),
    "Delivery": _mapping(**_DELIVERY, event_id=TEXT, source=TEXT, type=TEXT, attempts=WHOLE, planned_at=TIME),
    "DeliveryPage": _page("Delivery", searched=WHOLE),
    "Target": _mapping(
        name=TEXT,
        kind=WORD,
        address=WORD,
        configured=FLAG,
        state=_one_of(GateState),
        paused=FLAG,
        held_since=MAYBE_TIME,
        reason=WORD,
        next_probe_at=MAYBE_TIME,
        unfinished=WHOLE,
        dead=WHOLE,
        oldest_pending_at=MAYBE_TIME,
    ),
    "TargetPage": _page("Target"),
    "Changed": _mapping(changed=WHOLE, more=FLAG),
    "Replay": _mapping(
        id=TEXT,
        state=_one_of(ReplayState),
        filter={"type": "object"},
        only_dead=FLAG,
        per_s=WHOLE,
        created_at=TIME,
        finished_at=MAYBE_TIME,
        searched=WHOLE,
        replayed=WHOLE,
        reached_at={**MAYBE_TIME, "description": "When the last event that it looked at was received."},
    ),
    "ReplayOrCount": {"anyOf": [_ref("Replay"), _ref("Count")]},
    "ReplayPage": _page("Replay"),
    "RejectionRow": _mapping(**_REJECTION),
    "RejectionPage": _page("RejectionRow"),
    "Rejection": _mapping(**_REJECTION, method=TEXT, path=TEXT, headers=HEADERS, has_token=FLAG),
    "Admitted": _mapping(id=TEXT, duplicate=FLAG, events=WHOLE),
    "Stats": _mapping(
        since=TIME,
        until=TIME,
        step_s=WHOLE,
        events=_list(_mapping(at=TIME, source=TEXT, result=TEXT, count=WHOLE)),
        deliveries=_list(_mapping(at=TIME, target=TEXT, outcome=TEXT, count=WHOLE)),
        durations=_list(
            _mapping(
                at=TIME,
                target=TEXT,
                bound={"type": "string", "enum": ["up_to", "longer", "all"]},
                up_to_s={"type": ["number", "null"]},
                count=WHOLE,
                seconds={"type": ["number", "null"]},
            )
        ),
    ),
    "Source": _mapping(
        name=TEXT,
        preset=WORD,
        path=TEXT,
        takes_token=FLAG,
        max_body_bytes=WHOLE,
        limit={"anyOf": [_mapping(count=WHOLE, per_s=NUMBER), {"type": "null"}]},
        routes=_list(TEXT),
        expect_every_s={"type": ["number", "null"]},
        last_event_at=MAYBE_TIME,
        silent_since={**MAYBE_TIME, "description": "Set where that is longer than its `expect_every`."},
        secrets=_list(_mapping(number=WHOLE, last_used_at=MAYBE_TIME)),
    ),
    "SourcePage": _page("Source"),
    "Config": {
        "type": "object",
        "properties": {"last_reload": {"anyOf": [_ref("Reload"), {"type": "null"}]}},
        "required": ["last_reload"],
    },
    "Reload": _mapping(
        at=TIME,
        good={**FLAG, "description": "False: the file is faulty, and nothing has changed."},
        changes=_list(TEXT),
        faults=_list(_mapping(file=TEXT, line=WHOLE, column=WHOLE, key=TEXT, message=TEXT)),
    ),
    "Session": _mapping(expires_in_s=WHOLE),
    "Description": {"type": "object"},
}
