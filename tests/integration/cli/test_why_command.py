"""`relay why`: did it arrive, and if not, why? On each engine, with no relay running."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from relay import finding
from relay.breaker import CLOSED, Breaker, BreakerState
from relay.domain import Verdict
from relay.store.ports.search import DeliveryFilter
from relay.store.protocol import Store
from tests.builders import a_lease, again, delivered
from tests.integration.cli.office import (
    AN_HOUR_AGO,
    HALF_A_MINUTE_AGO,
    HOSTILE,
    MINUTE,
    NEW,
    NOW,
    OLD,
    Office,
    a_refused,
    an_invoice,
    to_erp,
)


def test_an_invoice_is_found_by_its_number_and_its_story_told(office: Office) -> None:
    """It is night: what came, where it went, what failed there, and the command that helps."""
    event_id = office.half_dead(an_invoice("INV-3337"))

    result = office.call("why", "INV-3337")

    assert 0 == result.exit_code, result.output
    lines = result.stdout.splitlines()
    assert f"{event_id} (invoice) from shop arrived: a delivery was given up; 1 of 2 targets reached" == lines[0]
    assert any("invoices took it: kind == 'invoice'" in line for line in lines)
    assert any("notes left it: kind == 'note'" in line for line in lines)
    assert any(re.search(r"attempt 1 .*: rejected 500 in 250 ms; it answered: ok", line) for line in lines)
    assert any(f"`relay replay {event_id} --target erp`" in line and "mend the cause" in line for line in lines)
    assert "1 event searched. 0 refused requests searched, all that are kept" == lines[-1]


def test_what_did_not_arrive_is_said_with_what_was_searched(office: Office) -> None:
    """Exit code 1: a script can ask as well."""
    office.stored(an_invoice("INV-1"))

    result = office.call("why", "INV-3337")

    assert 1 == result.exit_code
    assert result.stdout.startswith("no event with INV-3337 is kept: it did not arrive, was refused, or was purged")
    assert "1 event searched" in result.stdout


def test_what_was_refused_is_found_with_what_to_do(office: Office) -> None:
    """The commonest reason why an invoice did not arrive is a secret that was changed on one side."""
    office.refused(a_refused(b'{"kind": "invoice", "number": "INV-3337"}'), a_refused(b"{}"))

    result = office.call("why", "INV-3337")

    assert 1 == result.exit_code
    assert "for shop: mismatch: its signature or token is wrong: the vendor has another secret" in result.stdout
    assert "then `relay rejections admit 1`" in result.stdout
    assert "2 refused requests searched" in result.stdout


def test_the_newest_is_told_and_the_older_ones_are_listed(office: Office) -> None:
    """A text may stand in many events."""
    older, newest = office.stored(an_invoice("INV-3337", at=NOW - MINUTE), an_invoice("INV-3337"))

    shown = office.call("why", "INV-3337").stdout
    told = office.told("why", "INV-3337")

    assert shown.startswith(f"{newest} ")
    assert "1 older with INV-3337:" in shown
    assert (newest, [older]) == (told["event"]["id"], [each["id"] for each in told["others"]])
    assert {
        "events": 2,
        "events_all": True,
        "keys": 0,
        "keys_all": True,
        "refused": 0,
        "refused_all": True,
    } == told["searched"]


def test_older_ones_are_looked_for_on_demand(office: Office) -> None:
    """`--until` goes on where a search ended."""
    older, _ = office.stored(an_invoice("INV-3337", at=NOW - 2 * MINUTE), an_invoice("INV-3337"))

    assert older == office.told("why", "INV-3337", "--until", HALF_A_MINUTE_AGO)["event"]["id"]


@pytest.mark.usefixtures("one_step")
def test_a_search_ends_when_patience_does_and_says_how_far_it_came(office: Office) -> None:
    """On a million events, too, an answer comes within a second."""
    events = [an_invoice(f"INV-{number}", at=NOW - number * MINUTE) for number in range(30)]
    office.stored(*events)

    hasty = office.call("why", "INV-29", "--patience", "0s")
    patient = office.call("why", "INV-29", "--patience", "1h")

    assert (1, 0) == (hasty.exit_code, patient.exit_code)
    assert "no event with INV-29 was found; not all were searched" == hasty.stdout.splitlines()[0]
    assert re.search(
        r"the newest 11 events searched, back to \S+; older ones: --patience 1m, or --until \S+", hasty.stdout
    )
    assert "30 events searched" in patient.stdout


@pytest.mark.usefixtures("one_step")
def test_keys_are_looked_at_before_older_bodies(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invoice of last week is found by its number within seconds, however many events there are."""
    monkeypatch.setattr(finding, "NEWEST_S", 0.0)
    filling = [an_invoice(f"INV-{number}", at=NOW - number * MINUTE) for number in range(30)]
    by_body = replace(filling[15], body=b'{"number": "A-1", "other": "A-2"}')
    by_key = replace(filling[25], key=b"invoice A-1")
    office.stored(*filling[:15], by_body, *filling[16:25], by_key, *filling[26:])

    first, second, none = (office.told("why", text) for text in ("A-1", "A-2", "A-3"))

    assert by_key.id == first["event"]["id"]
    assert (11, False, 19) == tuple(first["searched"][name] for name in ("events", "events_all", "keys"))
    assert by_body.id == second["event"]["id"]
    assert (19, True) == (second["searched"]["keys"], second["searched"]["keys_all"])
    assert None is none["event"]
    assert (30, True) == (none["searched"]["events"], none["searched"]["events_all"])


