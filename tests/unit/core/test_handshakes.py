"""Handshakes: answered as the vendor wants, and never telling a stranger what only the secret's holder could say."""

import hmac
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from relay import presets
from relay.domain import Answer, Document, InboundRequest, Refusal, Secret
from relay.handshakes import Handshake, Handshakes
from tests.unit.core.arrange import OTHER_SECRET, SECRET, a_request, wire_texts

ECHO = Handshake("GET", challenge="challenge")
GUARDED = Handshake("GET", challenge="c", equals={"mode": "subscribe"}, token="t")
IN_HEADER = Handshake("GET", challenge="header:X-Challenge", answer={"verification": "{challenge}"})
SIGNED = Handshake(
    "POST", when="kind == 'ask'", challenge="plain", answer={"plain": "{challenge}", "signed": "{hmac}", "n": 1}
)
SIGNED_QUERY = Handshake("GET", challenge="crc", signed="X-Signed", answer={"token": "sha256={hmac_base64}"})
KNOWING = Handshake("POST", knows="verification_token", answer="")
WORD = Secret("a-word-of-ours")


def asking(query: str = "", method: str = "GET", **headers: str) -> InboundRequest:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return replace(a_request(b"", named), method=method, query_string=query)


def handshakes(*steps: Handshake) -> Handshakes:
    return Handshakes(steps, (SECRET, OTHER_SECRET), WORD)


def document(**value: object) -> Document:
    return Document(value, is_json=True)


def test_a_challenge_in_the_query_is_echoed_as_text() -> None:
    """Decoded, and never as a page."""
    assert Answer(200, b"a b", "text/plain") == handshakes(ECHO).answer_head(asking("challenge=a%20b"))


def test_a_challenge_in_a_header_is_answered_as_json() -> None:
    """Whatever quotes stand in it."""
    expected = Answer(200, b'{"verification":"a\\"b"}', "application/json")

    assert expected == handshakes(IN_HEADER).answer_head(asking(X_Challenge='a"b'))


def test_a_head_is_answered_with_nothing() -> None:
    """It only asks whether somebody is there."""
    nothing = Handshake("HEAD", answer="")

    assert Answer(200, b"", "text/plain") == handshakes(nothing).answer_head(asking(method="HEAD"))


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE"])
def test_another_method_is_no_question(method: str) -> None:
    """The door answers 405, as ever."""
    assert handshakes(ECHO).answer_head(asking("challenge=a", method)) is None


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("", Refusal.MISSING),
        ("challenge=", Refusal.MISSING),
        ("challenge=a&challenge=b", Refusal.MALFORMED),
        ("challenge=%0d%0aSet-Cookie:a", Refusal.MALFORMED),
        ("challenge=%ff", Refusal.MALFORMED),
        ("challenge=" + "a" * 1025, Refusal.MALFORMED),
        ("&".join(f"a{number}=1" for number in range(101)), Refusal.MISSING),
    ],
)
def test_what_cannot_be_echoed_is_refused(query: str, refusal: Refusal) -> None:
    """A stranger's text goes back only where it is short and plain."""
    assert handshakes(ECHO).answer_head(asking(query)) is refusal


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("mode=subscribe&c=1&t=a-word-of-ours", None),
        ("mode=subscribe&c=1&t=another-word", Refusal.MISMATCH),
        ("mode=subscribe&c=1&t=%ff", Refusal.MISMATCH),
        ("mode=subscribe&c=1&t=a-word-of-ours&t=a-word-of-ours", Refusal.MISMATCH),
        ("mode=subscribe&c=1", Refusal.MISMATCH),
        ("mode=other&c=1&t=a-word-of-ours", Refusal.MALFORMED),
        ("c=1&t=a-word-of-ours", Refusal.MALFORMED),
    ],
)
def test_who_must_know_a_word_is_answered_only_with_it(query: str, refusal: Refusal | None) -> None:
    """It is all that tells the vendor from a stranger."""
    result = handshakes(GUARDED).answer_head(asking(query))

    assert result is refusal if refusal else result == Answer(200, b"1", "text/plain")
    assert replace(handshakes(GUARDED), verify_token=None).answer_head(asking(query)) is (refusal or Refusal.MISMATCH)


@pytest.mark.parametrize(("key", "secret"), [(1, SECRET), (2, OTHER_SECRET)])
def test_a_proven_challenge_is_signed_with_the_secret_that_proved_it(key: int, secret: Secret) -> None:
    """While one secret replaces another, the vendor knows only the one that it used."""
    answer = handshakes(SIGNED).answer_proven(document(kind="ask", plain="{hmac}"), key)
    digest = hmac.digest(secret.reveal(), b"{hmac}", "sha256").hex()

    assert answer is not None
    assert b'{"plain":"{hmac}","signed":"%s","n":1}' % digest.encode() == answer.body


@pytest.mark.parametrize(
    "value", [{}, {"kind": "other", "plain": "a"}, {"kind": "ask"}, {"kind": "ask", "plain": 7}, {"kind": ["ask"]}]
)
def test_whatever_else_is_proven_is_an_event(value: dict[str, Any]) -> None:
    """A question that lacks its challenge is kept rather than lost."""
    assert handshakes(SIGNED).answer_proven(document(**value), 1) is None
    assert handshakes(SIGNED).answer_proven(Document(), 1) is None


