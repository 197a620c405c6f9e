"""Keyed digests: what a holder of the secret signs is accepted, and nothing else is, whatever it is."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain import InboundRequest, Refusal, Secret
from relay.errors import ExpressionInvalid, SecretInvalid
from relay.verification.hmac import HmacVerifier
from tests.unit.core.arrange import NOW, OTHER_SECRET, SECRET, a_request, proven, secrets, wire_texts, with_header

SIGNATURE = "X-Signature"
STAMPED: dict[str, Any] = {
    "signed": "v0:{id}:{timestamp}:{method}:{path}:{url}:{{}}:{body}",
    "timestamp_header": "X-Time",
    "id_header": "X-Id",
}
FORMS: list[dict[str, Any]] = [
    {},
    {"algorithm": "sha1", "prefix": "sha1="},
    {"algorithm": "sha512", "encoding": "base64"},
    {"encoding": "base64", "prefix": "v1,", "separator": " "},
    {"prefix": "sha256=", "separator": ","},
    STAMPED,
    {**STAMPED, "tolerance": None, "encoding": "base64", "prefix": "v1,", "separator": " "},
]
forms = st.sampled_from(FORMS)


def a_verifier(*held: Secret, **form: Any) -> HmacVerifier:
    return HmacVerifier(SIGNATURE, held or (SECRET,), **form)


def signed_request(verifier: HmacVerifier, request: InboundRequest | None = None) -> InboundRequest:
    request = request or a_request()
    return proven(request, verifier.sign(request, NOW))


@given(form=forms, body=st.binary(max_size=300), secret=secrets)
def test_what_a_secret_signs_is_accepted(form: dict[str, Any], body: bytes, secret: Secret) -> None:
    """Whatever the bytes of body and secret are: text is nothing that a signature knows."""
    verifier = a_verifier(secret, **form)

    assert verifier.verify(signed_request(verifier, a_request(body)), NOW) is None


@given(form=forms, body=st.binary(min_size=1, max_size=300), data=st.data())
def test_a_body_with_one_bit_flipped_is_refused(form: dict[str, Any], body: bytes, data: st.DataObject) -> None:
    """The signature is over the bytes, every one of them."""
    verifier = a_verifier(**form)
    request = signed_request(verifier, a_request(body))
    bit = data.draw(st.integers(0, 8 * len(body) - 1))
    forged = bytearray(body)
    forged[bit // 8] ^= 1 << bit % 8

    assert verifier.verify(replace(request, body=bytes(forged)), NOW) is Refusal.MISMATCH


@given(form=forms, data=st.data())
def test_a_signature_changed_anywhere_is_refused(form: dict[str, Any], data: st.DataObject) -> None:
    """One other character, in any place, makes it another signature."""
    verifier = a_verifier(**form)
    request = signed_request(verifier)
    genuine = request.headers[SIGNATURE]
    place = data.draw(st.integers(0, len(genuine) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: genuine[place] not in (c, c.lower())))
    forged = genuine[:place] + other + genuine[place + 1 :]

    assert verifier.verify(with_header(request, SIGNATURE, forged), NOW) in {Refusal.MISMATCH, Refusal.MALFORMED}


@given(form=forms, data=st.data())
def test_a_signature_cut_short_is_malformed(form: dict[str, Any], data: st.DataObject) -> None:
    """A comparison of as many characters as there are would accept it."""
    verifier = a_verifier(**form)
    request = signed_request(verifier)
    genuine = request.headers[SIGNATURE]
    cut = genuine[: data.draw(st.integers(0, len(genuine) - 1))]

    assert verifier.verify(with_header(request, SIGNATURE, cut), NOW) is Refusal.MALFORMED


@pytest.mark.parametrize("form", FORMS)
def test_a_request_without_a_signature_is_refused(form: dict[str, Any]) -> None:
    """No header at all is a word of its own, so that a sender that signs nothing is found quickly."""
    assert a_verifier(**form).verify(a_request(), NOW) is Refusal.MISSING


@pytest.mark.parametrize("form", FORMS)
def test_two_signature_headers_are_refused(form: dict[str, Any]) -> None:
    """Whichever one were taken, another part of the way may take the other."""
    verifier = a_verifier(**form)
    request = signed_request(verifier)
    genuine = request.headers[SIGNATURE]

    assert verifier.verify(with_header(request, SIGNATURE, genuine, genuine), NOW) is Refusal.MALFORMED


@pytest.mark.parametrize("form", FORMS)
def test_a_signature_by_another_secret_is_refused(form: dict[str, Any]) -> None:
    """A stranger can sign, too: with something else."""
    request = signed_request(a_verifier(OTHER_SECRET, **form))

    assert a_verifier(**form).verify(request, NOW) is Refusal.MISMATCH


@given(form=forms, value=wire_texts, time=wire_texts, name=wire_texts, body=st.binary(max_size=50))
def test_nothing_that_is_sent_raises(form: dict[str, Any], value: str, time: str, name: str, body: bytes) -> None:
    """A stranger may send any bytes at all; the answer is a refusal, never a fault of ours."""
    request = a_request(body, [(SIGNATURE, value), ("X-Time", time), ("X-Id", name)])

    assert isinstance(a_verifier(**form).verify(request, NOW), Refusal)


@pytest.mark.parametrize("held", [(SECRET, OTHER_SECRET), (OTHER_SECRET, SECRET)])
def test_any_of_several_secrets_may_have_signed(held: tuple[Secret, ...]) -> None:
    """While a secret is rotated, nobody knows which of both a sender already uses."""
    request = signed_request(a_verifier(SECRET))

    assert a_verifier(*held).verify(request, NOW) is None


def test_the_first_secret_signs() -> None:
    """The newest one stands first."""
    request = signed_request(a_verifier(OTHER_SECRET, SECRET))

    assert a_verifier(OTHER_SECRET).verify(request, NOW) is None


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_digest_is_the_one_of_rfc_2104(algorithm: Any) -> None:
    """Checked against the standard library on a plain body, and on a template."""
    digest = hmac.new(SECRET.reveal(), b"7.{}", algorithm)
    by_id = a_verifier(algorithm=algorithm, signed="{id}.{body}", id_header="X-Id", encoding="base64")
    plain = a_verifier(algorithm=algorithm)
    request = a_request(b"{}", [("X-Id", "7")])

    assert base64.b64encode(digest.digest()).decode() == by_id.sign(request, NOW).headers[SIGNATURE]
    assert hmac.new(SECRET.reveal(), b"{}", algorithm).hexdigest() == plain.sign(request, NOW).headers[SIGNATURE]


def test_every_part_of_a_template_is_what_the_sender_called() -> None:
    """URL and path are signed as they were sent, still encoded; the URL with its query."""
    verifier = a_verifier(signed="{method} {path} {url} {{{body}}}")
    covered = b"POST /in/shop https://hooks.example.com/in/shop?a=1 {{}}"

    expected = hmac.new(SECRET.reveal(), covered, hashlib.sha256).hexdigest()

    assert expected == verifier.sign(a_request(b"{}"), NOW).headers[SIGNATURE]


def test_hex_is_accepted_in_capitals() -> None:
    """Some vendors shout; a digest is the same number."""
    verifier = a_verifier(prefix="sha256=")
    request = signed_request(verifier)
    digest = request.headers[SIGNATURE].removeprefix("sha256=")

    assert verifier.verify(with_header(request, SIGNATURE, "sha256=" + digest.upper()), NOW) is None


def test_a_list_of_signatures_needs_one_that_matches() -> None:
    """Senders that rotate secrets or versions send several; those of another kind are left aside."""
    verifier = a_verifier(prefix="v1=", separator=",")
    request = signed_request(verifier)
    genuine, forged = request.headers[SIGNATURE], "v1=" + "0" * 64

    assert verifier.verify(with_header(request, SIGNATURE, f"v0=zz, {forged}, {genuine}"), NOW) is None
    assert verifier.verify(with_header(request, SIGNATURE, f"{forged},{forged}"), NOW) is Refusal.MISMATCH
    assert verifier.verify(with_header(request, SIGNATURE, "v0=zz,,"), NOW) is Refusal.MALFORMED


@pytest.mark.parametrize("separator", [None, ""])
def test_without_a_separator_a_list_is_no_signature(separator: str | None) -> None:
    """What a scheme does not define, it does not accept."""
    verifier = a_verifier(separator=separator)
    request = signed_request(verifier)
    genuine = request.headers[SIGNATURE]

    assert verifier.verify(with_header(request, SIGNATURE, f"{genuine},{genuine}"), NOW) is Refusal.MALFORMED


@pytest.mark.parametrize("off_s", [-300, -299, 0, 299, 300])
def test_a_time_within_the_tolerance_is_accepted(off_s: int) -> None:
    """Clocks differ, either way."""
    verifier = a_verifier(**STAMPED)

    assert verifier.verify(signed_request(verifier), NOW + timedelta(seconds=off_s)) is None


@pytest.mark.parametrize("off_s", [-301, 301, 86400])
def test_a_time_outside_the_tolerance_is_stale(off_s: int) -> None:
    """A genuine request that somebody recorded must not work again tomorrow, nor be made for tomorrow."""
    verifier = a_verifier(**STAMPED)

    assert verifier.verify(signed_request(verifier), NOW + timedelta(seconds=off_s)) is Refusal.STALE


def test_a_forger_does_not_learn_that_a_time_is_stale() -> None:
    """Time is judged after the signature: without the secret every answer is the same."""
    verifier = a_verifier(**STAMPED)
    request = signed_request(a_verifier(OTHER_SECRET, **STAMPED))

    assert verifier.verify(request, NOW + timedelta(days=1)) is Refusal.MISMATCH


def test_no_tolerance_accepts_any_time() -> None:
    """Where the reader says so, for senders that repeat old requests as they were."""
    verifier = a_verifier(**STAMPED, tolerance=None)

    assert verifier.verify(signed_request(verifier), NOW + timedelta(days=3000)) is None


def test_a_time_in_milliseconds_is_understood() -> None:
    """Thirteen digits are milliseconds: as seconds they would be the year 33658."""
    verifier = a_verifier(**STAMPED)
    time = str(int(NOW.timestamp() * 1000))
    digest = hmac.new(SECRET.reveal(), digestmod="sha256")
    digest.update(f"v0:7:{time}:POST:/in/shop:{a_request().url}:{{}}:".encode() + a_request().body)
    request = a_request(headers=[("X-Time", time), ("X-Id", "7"), (SIGNATURE, digest.hexdigest())])

    assert verifier.verify(request, NOW) is None
    assert verifier.verify(request, NOW + timedelta(seconds=301)) is Refusal.STALE


@pytest.mark.parametrize(
    "time", ["-1", "+1", "1e9", "1_000", "1.5", " 1", "٣", "nan", "12345678901234", "9" * 5000, "0x1", "1\n"]
)
def test_a_time_that_is_no_plain_number_is_malformed(time: str) -> None:
    """Python would read some of these as numbers, and fall over others."""
    verifier = a_verifier(**STAMPED)
    request = signed_request(verifier)

    assert verifier.verify(with_header(request, "X-Time", time), NOW) is Refusal.MALFORMED


@pytest.mark.parametrize("header", ["X-Time", "X-Id"])
def test_time_and_id_must_be_there_once(header: str) -> None:
    """What is signed must be sent; sent twice, nobody can say which one was signed."""
    verifier = a_verifier(**STAMPED)
    request = signed_request(verifier)
    value = request.headers[header]

    assert verifier.verify(with_header(request, header), NOW) is Refusal.MISSING
    assert verifier.verify(with_header(request, header, ""), NOW) is Refusal.MALFORMED
    assert verifier.verify(with_header(request, header, value, value), NOW) is Refusal.MALFORMED


@pytest.mark.parametrize(("header", "other"), [("X-Time", "1782907201"), ("X-Id", "another")])
def test_time_and_id_are_covered_by_the_signature(header: str, other: str) -> None:
    """An old signature cannot be given a new time, nor another event's id."""
    verifier = a_verifier(**STAMPED)

    assert verifier.verify(with_header(signed_request(verifier), header, other), NOW) is Refusal.MISMATCH


