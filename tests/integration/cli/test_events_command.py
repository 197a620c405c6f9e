"""`relay events`, `relay show`, `relay tail`, `relay stats`: what is kept, seen from a terminal and by programs."""

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from relay.minutes import minute_of
from relay.store.ports.minutes import ALL_DURATIONS, Kind
from relay.store.protocol import Store
from tests.integration.cli.office import (
    AN_HOUR_AGO,
    HALF_A_MINUTE_AGO,
    MINUTE,
    NEW,
    NOW,
    Office,
    a_refused,
    an_invoice,
    signature,
    to_erp,
)
from tests.patience import WAIT_S_MAX


def test_events_are_listed_newest_first_with_how_they_stand(office: Office) -> None:
    """The worst of their deliveries tells, and the others beside it."""
    dead = office.half_dead(an_invoice("INV-1", at=NOW - MINUTE))
    (waits,) = office.stored(an_invoice("INV-2"))

    header, first, second = office.call("events").stdout.splitlines()

    assert "RECEIVED (UTC)       ID                                    SOURCE  TYPE     STATUS   TARGETS" == header
    assert f"{NOW:%Y-%m-%d %H:%M:%S}  {waits}  shop    invoice  pending  erp pending, archive pending" == first
    assert second.endswith(f"{dead}  shop    invoice  dead     erp dead, archive delivered")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--status", "dead"),
        ("--since", AN_HOUR_AGO, "--until", HALF_A_MINUTE_AGO),
        ("--text", "INV-1"),
        ("--target", "archive", "--until", HALF_A_MINUTE_AGO, "--source", "shop", "--type", "invoice"),
    ],
)
def test_all_that_is_asked_must_hold(office: Office, arguments: tuple[str, ...]) -> None:
    """The filters are those of the API."""
    dead = office.half_dead(an_invoice("INV-1", at=NOW - MINUTE))
    office.stored(an_invoice("INV-2"), plan=to_erp())

    assert [dead] == [event["id"] for event in office.told("events", *arguments)["items"]]


def test_pages_lead_to_every_event_once(office: Office) -> None:
    """A cursor is the same here and by HTTP; the last page has none."""
    ids = office.stored(*(an_invoice(f"INV-{number}", at=NOW + number * MINUTE) for number in range(5)))

    seen, arguments = [], ["events", "--limit", "2"]
    while True:
        page = office.told(*arguments)
        seen += [event["id"] for event in page["items"]]
        if page["next"] is None:
            break
        arguments[3:] = ["--cursor", page["next"]]

    assert ids[::-1] == seen


def test_a_name_that_is_not_configured_is_noted(office: Office) -> None:
    """An empty list of a misspelt source says nothing of the source; one of the past may have events still."""
    office.stored(an_invoice("INV-1"))

    misspelt = office.call("events", "--source", "shoop")

    assert 0 == misspelt.exit_code
    assert "note: no source 'shoop' is configured; did you mean `shop`?\n" in misspelt.stderr
    past = office.call("events", "--target", "x").stderr
    assert "note: no target 'x' is configured: it may be one of the past\n" in past
    assert "note" not in office.call("events", "--source", "shop", "--target", "erp").stderr


@pytest.mark.usefixtures("one_step")
def test_a_search_without_patience_says_how_to_go_on(office: Office) -> None:
    """An empty answer never passes for a whole one."""
    office.stored(*(an_invoice(f"INV-{number}", at=NOW - number * MINUTE) for number in range(5)))

    result = office.call("events", "--type", "order", "--limit", "1", "--patience", "0s")

    assert 0 == result.exit_code
    assert re.search(
        r"^2 searched, back to .* UTC; older ones: add --cursor \S+, or a longer --patience\n$", result.stderr
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--since", "yesterday"), "expected a time such as 2026-07-01T12:00:00Z, or how long ago: 2h"),
        (("--status", "lost"), "is not one of 'dead', 'pending'"),
        (("--cursor", "evt"), "expected the `next` of a page of this list"),
        (("--text", ""), "expected 1 to 500 characters"),
        (("--patience", "5"), "expected a duration"),
    ],
)
def test_a_slip_is_told_with_what_is_expected(office: Office, arguments: tuple[str, ...], told: str) -> None:
    """Wrong usage: exit code 2."""
    result = office.call("events", *arguments)

    assert 2 == result.exit_code
    assert told in " ".join(result.stderr.split())


