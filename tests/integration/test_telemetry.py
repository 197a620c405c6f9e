"""What monitoring and the log are told."""

import io
import json
import re
from collections.abc import Iterator

import pytest
import structlog

from relay.domain import (
    Attempt,
    Cut,
    Delivery,
    DeliveryStatus,
    HttpTarget,
    Identification,
    Outcome,
    Refusal,
    Route,
    Source,
)
from relay.logbook import configure_logging
from relay.sampling import FAREWELLS, LINES
from relay.store.protocol import LaneState
from relay.telemetry import Telemetry
from relay.verification.none import NoVerifier
from tests.builders import an_event
from tests.conftest import START, ManualClock

ERP = HttpTarget("erp", url="https://user:a-password@erp.example.com/hooks?token=a-token")


class Stream(io.TextIOWrapper):
    """A log file; broken, where a test wants that."""

    def __init__(self, *, is_broken: bool = False, is_terminal: bool = False) -> None:
        self.bytes = io.BytesIO()
        self._is_terminal = is_terminal
        super().__init__(self.bytes if not is_broken else _Full())

    def isatty(self) -> bool:
        return self._is_terminal

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
    assert "https://erp.example.com/hooks" == line["address"]
    assert b"a-password" not in stream.bytes.getvalue()
    assert b"a-token" not in stream.bytes.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_line_tells_its_story_from_left_to_right(clock: ManualClock, *, is_terminal: bool) -> None:
    """What happened, to whom, why, and what is to be done, for a person as for a program; colours set aside."""
    stream = Stream(is_terminal=is_terminal)
    configure_logging(stream=stream)

    Telemetry(clock, {"erp": ERP}).target_changed("erp", "broken", "timed_out: 15 s", "look after the target")

    stream.flush()
    (line,) = stream.bytes.getvalue().decode().splitlines()
    told = re.sub(r"\x1b\[[0-9;]*m", "", line)
    places = [told.index(word) for word in ("target_changed", "erp", "broken", "timed_out: 15 s", "look after")]
    assert sorted(places) == places
    assert "warning" in told


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_line_is_one_line_whatever_a_value_holds(clock: ManualClock, *, is_terminal: bool) -> None:
    """Who may choose a value could else write lines of the log, or command the terminal on which it is read."""
    stream = Stream(is_terminal=is_terminal)
    configure_logging(stream=stream)
    chosen = "one\r\nevent=all_is_well\x1b[2J\x1b]0;title\x07"

    Telemetry(clock, {"erp": ERP}).target_changed("erp", "broken", chosen, "look after the target")

    stream.flush()
    (line,) = stream.bytes.getvalue().splitlines()
    assert re.sub(rb"\x1b\[[0-9;]*m", b"", line).decode().isprintable()


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


def test_a_flood_of_handshakes_is_no_log_storm(clock: ManualClock) -> None:
    """Some of them anybody may ask; each is counted, and few are told."""
    stream = Stream()
    configure_logging(stream=stream)
    telemetry = Telemetry(clock, {})

    for _ in range(1000):
        telemetry.greeted("page")

    assert LINES.count == len(stream.entries())
    assert b'relay_events_total{result="handshake",source="page"} 1000.0' in telemetry.exposition({})


def test_when_each_secret_was_last_used_is_told_by_its_position(clock: ManualClock) -> None:
    """Never by its value: one that stands still can be taken away."""
    telemetry = Telemetry(clock, {})

    telemetry.proven("shop", 2)
    clock.advance(60)
    telemetry.proven("shop", 1)

    name = b"relay_source_key_last_used_timestamp_seconds"
    told = [line for line in telemetry.exposition({}).splitlines() if line.startswith(name)]
    at_s = {line.partition(b" ")[0]: float(line.partition(b" ")[2]) for line in told}
    assert {1: 60.0, 2: 0.0} == {
        key: at_s[b'%s{key="%d",source="shop"}' % (name, key)] - START.timestamp() for key in (1, 2)
    }


