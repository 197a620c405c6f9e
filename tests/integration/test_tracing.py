"""One trace from the sender through this relay to its targets, whoever carries it and however late."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import RawTestServer
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from relay import tracing
from relay.assembly import Parts, assemble
from relay.config import load
from relay.domain import DeliveryStatus
from relay.otel import OtelTracer, collecting_tracer
from relay.roles import Role
from relay.store.opening import store_on
from tests.conftest import ManualClock
from tests.patience import WAIT_S_MAX
from tests.receiver import Receiver, hangs, receiving, says

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENDERS = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=abc"}
FILE = """
storage: {{url: "sqlite:///{folder}/relay.db", disk_free_min: 1MiB}}
sources:
  shop: {{verify: none, key: id}}
targets:
  erp:
    url: "{url}"
    allow_private: true
    retry: {{base: 10s, jitter: 0}}
    {shaped}
routes: [{{from: shop, to: erp}}]
"""


class Traced:
    """A process that tells its spans to the test."""

    def __init__(self, parts: Parts, spans: InMemorySpanExporter, url: str) -> None:
        self.parts, self._spans, self._url = parts, spans, url

    async def accept(self, key: str = "1", headers: Mapping[str, str] | None = None) -> str:
        async with (
            ClientSession() as http,
            http.post(f"{self._url}in/shop", json={"id": key}, headers=headers) as answer,
        ):
            assert 200 == answer.status
            event_id: str = (await answer.json())["id"]
            return event_id

    async def attempted(self, event_id: str, count: int) -> None:
        """Come back once so many attempts have been settled."""
        async with asyncio.timeout(WAIT_S_MAX):
            while not await self._has(event_id, count):
                await asyncio.sleep(0.005)

    async def _has(self, event_id: str, count: int) -> bool:
        record = await self.parts.store.event(event_id)
        assert record is not None
        (delivery,) = record.deliveries
        return len(delivery.attempts) == count and delivery.status is not DeliveryStatus.SENDING

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._spans.get_finished_spans()


@asynccontextmanager
async def process(folder: Path, url: str, clock: ManualClock, name: str, shaped: str = "") -> AsyncIterator[Traced]:
    """Receive and deliver, as the program does; several of a test share one database."""
    path = folder / "relay.yaml"
    path.write_text(FILE.format(folder=folder, url=url, shaped=shaped))
    spans = InMemorySpanExporter()
    config = load(path, {})
    store, _ = store_on(config.storage.database, name, clock)
    await store.open()
    parts = assemble(config, store, clock, name, Role.ALL, OtelTracer(SimpleSpanProcessor(spans), clock))
    assert parts.door is not None
    assert parts.scheduler is not None
    await parts.maintenance.see_room()
    watching = asyncio.create_task(parts.scheduler.run())
    parts.crew.start(lambda _: None, parts.maintenance.see_room)
    try:
        async with RawTestServer(cast(Any, parts.door.serve)) as server:
            yield Traced(parts, spans, str(server.make_url("/")))
    finally:
        await parts.crew.stop(1)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await parts.store.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving(says()) as opened:
        yield opened


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def span_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str | None:
    return None if span.parent is None else f"{span.parent.span_id:016x}"


async def test_a_senders_trace_goes_on_through_both_spans_to_the_target(
    tmp_path: Path, clock: ManualClock, receiver: Receiver
) -> None:
    """Whoever looks at the order sees the relay in the middle, and the ERP behind it."""
    async with process(tmp_path, receiver.url, clock, "one") as relay:
        event_id = await relay.accept(headers=SENDERS)
        await relay.attempted(event_id, 1)

        accepted, attempt = relay.spans
        assert [TRACE, TRACE] == [trace_of(accepted), trace_of(attempt)]
        assert [SPAN, span_of(accepted)] == [parent_of(accepted), parent_of(attempt)]
        assert [SpanKind.SERVER, SpanKind.CLIENT] == [accepted.kind, attempt.kind]
        assert ["accept", "deliver erp"] == [accepted.name, attempt.name]
        assert {
            "relay.source": "shop",
            "relay.event_id": event_id,
            "relay.event_type": "unknown",
            "relay.target": "erp",
            "relay.attempt": 1,
            "relay.outcome": "accepted",
            "http.response.status_code": 200,
        } == dict(attempt.attributes or {})
        (request,) = receiver.requests
        assert request.value("traceparent").startswith(f"00-{TRACE}-{span_of(attempt)}-")
        assert "vendor=abc" == request.value("tracestate")


@pytest.mark.parametrize("headers", [{}, SENDERS, {"traceparent": "00-no-trace-01", "tracestate": "vendor=abc"}])
async def test_an_attempt_by_another_process_later_belongs_to_the_same_trace(
    tmp_path: Path, clock: ManualClock, headers: Mapping[str, str]
) -> None:
    """The event tells: by its sender's trace, or by its id. Neither memory nor a column is needed for it."""
    async with receiving(says("500 Oops"), says()) as receiver:
        async with process(tmp_path, receiver.url, clock, "one") as first:
            event_id = await first.accept(headers=headers)
            await first.attempted(event_id, 1)
            accepted, failed = first.spans
        clock.advance(600)
        async with process(tmp_path, receiver.url, clock, "two") as second:
            await second.attempted(event_id, 2)
            (succeeded,) = second.spans

    expected = TRACE if headers == SENDERS else event_id.removeprefix("evt_")
    assert {expected} == {trace_of(span) for span in (accepted, failed, succeeded)}
    assert {span_of(accepted)} == {parent_of(failed), parent_of(succeeded)}
    assert [StatusCode.ERROR, StatusCode.UNSET] == [failed.status.status_code, succeeded.status.status_code]
    carried = [request.value("traceparent") for request in receiver.requests]
    assert [f"00-{expected}-{span_of(span)}-" for span in (failed, succeeded)] == [each[:-2] for each in carried]
    assert all(int(each[-2:], 16) & 1 for each in carried)
    assert (headers == SENDERS) == bool(receiver.requests[0].values("tracestate"))