def test_which_secret_proved_it_is_told(office: Office) -> None:
    """Whether the old one is still in use decides whether it can be taken away. What was known stays known."""
    office.configure(NEW, OLD)
    by_new, by_old = office.stored(an_invoice("INV-1"), replace(an_invoice("INV-2"), secret_number=2))

    assert "verified when it came, by secret 1 of 2, as the source lists them" in office.call("why", by_new).stdout
    assert "verified when it came, by secret 2 of 2, as the source lists them" in office.call("why", by_old).stdout
    assert 2 == office.told("why", by_old)["event"]["secret"]
    office.configure(NEW)
    assert "verified when it came, by the source's secret" in office.call("why", by_new).stdout
    assert "by secret 2 of those that the source had then" in office.call("why", by_old).stdout


def test_what_came_before_secrets_were_kept_is_said_to_be_unknown(office: Office) -> None:
    """Nothing is guessed: an older program wrote it, or the source had no secret then."""
    (unknown,) = office.stored(replace(an_invoice("INV-1"), secret_number=None))

    assert "by which secret is not known" in office.call("why", unknown).stdout


def test_what_the_relay_tells_of_itself_needs_no_proof(office: Office) -> None:
    """A notice is an event like any other, and nobody sent it; its route stands in the configuration as `notify`."""
    plan = replace(to_erp(), verdicts=(("notify", Verdict.MATCHED),))
    (notice,) = office.stored(replace(an_invoice("INV-1"), source="relay", secret_number=None), plan=plan)

    shown = office.call("why", notice).stdout

    assert "told by the relay itself" in shown
    assert "notify took it: it goes where `notify` says" in shown


def test_a_source_that_is_called_relay_is_no_notice(office: Office) -> None:
    """It may be another relay, and is proven as any other source."""
    path = office.folder / "config" / "relay.yaml"
    path.write_text(path.read_text().replace("shop", "relay"))
    (event_id,) = office.stored(replace(an_invoice("INV-1"), source="relay"))

    shown = office.call("why", event_id).stdout

    assert "verified when it came, by the source's secret" in shown
    assert "invoices took it: kind == 'invoice'" in shown
    assert "1 stored event looked at" in office.call("check", "--against-history", "1h").stdout


def test_an_attempt_that_took_no_time_to_speak_of_says_so(office: Office) -> None:
    """A local target answers in less than a millisecond: that is not none."""

    async def settle(store: Store) -> None:
        receipt = await store.accept(an_invoice("INV-1"), to_erp(), {0: a_lease(at=NOW)})
        settlement = delivered(receipt.deliveries[0])
        await store.settle(replace(settlement, attempt=replace(settlement.attempt, duration_s=0.0004)))

    office.do(settle)

    assert "accepted 200 in under 1 ms" in office.call("why", "INV-1").stdout


def test_a_route_that_was_changed_since_is_told(office: Office) -> None:
    """What was decided stands; the file may say something else by now."""
    (event_id,) = office.stored(an_invoice("INV-1"))
    path = office.folder / "config" / "relay.yaml"
    path.write_text(
        path.read_text().replace("kind == 'invoice'", "kind == 'order'").replace("name: notes", "name: new")
    )

    shown = office.call("why", event_id).stdout

    assert "invoices took it; it was changed since, and would now have said: unmatched" in shown
    assert "notes left it; it is not configured any more" in shown
    assert "new was not there yet when it came" in shown


