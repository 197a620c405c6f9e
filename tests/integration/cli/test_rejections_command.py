"""`relay rejections`: what was refused is seen, and let in once what refused it is mended."""

from dataclasses import replace

import pytest

from relay.domain import Refusal
from relay.store.protocol import Store
from tests.integration.cli.office import MINUTE, NEW, NOW, OLD, Office, a_refused, an_invoice

BODY = b'{"kind": "invoice", "number": "INV-3337"}'


def test_what_was_refused_is_listed_newest_first(office: Office) -> None:
    """With the reason: the first question after a vendor says that it gets 401."""
    office.refused(a_refused(BODY, at=NOW - MINUTE), a_refused(BODY))

    result = office.call("rejections")
    told = office.told("rejections", "list", "--limit", "1")
    older = office.told("rejections", "--before", str(told["next"]))

    header, first, second = result.stdout.splitlines()
    assert ["ID", "RECEIVED", "(UTC)", "SOURCE", "REASON", "FROM", "BYTES", "ADMITTED", "AS"] == header.split()
    assert f"2   {NOW:%Y-%m-%d %H:%M:%S}  shop    mismatch  203.0.113.9  41" == first
    assert second.startswith("1 ")
    assert [[2], [1]] == [[row["id"] for row in page["items"]] for page in (told, older)]
    assert [] == office.told("rejections", "--reason", Refusal.STALE.value)["items"]


def test_where_none_is_kept_that_is_said(office: Office) -> None:
    """Nothing at all would look like a fault."""
    assert "none is kept\n" == office.call("rejections").stderr


def test_one_is_shown_without_what_proves_it(office: Office) -> None:
    """And nothing in it is obeyed by the terminal."""
    office.refused(a_refused(BODY))

    shown = office.call("rejections", "show", "1").stdout

    assert "1 refused: mismatch: its signature or token is wrong" in shown
    assert "request   POST /in/shop" in shown.splitlines()
    assert "  X-Signature: ***" in shown.splitlines()
    assert BODY.decode() == shown.splitlines()[-1]
    assert all(each.isprintable() for each in shown.replace("\n", ""))


def test_a_header_that_proves_is_masked_whatever_it_is_called(office: Office) -> None:
    """The configuration says which one it is."""
    path = office.folder / "config" / "relay.yaml"
    path.write_text(path.read_text().replace("X-Signature", "X-Whence"))
    refused = a_refused(BODY)
    office.refused(replace(refused, headers=(("X-Whence", "5ca1ab1e"), ("X-Other", "shown"))))

    shown = office.call("rejections", "show", "1").stdout.splitlines()

    assert "  X-Whence: ***" in shown
    assert "  X-Other: shown" in shown


def test_it_is_admitted_once_its_secret_is_known(office: Office) -> None:
    """Verified again and accepted, with its deliveries; a second time it is in already."""
    office.refused(a_refused(BODY, secret=OLD))

    refused = office.call("rejections", "admit", "1")
    office.configure(NEW, OLD)
    admitted = office.call("rejections", "admit", "1")
    again = office.call("rejections", "admit", "1")

    assert [1, 0, 1] == [result.exit_code for result in (refused, admitted, again)]
    assert "1: not admitted. It is refused again: mismatch." in refused.stderr
    event_id = admitted.stdout.split()[3].rstrip(";")
    assert BODY == office.record(event_id).event.body
    assert {"erp": "pending", "archive": "pending"} == office.statuses(event_id)
    assert f"It was admitted already, as {event_id}." in again.stderr


def test_what_was_admitted_says_when_it_was_proven_and_by_which_secret(office: Office) -> None:
    """Not when it came: then it was refused."""
    office.refused(a_refused(BODY, secret=OLD, at=NOW - MINUTE))
    office.configure(NEW, OLD)
    office.call("rejections", "admit", "1")

    (proof,) = (line for line in office.call("why", "INV-3337").stdout.splitlines() if line.startswith("proof"))

    accepted_at = office.record(office.told("events")["items"][0]["id"]).event.received_at
    assert (
        f"verified when it was accepted, at {accepted_at:%Y-%m-%d %H:%M:%S} UTC, by secret 2 of 2, as the source lists "
        f"them. When it first came, at {NOW - MINUTE:%Y-%m-%d %H:%M:%S} UTC, it was refused (mismatch); that request, "
        "1, was admitted since"
    ) in proof


def test_a_repeat_that_is_admitted_leaves_the_first_one_as_it_was_proven(office: Office) -> None:
    """The event was there already, and verified when it came."""
    office.stored(an_invoice("INV-3337", at=NOW - MINUTE))
    key = office.record(office.told("events")["items"][0]["id"]).event.id

    async def note(store: Store) -> None:
        await store.rejections.note_admitted(1, key)

    office.refused(a_refused(BODY))
    office.do(note)

    assert "verified when it came, by the source's secret" in office.call("why", key).stdout


def test_each_is_admitted_whatever_becomes_of_the_others(office: Office) -> None:
    """Fifty numbers may be given at once; one that cannot be is told, and the exit code is 1."""
    office.refused(a_refused(b"", is_whole=False), a_refused(BODY), a_refused(BODY))

    told = office.told("rejections", "admit", "1", "2", "3", "99")["items"]

    assert [False, True, True, False] == [each["admitted"] for each in told]
    assert "its sender must send it again" in told[0]["reason"]
    assert [(False, 1), (True, 1)] == [(each["duplicate"], each["events"]) for each in told[1:3]]
    assert told[1]["id"] == told[2]["id"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("show", "7"), 1, "there is no refused request 7, or it is not kept any more"),
        (("show", "evt_1"), 2, "'evt_1' is no ID of a refused request"),
        (("admit",), 2, "expected `relay rejections`, `relay rejections show ID`"),
        (("drop", "1"), 2, "expected `relay rejections`, `relay rejections show ID`"),
    ],
)
def test_a_slip_is_told(office: Office, arguments: tuple[str, ...], code: int, told: str) -> None:
    """Not there: exit code 1. Wrong usage: 2."""
    result = office.call("rejections", *arguments)

    assert code == result.exit_code
    assert told in " ".join(result.stderr.split())


def test_why_one_was_refused_is_explained_from_what_is_kept(office: Office) -> None:
    """Nobody has to capture it again: as of when it came, and without any of its secrets."""
    office.refused(a_refused(BODY + b"\n", signed=BODY), a_refused(b"", is_whole=False))

    explained = office.call("explain", "--rejection", "1")
    unread = office.call("explain", "--rejection", "2")
    absent = office.call("explain", "--rejection", "3")
    both = office.call("explain", "shop", "--rejection", "1")

    assert [1, 1, 1, 2] == [result.exit_code for result in (explained, unread, absent, both)]
    assert "refused: mismatch" == explained.stdout.splitlines()[0]
    assert "line break" in explained.stdout
    assert "before its body was read" in unread.stderr
    assert "there is no refused request 3" in absent.stderr
    assert "expected `relay explain SOURCE --request FILE` or" in both.stderr