async def test_what_a_sender_does_not_sample_is_not_told_and_its_trace_goes_on(
    tmp_path: Path, clock: ManualClock, receiver: Receiver
) -> None:
    """The decision is the sender's, for the whole trace."""
    async with process(tmp_path, receiver.url, clock, "one") as relay:
        event_id = await relay.accept(headers={"traceparent": f"00-{TRACE}-{SPAN}-00"})
        await relay.attempted(event_id, 1)

        assert () == tuple(relay.spans)
        assert TRACE in receiver.requests[0].value("traceparent")
        assert receiver.requests[0].value("traceparent").endswith("-00")


@pytest.mark.parametrize("ratio", ["0.0", "1.0"])
async def test_both_spans_are_sampled_or_neither(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, ratio: str
) -> None:
    """An attempt decides anew what its acceptance decided: by the same trace, and so alike."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", ratio)
    async with process(tmp_path, receiver.url, clock, "one") as relay:
        event_id = await relay.accept()
        await relay.attempted(event_id, 1)

        assert int(float(ratio)) * 2 == len(relay.spans)


async def test_a_repeat_and_a_refusal_have_no_span(tmp_path: Path, clock: ManualClock, receiver: Receiver) -> None:
    """Nothing is accepted, and a stranger could have any number told."""
    async with process(tmp_path, receiver.url, clock, "one") as relay:
        event_id = await relay.accept("same")
        await relay.attempted(event_id, 1)
        assert event_id == await relay.accept("same")
        async with ClientSession() as http, http.post(f"{relay._url}in/shop", data=b"{") as answer:
            assert 400 == answer.status

        assert 2 == len(relay.spans)


async def test_expressions_see_the_event_as_it_came(tmp_path: Path, clock: ManualClock, receiver: Receiver) -> None:
    """Each attempt of a delivery sends the same body, whichever span it has."""
    shaped = 'body: "{trace: headers.traceparent}"'
    async with process(tmp_path, receiver.url, clock, "one", shaped) as relay:
        event_id = await relay.accept(headers=SENDERS)
        await relay.attempted(event_id, 1)

        (request,) = receiver.requests
        assert SENDERS["traceparent"].encode() in request.body
        assert SENDERS["traceparent"] != request.value("traceparent")


async def test_an_attempt_that_sends_nothing_is_told_too(
    tmp_path: Path, clock: ManualClock, receiver: Receiver
) -> None:
    """Who follows the trace learns why nothing came."""
    async with process(tmp_path, receiver.url, clock, "one", 'body: "missing"') as relay:
        event_id = await relay.accept()
        await relay.attempted(event_id, 1)

        _, attempt = relay.spans
        assert ("blocked", StatusCode.ERROR) == (
            (attempt.attributes or {})["relay.outcome"],
            attempt.status.status_code,
        )
        assert [] == receiver.requests


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_SERVICE_NAME": "relay"},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "true"},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
        {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_nothing_is_traced_where_nobody_collects(environ: Mapping[str, str], clock: ManualClock) -> None:
    """The standard's own variables say so; what we cannot speak is said in the log."""
    assert tracing.tracer_of(environ, clock) is None


def test_a_missing_extra_is_no_reason_not_to_run(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables are often set for a whole machine, by somebody else."""
    monkeypatch.setitem(sys.modules, "relay.otel", None)

    assert tracing.tracer_of(ENDPOINT, clock) is None


def test_opentelemetry_is_not_imported_by_who_does_not_trace() -> None:
    """What is not used costs nothing, not even the time to load it."""
    script = (
        "import sys, relay.cli.serve; from relay.system_clock import SystemClock; from relay.tracing import tracer_of; "
        "assert tracer_of({}, SystemClock()) is None; print([name for name in sys.modules if 'opentelemetry' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=WAIT_S_MAX, check=True
    )

    assert "[]" == done.stdout.strip()


async def test_a_collector_that_says_nothing_holds_up_no_stop(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deliveries have the grace time; traces have what is left of nobody's patience."""
    async with receiving(hangs) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.removesuffix("/hooks"))
        monkeypatch.setattr("relay.otel.CLOSE_S", 0.05)
        tracer = collecting_tracer(clock)
        tracer.accepted("shop", f"evt_{TRACE}", (), clock.now(), clock.now())
        async with asyncio.timeout(8):  # less than the exporter's own 10 s
            await asyncio.to_thread(tracer.close)


async def test_a_collector_gets_the_spans_by_the_time_the_relay_has_stopped(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By OTLP over HTTP, at the place that the environment names."""
    async with receiving(says()) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.removesuffix("/hooks"))
        tracer = collecting_tracer(clock)
        tracer.accepted("shop", f"evt_{TRACE}", (), clock.now(), clock.now())
        await asyncio.to_thread(tracer.close)

        (request,) = collector.requests
        assert request.line.startswith(b"POST /v1/traces ")
        assert bytes.fromhex(TRACE) in request.body
        assert b"callback-relay" in request.body