async def _paused(store: Store) -> None:
    await store.pause("erp", NOW, is_paused=True)


async def _broken(store: Store) -> None:
    broken = Breaker(BreakerState.OPEN, 10, None, NOW, NOW + 60 * MINUTE, 30.0, "timed_out: no answer")
    await store.note_breaker("erp", CLOSED, broken, NOW)


async def _retried(store: Store) -> None:
    (delivery,) = await store.claim("erp", a_lease(at=NOW), NOW, 1, 10**6)
    await store.settle(again(delivery, NOW + 60 * MINUTE))


async def _in_flight(store: Store) -> None:
    await store.claim("erp", a_lease(at=NOW), NOW, 1, 10**6)


async def _cancelled(store: Store) -> None:
    (row,) = (await store.search.deliveries(DeliveryFilter(target="erp"), None, 1)).deliveries
    await store.changes.cancel(row.id, NOW)


@pytest.mark.parametrize(
    ("doing", "told"),
    [
        (_paused, "it waits, for erp is paused: `relay targets resume erp`"),
        (_broken, "it waits, for erp is left alone (timed_out: no answer): mend it; one delivery tries it in "),
        (_retried, "by a relay that runs; at the latest 3d after it was planned it is given up"),
        (_in_flight, "it is being sent now"),
        (_cancelled, "nothing: it was cancelled; `relay replay "),
    ],
)
def test_what_comes_next_is_told_with_what_ends_a_wait(
    office: Office, doing: Callable[[Store], Awaitable[None]], told: str
) -> None:
    """Whoever waits knows for what."""
    (event_id,) = office.stored(an_invoice("INV-1"), plan=to_erp())
    office.do(doing)

    assert told in office.call("why", event_id).stdout


def test_what_goes_nowhere_is_told(office: Office) -> None:
    """No route took it: that is no fault of a target."""
    (event_id,) = office.stored(an_invoice("INV-1"), plan=replace(to_erp(), deliveries=(), verdicts=()))

    shown = office.call("why", event_id).stdout

    assert "no route took it, so it went nowhere" in shown
    assert "no route began at shop when it came" in shown


def test_a_delivery_to_a_target_that_is_no_more_is_told(office: Office) -> None:
    """It is kept; who renamed the target left it behind."""
    plan = replace(to_erp(), deliveries=(replace(to_erp().deliveries[0], target="crm"),))
    (event_id,) = office.stored(an_invoice("INV-1"), plan=plan)

    assert "it waits until a target crm is configured again" in office.call("why", event_id).stdout


def test_an_unknown_id_is_told_in_one_line(office: Office) -> None:
    """Exit code 1."""
    result = office.call("why", f"evt_{'0' * 32}")

    assert 1 == result.exit_code
    assert "there is no event evt_000" in result.stderr


def test_a_hostile_event_does_nothing_to_the_terminal(office: Office) -> None:
    """Its type, its key and what a target answers are strangers' words."""
    event = replace(an_invoice("INV-3337"), type=HOSTILE * 20, key=HOSTILE.encode())
    office.half_dead(event)

    for arguments in (
        ("why", "INV-3337"),
        ("events",),
        ("show", event.id),
        ("tail", "--since", AN_HOUR_AGO, "--count", "1"),
    ):
        for output in (office.call(*arguments).stdout, office.call(*arguments, "--json").stdout):
            assert all(each.isprintable() for each in output.replace("\n", "")), (arguments, output)
            assert "red" in output


@pytest.mark.usefixtures("one_step")
def test_who_is_found_is_told_at_once(office: Office) -> None:
    """The rest of a large history is not searched for what is known already; that there may be more is said."""
    office.stored(*(an_invoice("INV-3337", at=NOW - number * MINUTE) for number in range(30)))

    shown = office.call("why", "INV-3337", "--patience", "1h").stdout

    assert "9+ older with INV-3337:" in shown
    assert "the newest 10 events searched" in shown


def test_what_began_anew_says_where(office: Office) -> None:
    """Attempts before a replay and after it are two tries of somebody, and not one."""
    event_id = office.half_dead(an_invoice("INV-1"))
    office.call("replay", event_id, "--target", "erp")

    lines = office.call("why", event_id).stdout.splitlines()

    (anew,) = (number for number, line in enumerate(lines) if "it last began anew here: it was replayed" in line)
    assert "attempt 1" in lines[anew - 1]
    assert "next: it is tried" in lines[anew + 1]