def test_an_id_that_the_request_has_is_kept() -> None:
    """The same message sent again keeps its id; without one it gets an id of its own."""
    verifier = a_verifier(**STAMPED)
    with_id, without = a_request(headers=[("X-Id", "evt_1")]), a_request()

    assert verifier.sign(with_id, NOW).headers["X-Id"] == "evt_1"
    assert verifier.sign(without, NOW).headers["X-Id"] != verifier.sign(a_request(b"other"), NOW).headers["X-Id"]


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"signed": ""}, "covers nothing of a request"),
        ({"signed": "{{body}}"}, "covers nothing of a request"),
        (
            {"signed": "{bodies}"},
            "holds {bodies}: expected {body} {timestamp} {id} {url} {decoded_url} {method} {path} {form} "
            "{listed_headers}",
        ),
        ({"signed": "{}"}, "holds {}: expected"),
        ({"signed": "{body!r}"}, "holds {body}: expected"),
        ({"signed": "{body:>9}"}, "holds {body}: expected"),
        ({"signed": "{body"}, "is no template: expected '}' before end of string"),
        ({"signed": "body}"}, "is no template: Single '}'"),
        ({"signed": "{timestamp}.{body}"}, "{timestamp} and timestamp_header go together"),
        ({"signed": "{body}", "timestamp_header": "X-Time"}, "{timestamp} and timestamp_header go together"),
        ({"signed": "{id}.{body}"}, "{id} and id_header go together"),
    ],
)
def test_a_template_that_cannot_work_is_told(form: dict[str, Any], told: str) -> None:
    """A time that is not signed proves nothing, and a header that is not named cannot be read."""
    with pytest.raises(ExpressionInvalid) as raised:
        a_verifier(**form)

    assert told in str(raised.value)


@pytest.mark.parametrize("held", [(), (Secret(""),), (Secret(" \t"),), (SECRET, Secret(""))])
def test_an_empty_secret_is_no_key(held: tuple[Secret, ...]) -> None:
    """Everybody can sign with an empty key."""
    with pytest.raises(SecretInvalid):
        HmacVerifier(SIGNATURE, held)


def test_a_verifier_does_not_print_its_secrets() -> None:
    """It appears in tracebacks and debuggers."""
    assert "everybody" not in repr(a_verifier())
