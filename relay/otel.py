"""Traces by OpenTelemetry: imported only where they are collected.

Which trace an event belongs to, and which span its attempts come from, is read off the event itself, at any time and by
any process: the trace is that of the sender's `traceparent`, which is stored with it, and else the 32 hex digits of
its id; the span of its acceptance is the last 16 of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Thread

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from relay.clock import Clock
from relay.domain import Attempt, Delivery, Outcome
from relay.tracing import TRACE_HEADERS

NAME = "callback-relay"
ACCEPT = "accept"
RANDOM = 0x02  # that the trace was named by chance. Source: W3C Trace Context 2, 3.2.2.5
CLOSE_S = 3.0  # for what has not been told: a stop waits no longer for a collector

_W3C = TraceContextTextMapPropagator()


class EventIds(RandomIdGenerator):
    """Names the spans of acceptances after their events, and others by chance."""

    def __init__(self) -> None:
        self._event_id: str | None = None

    @contextmanager
    def of(self, event_id: str) -> Iterator[None]:
        """Name what is begun in this context after an event."""
        self._event_id = event_id
        try:
            yield
        finally:
            self._event_id = None

    def generate_trace_id(self) -> int:
        """Return the name of a trace that begins here."""
        return super().generate_trace_id() if self._event_id is None else trace_id_of(self._event_id)

    def generate_span_id(self) -> int:
        """Return the name of a span."""
        return super().generate_span_id() if self._event_id is None else span_id_of(self._event_id)


class OtelTracer:
    """Tells a collector. Fulfils `relay.tracing.Tracer`. processor: takes the spans that are ended."""

    def __init__(self, processor: SpanProcessor, clock: Clock) -> None:
        self._ids = EventIds()
        self._provider = TracerProvider(id_generator=self._ids, resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(NAME)
        self._clock = clock

    def accepted(
        self, source: str, event_id: str, headers: Iterable[tuple[str, str]], began_at: datetime, ended_at: datetime
    ) -> None:
        """Tell of an event that is on disk."""
        attributes = {"relay.source": source, "relay.event_id": event_id}
        with self._ids.of(event_id):
            span = self._tracer.start_span(
                ACCEPT, _sender(headers), SpanKind.SERVER, attributes, start_time=_ns(began_at)
            )
        span.end(_ns(ended_at))

    @contextmanager
    def attempting(self, delivery: Delivery) -> Iterator[Callable[[Attempt], None]]:
        """Tell of an attempt, after the acceptance of its event."""
        began_at, began_s = self._clock.machine_now(), self._clock.monotonic()
        span = self._tracer.start_span(
            f"deliver {delivery.target}",
            self._acceptance(delivery),
            SpanKind.CLIENT,
            _attributes(delivery),
            start_time=_ns(began_at),
        )
        try:
            with use_span(span, record_exception=False):
                yield lambda attempt: _conclude(span, attempt)
        finally:
            span.end(_ns(began_at + timedelta(seconds=self._clock.monotonic() - began_s)))

    def onward(self) -> Sequence[tuple[str, str]]:
        """Return the headers that carry on the trace of the attempt that is made here."""
        carried: dict[str, str] = {}
        _W3C.inject(carried)
        return tuple(carried.items())

    def close(self) -> None:
        """Tell what has not been told yet, as far as the collector takes it soon."""
        telling = Thread(target=self._provider.shutdown, daemon=True)  # by itself it takes up to 30 s
        telling.start()
        telling.join(CLOSE_S)

    def _acceptance(self, delivery: Delivery) -> Context:
        """Return the context of an event's acceptance, whoever accepted it, and whether that was sampled.

        The sampler is asked as it was then. It answers alike: OpenTelemetry's own decide by the trace alone.
        """
        event = delivery.event
        before = _sender(event.headers)
        sender = get_current_span(before).get_span_context()
        trace_id = sender.trace_id if sender.is_valid else trace_id_of(event.id)
        decision = self._provider.sampler.should_sample(before, trace_id, ACCEPT).decision
        flags = TraceFlags(
            (sender.trace_flags if sender.is_valid else RANDOM) & RANDOM
            | (TraceFlags.SAMPLED if decision is Decision.RECORD_AND_SAMPLE else TraceFlags.DEFAULT)
        )
        acceptance = SpanContext(trace_id, span_id_of(event.id), True, flags, sender.trace_state)
        return set_span_in_context(NonRecordingSpan(acceptance), Context())


def collecting_tracer(clock: Clock) -> OtelTracer:
    """Return one that tells the collector of OTEL_EXPORTER_OTLP_ENDPOINT, from a thread."""
    return OtelTracer(BatchSpanProcessor(OTLPSpanExporter()), clock)


def trace_id_of(event_id: str) -> int:
    """Return the trace of an event whose sender has none."""
    return int(event_id.removeprefix("evt_"), 16)


def span_id_of(event_id: str) -> int:
    """Return the span of an event's acceptance. The digits are random: the time is before them."""
    return int(event_id[-16:], 16)


def _sender(headers: Iterable[tuple[str, str]]) -> Context:
    """Return the context that a sender was in; an empty one where it says nothing, or nothing that can be read."""
    carried = {name.lower(): value for name, value in headers if name.lower() in TRACE_HEADERS}
    return _W3C.extract(carried, Context())


def _attributes(delivery: Delivery) -> dict[str, str | int]:
    event = delivery.event
    return {
        "relay.source": event.source,
        "relay.event_id": event.id,
        "relay.event_type": event.type,
        "relay.target": delivery.target,
        "relay.attempt": delivery.attempt,
    }


def _conclude(span: Span, attempt: Attempt) -> None:
    span.set_attribute("relay.outcome", attempt.outcome.value)
    if attempt.status is not None:
        span.set_attribute("http.response.status_code", attempt.status)
    if attempt.outcome is not Outcome.ACCEPTED:
        span.set_status(StatusCode.ERROR, attempt.detail)


def _resource() -> Resource:
    """Return what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, with a name where they give none."""
    described = Resource.create()
    is_named = not str(described.attributes[SERVICE_NAME]).startswith("unknown_service")
    return described if is_named else described.merge(Resource({SERVICE_NAME: NAME}))


def _ns(at: datetime) -> int:
    """Return nanoseconds since 1970, exact to the microsecond."""
    return round(at.timestamp() * 1_000_000) * 1000