def test_a_question_whose_expression_fails_is_an_event() -> None:
    """Nothing is lost by a type that nobody expected."""
    step = Handshake("POST", when="starts_with(kind, 'a')", answer="")

    assert handshakes(step).answer_proven(document(kind=7), 1) is None


def test_without_a_secret_nothing_is_signed() -> None:
    """A source that proves nobody must not become an oracle."""
    assert Handshakes((SIGNED,)).answer_proven(document(kind="ask", plain="a"), 1) is None


def test_an_unsigned_body_that_names_a_secret_is_answered() -> None:
    """It is how one vendor hands a secret over: whoever has been given it knows it."""
    named = a_request(b'{"verification_token": "%s"}' % OTHER_SECRET.reveal())

    assert Answer(200, b"", "text/plain") == handshakes(KNOWING).answer_unproven(named)
    assert handshakes(SIGNED, ECHO).answer_unproven(named) is None


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"verification_token": "another"}', b'{"verification_token": null}', b"[]", b"\xff"]
)
def test_an_unsigned_body_that_names_none_is_not(body: bytes) -> None:
    """It is refused like any other."""
    assert handshakes(KNOWING).answer_unproven(a_request(body)) is None


def signed(text: bytes, secret: Secret = SECRET) -> str:
    return "sha256=" + b64encode(hmac.digest(secret.reveal(), text, "sha256")).decode()


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
def test_a_question_whose_query_is_signed_is_answered_by_the_same_secret(secret: Secret) -> None:
    """While one replaces another, the vendor knows only the one that it used."""
    query = "crc=a%20b&nonce=1"
    answer = handshakes(SIGNED_QUERY).answer_head(asking(query, X_Signed=signed(query.encode(), secret)))

    assert Answer(200, b'{"token":"%s"}' % signed(b"a b", secret).encode(), "application/json") == answer


@pytest.mark.parametrize(
    ("query", "header", "refusal"),
    [
        ("crc=a", None, Refusal.MISSING),
        ("crc=a", "", Refusal.MISMATCH),
        ("crc=a", signed(b"crc=b"), Refusal.MISMATCH),
        ("crc=a", signed(b"crc=a", Secret("a stranger's secret")), Refusal.MISMATCH),
        ("crc=a", signed(b"crc=a").removeprefix("sha256="), Refusal.MISMATCH),
        ("crc=a", signed(b"crc=a") + "\udcff", Refusal.MISMATCH),
        ("nonce=1", signed(b"nonce=1"), Refusal.MISSING),
    ],
)
def test_a_stranger_is_never_told_what_the_secret_makes_of_his_text(
    query: str, header: str | None, refusal: Refusal
) -> None:
    """The digest of a text by that secret is the signature of an event with this text as its body."""
    request = asking(query) if header is None else asking(query, X_Signed=header)

    assert handshakes(SIGNED_QUERY).answer_head(request) is refusal
    assert isinstance(Handshakes((SIGNED_QUERY,)).answer_head(request), Refusal)


def test_a_query_that_x_has_signed_is_known_as_signed() -> None:
    """A vector of X's own library: https://github.com/xdevplatform/autohook, test/signature.js."""
    challenge = presets.find("x").handshakes[0]
    header = {"x-twitter-webhooks-signature": "sha256=25Cu3iwbbiqBTwQRzcKJZwisjf736V2Q8UaTlkfLSoc="}
    test = Secret("test")

    assert test == challenge.proven_in_head(asking("test=1&other_test=2", **header), [test])
    assert challenge.proven_in_head(asking("test=1&other_test=3", **header), [test]) is Refusal.MISMATCH


def test_a_question_that_is_signed_twice_is_refused() -> None:
    """One of them may be a stranger's."""
    request = asking("crc=a", X_Signed=signed(b"crc=a"))
    twice = replace(request, headers=CIMultiDict([*request.headers.items(), ("X-Signed", "sha256=")]))

    assert handshakes(SIGNED_QUERY).answer_head(twice) is Refusal.MALFORMED


@given(query=wire_texts, header=wire_texts, method=st.sampled_from(["GET", "HEAD"]))
def test_nothing_that_is_sent_raises(query: str, header: str, method: str) -> None:
    """A stranger may ask anything."""
    for step in (ECHO, GUARDED, IN_HEADER, SIGNED_QUERY):
        result = handshakes(step).answer_head(asking(query, method, X_Challenge=header, X_Signed=header))
        assert result is None or isinstance(result, Answer | Refusal)


@pytest.mark.parametrize(
    "form",
    [
        {"method": "POST"},
        {"method": "GET", "when": "a"},
        {"method": "GET", "challenge": "a", "answer": "{hmac}"},
        {"method": "GET", "challenge": "a", "answer": {"a": "{hmac_base64}"}},
        {"method": "POST", "knows": "a", "answer": {"a": "{hmac}"}},
    ],
)
def test_a_handshake_that_would_tell_too_much_cannot_be_written(form: dict[str, Any]) -> None:
    """Not even by a preset's author in a hurry."""
    with pytest.raises(ValueError, match=r"POST|secret"):
        Handshake(**form)