def test_a_target_that_is_gone_is_told_loudly_and_not_for_every_event(clock: ManualClock) -> None:
    """Each of its events dies at once: somebody must be told what to do, and find it among the attempts."""
    stream = Stream()
    configure_logging(stream=stream)
    telemetry = Telemetry(clock, {"erp": ERP})
    gone = Attempt(2, START, 0.1, Outcome.REJECTED, 410, "answered 410")
    for _ in range(100):
        telemetry.attempted(a_delivery(), gone, DeliveryStatus.DEAD, next_in_s=None)
    clock.advance(FAREWELLS.per_s)
    delivery = a_delivery()
    telemetry.attempted(delivery, gone, DeliveryStatus.DEAD, next_in_s=None)

    first, second = [entry for entry in stream.entries() if entry["event"] == "target_gone"]
    assert ("error", "erp", 0) == (first["level"], first["target"], first["unsaid"])
    assert (delivery.event.id, 99) == (second["event_id"], second["unsaid"])
    assert "`relay targets pause erp`" in str(first["next_step"])
    assert b"a-token" not in stream.bytes.getvalue()


@pytest.mark.parametrize(
    ("outcome", "culprit"), [(Outcome.BLOCKED, "what `relay why` names"), (Outcome.REJECTED, "the target")]
)
def test_who_reads_of_a_dead_delivery_is_told_what_to_mend(clock: ManualClock, outcome: Outcome, culprit: str) -> None:
    """A target whose route has a wrong expression has nothing to mend: it was never asked."""
    stream = Stream()
    configure_logging(stream=stream)

    Telemetry(clock, {"erp": ERP}).attempted(
        a_delivery(), Attempt(1, START, 0.1, outcome), DeliveryStatus.DEAD, next_in_s=None
    )

    assert [f"given up; mend {culprit}, then replay"] == [entry["next_step"] for entry in stream.entries()]


@pytest.mark.parametrize(
    ("outcome", "http_status", "status"),
    [
        (Outcome.ERRORED, 410, DeliveryStatus.PENDING),  # `final: []`
        (Outcome.REJECTED, 404, DeliveryStatus.DEAD),  # `final: [404]`
    ],
)
def test_no_other_answer_says_that_a_target_is_gone(
    clock: ManualClock, outcome: Outcome, http_status: int, status: DeliveryStatus
) -> None:
    """A 410 that ends nothing is one failure among others, and so is another status that does."""
    stream = Stream()
    configure_logging(stream=stream)

    Telemetry(clock, {"erp": ERP}).attempted(
        a_delivery(), Attempt(2, START, 0.1, outcome, http_status), status, next_in_s=None
    )

    assert ["delivery_attempted"] == [entry["event"] for entry in stream.entries()]


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


def test_what_alerts_ring_for_is_told_as_zero_before_it_happens(clock: ManualClock) -> None:
    """A rate sees only what rises: a counter that is born at one never has, and the first failure rings nobody."""
    telemetry = Telemetry(clock, {"erp": ERP})
    telemetry.expect([Source("shop", (NoVerifier(),), Identification(), routes=(Route("shop→erp", "shop", (ERP,)),))])

    told = telemetry.exposition({}).decode()

    for line in (
        'relay_events_total{result="mismatch",source="shop"} 0.0',
        'relay_events_total{result="unavailable",source="shop"} 0.0',
        'relay_events_total{result="accepted",source="shop"} 0.0',
        'relay_route_failures_total{route="shop→erp"} 0.0',
        'relay_dead{target="erp"} 0.0',
    ):
        assert line in told
    assert not any(count for count, _ in telemetry.counted().values())


@pytest.mark.parametrize("reason", Cut)
def test_a_storm_of_cuts_is_counted_and_few_lines_are_told(clock: ManualClock, reason: Cut) -> None:
    """Whoever floods the door does not flood the log; each line says what an operator can do."""
    stream = Stream()
    configure_logging(stream=stream)
    telemetry = Telemetry(clock, {})
    for _ in range(1000):
        telemetry.cut_off(reason)

    lines = stream.entries()
    assert LINES.count == len(lines)
    assert {reason.value} == {line["reason"] for line in lines}
    assert all(line["next_step"] for line in lines)
    assert f'relay_cut_off_total{{reason="{reason.value}"}} 1000.0' in telemetry.exposition({}).decode()
