"""What monitoring and the log are told."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from relay.domain import Attempt, Delivery, DeliveryStatus, HttpTarget, Outcome, Refusal
from relay.store.protocol import LaneState
from relay.telemetry import LINES, Telemetry, configure_logging
from tests.builders import an_event
from tests.conftest import START, ManualClock

ERP = HttpTarget("erp", url="https://user:a-password@erp.example.com/hooks?token=a-token")


class Stream(io.TextIOWrapper):
    """A log file; broken, where a test wants that."""

    def __init__(self, *, is_broken: bool = False) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes if not is_broken else _Full())

    def entries(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.bytes.getvalue().splitlines()]


class _Full(io.BytesIO):
    def write(self, _: object) -> int:
        raise OSError(28, "No space left on device")


@pytest.fixture(autouse=True)
def afterwards_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def a_delivery() -> Delivery:
    return Delivery(7, an_event(), "all", "erp", 2, 0, START, START)


def test_an_attempt_is_one_wide_line_that_says_what_comes_next(clock: ManualClock) -> None:
    """At night one line must be enough: who, what, to whom, how it ended, what happens next; and no secret."""
    stream = Stream()
    configure_logging(stream=stream)
    attempt = Attempt(2, START, 0.25, Outcome.ERRORED, 500, "erp.example.com:443: it broke")

    Telemetry(clock, {"erp": ERP}).attempted(a_delivery(), attempt, DeliveryStatus.PENDING, next_in_s=15.0)

    (line,) = stream.entries()
    assert ("delivery_attempted", "warning") == (line["event"], line["level"])
    assert ("shop", "order.paid", "erp") == (line["source"], line["type"], line["target"])
    assert ("errored", 500, 2, 250.0) == (line["outcome"], line["http_status"], line["attempt"], line["duration_ms"])
    assert "trying again in 15.0 s" == line["next_step"]
    assert "https://erp.example.com/hooks" == line["url"]
    assert b"a-password" not in stream.bytes.getvalue()
    assert b"a-token" not in stream.bytes.getvalue()


def test_a_flood_of_forged_requests_is_no_log_storm(clock: ManualClock) -> None:
    """A few lines of a kind, then silence, then one line that says how many were kept back."""
    stream = Stream()
    configure_logging(stream=stream)
    telemetry = Telemetry(clock, {})
    for _ in range(1000):
        telemetry.refused("shop", Refusal.MISMATCH)
    assert LINES.count == len(stream.entries())

    clock.advance(LINES.per_s)
    telemetry.refused("shop", Refusal.MISMATCH)

    assert 1000 - LINES.count == stream.entries()[-1]["unsaid"]
    assert b'relay_events_total{result="mismatch",source="shop"} 1001.0' in telemetry.exposition({})


def test_a_log_that_cannot_be_written_stops_nothing(clock: ManualClock) -> None:
    """Promise 4: keeping records never decides delivery, and a full disk must not silence the door."""
    configure_logging(stream=Stream(is_broken=True))
    telemetry = Telemetry(clock, {"erp": ERP})

    telemetry.unavailable("shop", "the database cannot commit: database or disk is full")
    telemetry.attempted(
        a_delivery(), Attempt(2, START, 0.1, Outcome.ACCEPTED, 200), DeliveryStatus.DELIVERED, next_in_s=None
    )

    assert b'relay_deliveries_total{outcome="accepted",target="erp"} 1.0' in telemetry.exposition({})


def test_the_metrics_have_the_names_of_the_contract(clock: ManualClock) -> None:
    """Dashboards and alerts of users rely on them."""
    telemetry = Telemetry(clock, {"erp": ERP})
    telemetry.accepted("shop", "evt_1", is_duplicate=False, duration_s=0.01)
    telemetry.attempted(
        a_delivery(), Attempt(1, START, 0.1, Outcome.ACCEPTED, 200), DeliveryStatus.DELIVERED, next_in_s=None
    )
    clock.advance(30)

    told = telemetry.exposition({"erp": LaneState(unfinished=3, dead=1, oldest_at=START)}).decode()

    for line in [
        'relay_events_total{result="accepted",source="shop"} 1.0',
        'relay_deliveries_total{outcome="accepted",target="erp"} 1.0',
        'relay_attempt_duration_seconds_count{target="erp"} 1.0',
        'relay_accept_duration_seconds_count{source="shop"} 1.0',
        'relay_backlog{target="erp"} 3.0',
        'relay_oldest_pending_seconds{target="erp"} 30.0',
        'relay_target_state{target="erp"} 0.0',
        f'relay_source_last_event_timestamp_seconds{{source="shop"}} {START.timestamp()}',
        "relay_config_last_reload_success 1.0",
    ]:
        assert _same(line) in [_same(other) for other in told.splitlines()]


def _same(line: str) -> tuple[str, float] | str:
    name, _, value = line.rpartition(" ")
    return line if line.startswith("#") else (name, float(value))
