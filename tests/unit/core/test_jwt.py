"""Signed tokens: the algorithm is ours to say, the clock is ours, and a token names what it was made for."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from hypothesis import given

from relay.domain import InboundRequest, Refusal, Secret
from relay.errors import SecretInvalid, SigningImpossible
from relay.verification.jwt import JwtVerifier
from tests.unit.core.arrange import NOW, a_request, proven, wire_texts, with_header
from tests.unit.core.test_signatures import pem_of, public_pem_of

SHARED, OTHER = Secret("a shared key of thirty-two bytes!"), Secret("another key, also thirty-two bytes")
CURVE = derive_private_key(7, SECP256R1())
NOW_S = int(NOW.timestamp())
NAMING: dict[str, Any] = {"body_claim": "payload_hash", "url_claim": "url_hash", "issuer": "vendor", "audience": "us"}
SETTINGS: list[dict[str, Any]] = [
    {"secrets": (SHARED,)},
    {"secrets": (SHARED,), "prefix": "Bearer ", **NAMING},
    {"secrets": (pem_of(CURVE),), "algorithm": "ES256", "header": "X-Token", **NAMING},
]


def signed_request(verifier: JwtVerifier, body: bytes = b"{}") -> InboundRequest:
    return proven(a_request(body), verifier.sign(a_request(body), NOW))


def with_claims(**claims: Any) -> InboundRequest:
    token = jwt.encode(claims, SHARED.reveal(), "HS256")
    return a_request(b"{}", [("Authorization", token)])


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("body", [b"", b"{}"])
def test_what_is_signed_is_accepted(settings: dict[str, Any], body: bytes) -> None:
    """Whatever its body."""
    verifier = JwtVerifier(**settings)

    assert verifier.verify(signed_request(verifier, body), NOW) is None


@pytest.mark.parametrize("settings", SETTINGS[1:])
def test_a_token_for_another_request_is_refused(settings: dict[str, Any]) -> None:
    """Of another body, or for another address."""
    verifier = JwtVerifier(**settings)
    request = signed_request(verifier)

    assert verifier.verify(replace(request, body=b"[]"), NOW) is Refusal.MISMATCH
    assert verifier.verify(replace(request, path="/in/other"), NOW) is Refusal.MISMATCH
    assert verifier.verify(replace(signed_request(verifier, b""), body=b"[]"), NOW) is Refusal.MISMATCH
    assert verifier.verify(replace(request, body=b""), NOW) is Refusal.MISMATCH


@pytest.mark.parametrize("name", ["issuer", "audience"])
def test_a_token_by_or_for_another_is_refused(name: str) -> None:
    """Where the configuration says who makes it, and for whom."""
    verifier = JwtVerifier(**SETTINGS[1])
    other = JwtVerifier(**{**SETTINGS[1], name: "another"})

    assert verifier.verify(signed_request(other), NOW) is Refusal.MISMATCH


def test_a_token_by_another_key_is_refused() -> None:
    """A stranger can make tokens, too."""
    request = signed_request(JwtVerifier((OTHER,)))

    assert JwtVerifier((SHARED,)).verify(request, NOW) is Refusal.MISMATCH
    assert JwtVerifier((SHARED, OTHER)).verify(request, NOW) is None


def test_the_algorithm_is_never_the_tokens() -> None:
    """Neither none at all, nor a public key taken for a shared one."""
    unsigned = jwt.encode({"exp": NOW_S}, "", "none")
    verifier = JwtVerifier((public_pem_of(CURVE),), algorithm="ES256")
    shared = signed_request(JwtVerifier((Secret(b"x" * 64),), algorithm="HS512"))

    for held in (verifier, JwtVerifier((SHARED,))):
        assert held.verify(a_request(headers=[("Authorization", unsigned)]), NOW) is Refusal.MALFORMED
        assert held.verify(shared, NOW) is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"exp": NOW_S - 300}, None),
        ({"exp": NOW_S - 301}, Refusal.STALE),
        ({"iat": NOW_S + 300}, None),
        ({"iat": NOW_S - 301}, Refusal.STALE),
        ({"iat": 10**400}, Refusal.STALE),
        ({"iat": NOW_S, "exp": 10**400}, None),
        ({"iat": NOW_S - 3000, "exp": NOW_S}, None),
        ({"nbf": NOW_S + 301, "exp": NOW_S + 999}, Refusal.STALE),
        ({"nbf": NOW_S}, Refusal.MALFORMED),
        ({}, Refusal.MALFORMED),
    ],
)
def test_a_token_holds_for_its_time(claims: dict[str, Any], refusal: Refusal | None) -> None:
    """By our clock, with the tolerance; one that would hold for ever is none."""
    assert JwtVerifier((SHARED,)).verify(with_claims(**claims), NOW) is refusal


@pytest.mark.parametrize("exp", ["soon", True, None, [1], 1e400])
def test_a_time_that_is_none_never_passes(exp: object) -> None:
    """Not even where the key is right."""
    token = jwt.api_jws.encode(b'{"exp": %s}' % str(exp).lower().encode(), SHARED.reveal(), "HS256")

    assert isinstance(JwtVerifier((SHARED,)).verify(a_request(headers=[("Authorization", token)]), NOW), Refusal)


@given(value=wire_texts)
def test_nothing_that_is_sent_raises(value: str) -> None:
    """A stranger may send any bytes at all."""
    assert isinstance(JwtVerifier((SHARED,)).verify(a_request(headers=[("Authorization", value)]), NOW), Refusal)


def test_a_prefix_must_be_there_and_a_header_stands_once() -> None:
    """As everywhere."""
    verifier = JwtVerifier((SHARED,), prefix="Bearer ")
    request = signed_request(verifier)
    value = request.headers["Authorization"]

    assert verifier.verify(with_header(request, "Authorization", value.removeprefix("Bearer ")), NOW)
    assert verifier.verify(with_header(request, "Authorization", value, value), NOW) is Refusal.MALFORMED
    assert verifier.verify(a_request(), NOW) is Refusal.MISSING
    assert verifier.verify(replace(request), NOW + timedelta(minutes=7)) is Refusal.STALE


@pytest.mark.parametrize(
    ("secret", "algorithm"), [(Secret("too short"), "HS256"), (SHARED, "HS512"), (SHARED, "RS256"), (SHARED, "EdDSA")]
)
def test_a_key_that_does_not_suit_is_told(secret: Secret, algorithm: Any) -> None:
    """A short shared key can be guessed: RFC 7518 says how long it must be."""
    with pytest.raises(SecretInvalid, match="expected"):
        JwtVerifier((secret,), algorithm=algorithm)


def test_a_public_key_cannot_sign() -> None:
    """Who tries is told what is missing."""
    with pytest.raises(SigningImpossible, match="jwt"):
        JwtVerifier((public_pem_of(CURVE),), algorithm="ES256").sign(a_request(), NOW)


def test_an_empty_body_need_not_be_named() -> None:
    """Some vendors leave the claim out where there is nothing to digest; of any other body it must stand there."""
    token = jwt.encode({"exp": NOW_S + 60}, SHARED.reveal(), "HS256")
    verifier = JwtVerifier(secrets=(SHARED,), body_claim="payload_hash")

    assert verifier.verify(a_request(b"", [("Authorization", token)]), NOW) is None
    assert verifier.verify(a_request(b"{}", [("Authorization", token)]), NOW) is Refusal.MISMATCH