def test_an_event_is_shown_whole_without_what_proves_it(office: Office) -> None:
    """It is copied into a ticket."""
    event = an_invoice("INV-3337")
    office.half_dead(event)

    shown = office.call("show", event.id).stdout
    told = office.told("show", event.id)

    assert signature(event.body) not in shown
    assert f"{event.id} dead" == shown.splitlines()[0]
    assert "  X-Signature: ***" in shown.splitlines()
    assert "  notes unmatched" in shown.splitlines()
    assert re.search(r"^  1 .* 250 ms +rejected +500 +ok$", shown, re.MULTILINE)
    assert event.body.decode() == shown.splitlines()[-1]
    assert ["X-Signature", "***"] in told["headers"]
    assert ["dead", "delivered"] == [delivery["status"] for delivery in told["deliveries"]]


def test_a_body_comes_out_as_it_came_in(office: Office) -> None:
    """Byte for byte, into a file."""
    event = replace(an_invoice("INV-1"), body=b"\x00\xff\r\n\x1b[31m")
    office.stored(event)

    assert event.body == office.call("show", event.id, "--body").stdout_bytes


def test_a_large_body_is_cut(office: Office) -> None:
    """A line of megabytes helps nobody; what is left out is said."""
    event = replace(an_invoice("INV-1"), body=b"x" * 5_000_000)
    office.stored(event)

    shown = office.call("show", event.id).stdout

    assert len(shown) < 20_000
    assert shown.endswith("x… and 4,990,000 bytes more\n")


def test_news_is_told_as_it_stands_and_refusals_with_it(office: Office) -> None:
    """Who tries a new webhook sees at once whether it was taken."""
    (event_id,) = office.stored(an_invoice("INV-1", at=NOW - MINUTE))
    office.refused(a_refused(b"{}"))

    lines = office.call("tail", "--since", AN_HOUR_AGO, "--count", "2").stdout.splitlines()
    told = [
        json.loads(line)
        for line in office.call("tail", "--since", AN_HOUR_AGO, "--count", "2", "--json").stdout.splitlines()
    ]

    assert [event_id in lines[0], "refused 1" in lines[1], lines[1].endswith("mismatch")] == [True] * 3
    assert [("event", event_id), ("rejection", 1)] == [(each["what"], each["id"]) for each in told]


def test_following_is_ended_by_ctrl_c(office: Office) -> None:
    """As whoever follows expects: nothing is said, exit code 0."""
    (event_id,) = office.stored(an_invoice("INV-1"))
    command = [sys.executable, "-m", "relay", "tail", "--since", AN_HOUR_AGO]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert event_id in following.stdout.readline()
        following.send_signal(signal.SIGINT)
        rest, complaints = following.communicate(timeout=WAIT_S_MAX)

    assert (0, "", "") == (following.returncode, rest, complaints)


def test_what_came_and_went_is_added_up(office: Office) -> None:
    """By source and by target, from the minutes that all processes write."""

    async def some_minutes(store: Store) -> None:
        counts = {
            Kind("event", "shop", "accepted"): (1200, 0.0),
            Kind("event", "shop", "mismatch"): (3, 0.0),
            Kind("delivery", "erp", "accepted"): (90, 0.0),
            Kind("delivery", "erp", "timed_out"): (10, 0.0),
            Kind("duration", "erp", ALL_DURATIONS): (100, 20.0),
            Kind("duration", "erp", "0.1"): (90, 0.0),
            Kind("duration", "erp", "2.5"): (10, 0.0),
        }
        now = datetime.now(UTC)
        for minutes in (1, 30):
            await store.minutes.add(minute_of(now) - minutes * MINUTE, counts, now - timedelta(days=7))

    office.do(some_minutes)
    office.stored(an_invoice("INV-1", at=NOW - 60 * MINUTE))

    shown, told = office.call("stats").stdout.splitlines(), office.told("stats", "--minutes", "10")

    assert re.match(r"shop    2,400     0          6        \dm\w* ago$", shown[1]), shown[1]
    assert re.match(r"erp      operating  180        20      200 ms  2,500 ms     1        1h\w* +0$", shown[4]), shown[
        4
    ]
    assert [1200, 3] == [each["count"] for each in told["events"]]


def test_the_secret_is_nowhere(office: Office) -> None:
    """Whatever is asked."""
    office.refused(a_refused(b"{}"))
    (event_id,) = office.stored(an_invoice("INV-1"))

    for arguments in (
        ("show", event_id),
        ("why", event_id),
        ("rejections", "show", "1"),
        ("tail", "--since", AN_HOUR_AGO, "--count", "2"),
    ):
        output = office.call(*arguments).output + office.call(*arguments, "--json").output
        assert NEW not in output
        assert "a-token-of-the" not in output
