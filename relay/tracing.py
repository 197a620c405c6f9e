"""Traces: a span for each event that is accepted and for each attempt, where somebody collects them.

Whoever does not has none of this: the parts are built without it, and OpenTelemetry is not imported.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from typing import Any, Protocol

import structlog

from relay.clock import Clock
from relay.domain import Answer, Attempt, Delivery, HttpTarget, InboundRequest, Refusal, Source
from relay.ingest import Ingest, Received
from relay.targets.protocol import Sender

log = structlog.get_logger("relay.tracing")

TRACE_HEADERS: Mapping[str, str] = {  # W3C Trace Context, 3.2 and 3.3
    "traceparent": "the trace that the attempt belongs to, which is that of the request's `traceparent`, or the "
    "event's own; and the attempt's span",
    "tracestate": "as the request had it; absent where it had none",
}
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"

Headers = Iterable[tuple[str, str]]


class Tracer(Protocol):
    """Tells a collector. Must not raise, and must not wait."""

    def accepted(self, source: str, event_id: str, headers: Headers, began_at: datetime, ended_at: datetime) -> None:
        """Tell of an event that is on disk. headers: of its request."""
        ...

    def attempting(self, delivery: Delivery) -> AbstractContextManager[Callable[[Attempt], None]]:
        """Tell of an attempt that begins now, and ends with the context; in it, tell what came of it."""
        ...

    def onward(self) -> Sequence[tuple[str, str]]:
        """Return the headers that carry on the trace of the attempt that is made here."""
        ...

    def close(self) -> None:
        """Tell what has not been told yet; this may take a while."""
        ...


class TracedIngest(Ingest):
    """Ingest that tells of each event it accepts. Refused requests have no span: a stranger can send any number."""

    def __init__(self, tracer: Tracer, *parts: Any, **others: Any) -> None:
        super().__init__(*parts, **others)
        self._tracer = tracer

    async def receive(self, request: InboundRequest, source: Source, came_at: datetime | None = None) -> Received:
        """Do as `Ingest` does."""
        began_at = self._clock.machine_now()
        result = await super().receive(request, source, came_at)
        if not isinstance(result, Answer | Refusal):
            ended_at, headers = self._clock.machine_now(), list(request.headers.items())
            for receipt in result:
                if not receipt.is_duplicate:
                    self._tracer.accepted(source.name, receipt.event_id, headers, began_at, ended_at)
        return result


class TracingSender:
    """Stands before a sender, and tells of each attempt, also of one that sends nothing."""

    def __init__(self, sender: Sender, tracer: Tracer) -> None:
        self._sender = sender
        self._tracer = tracer

    async def send(self, delivery: Delivery) -> Attempt:
        """Send, within a span."""
        with self._tracer.attempting(delivery) as told:
            attempt = await self._sender.send(delivery)
            told(attempt)
            return attempt

    async def close(self) -> None:
        """Give back connections."""
        await self._sender.close()


class CarryingSender:
    """Stands directly before a sender to an HTTP target, which is told to which trace it belongs.

    Not before the sender that shapes: what expressions see must be the event as it came.
    """

    def __init__(self, sender: Sender, tracer: Tracer) -> None:
        self._sender = sender
        self._tracer = tracer

    async def send(self, delivery: Delivery) -> Attempt:
        """Send an event with the headers of this attempt, in place of those that it came with."""
        event = delivery.event
        others = [(name, value) for name, value in event.headers if name.lower() not in TRACE_HEADERS]
        traced = replace(event, headers=(*others, *self._tracer.onward()))
        return await self._sender.send(replace(delivery, event=traced))

    async def close(self) -> None:
        """Give back connections."""
        await self._sender.close()


def passing_trace(target: HttpTarget) -> HttpTarget:
    """Return a target that gets the headers of a trace."""
    return replace(target, pass_headers=(*target.pass_headers, *TRACE_HEADERS))


def tracer_of(environ: Mapping[str, str], clock: Clock) -> Tracer | None:
    """Return what tells the collector that OpenTelemetry's own variables name, or None where they name none."""
    if not any(environ.get(name) for name in ENDPOINTS) or _is_off(environ):
        return None
    protocol = next((environ[name] for name in PROTOCOLS if environ.get(name)), PROTOCOL)
    if protocol != PROTOCOL:
        next_step = f"set OTEL_EXPORTER_OTLP_PROTOCOL={PROTOCOL} and its endpoint, mostly at port 4318"
        log.warning("nothing_is_traced", reason=f"traces are not sent by {protocol}", next_step=next_step)
        return None
    try:
        otel = import_module("relay.otel")
    except ImportError:
        next_step = "pip install 'callback-relay[otel]', or unset OTEL_EXPORTER_OTLP_ENDPOINT"
        log.warning("nothing_is_traced", reason="OpenTelemetry is not installed", next_step=next_step)
        return None
    tracer: Tracer = otel.collecting_tracer(clock)
    return tracer


def _is_off(environ: Mapping[str, str]) -> bool:
    is_disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return is_disabled or environ.get("OTEL_TRACES_EXPORTER", "otlp").strip() == "none"
