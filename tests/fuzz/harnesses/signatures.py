"""Signature headers of every preset, and of the schemes that no preset has.

Whatever is changed about a recorded request: who does not know the secret is never believed, and where the whole body
is signed, nobody is believed with another one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from multidict import CIMultiDict

from relay import presets, verification
from relay.domain import InboundRequest, KeyWanted, Refusal, Secret, Source
from relay.errors import SigningImpossible
from relay.verification.basic import BasicVerifier
from tests.contract.vendor import (
    NOW,
    OTHER_ENTROPY,
    PRESETS,
    SIGNING,
    UNPROVEN,
    a_request,
    a_source,
    proven,
    recorded,
    source_with,
    vectors_of,
)
from tests.fuzz.harness import Harness
from tests.fuzz.inputs import chosen, request_in, written


@dataclass(frozen=True, slots=True)
class Subject:
    """A preset as its vendor knows it, and as one with another secret does."""

    genuine: Source
    other: Source
    key: bytes | None
    signs_whole_body: bool
    signs_anything: bool  # whether a request must hold nothing of its own to be signed


BASIC = "basic"  # the one scheme with a secret that no preset has
PROVEN = tuple(name for name in presets.names() if {s["scheme"] for s in presets.find(name).verify} - UNPROVEN)
SUBJECTS = (*PROVEN, BASIC)


@cache
def subject_of(name: str) -> Subject:
    if name == BASIC:
        return Subject(basic_source("us:ours"), basic_source("us:theirs"), None, False, signs_anything=True)
    preset = presets.find(name)
    vectors = vectors_of(preset)
    requests = [recorded(told, vectors["secret"]) for told in vectors["requests"]]
    is_whole = any(
        scheme["scheme"] in SIGNING - {"paypal", "jwt"} and "{body}" in str(scheme.get("signed", "{body}"))
        for scheme in preset.verify
    )
    return Subject(
        source_with(name, vectors["secret"]),
        a_source(preset, OTHER_ENTROPY),
        next((request.key for request in requests if request.key), None),
        is_whole,
        signs_anything=is_whole
        and not any(
            "timestamp_field" in scheme or "{listed_headers}" in str(scheme.get("signed")) for scheme in preset.verify
        ),
    )


def basic_source(secret: str) -> Source:
    return replace(a_source(presets.find("github")), verifiers=(BasicVerifier((Secret(secret),)),))


@cache
def signed_bodies() -> frozenset[bytes]:
    """Return the bodies of every preset: some of their vectors have one secret, and one scheme, in common."""
    vectors = [vectors_of(preset) for preset in PRESETS]
    return frozenset(told["body"].encode() for each in vectors for told in each["requests"])


def check(data: bytes) -> None:
    name, request = request_in(data)
    subject = subject_of(chosen(name, SUBJECTS))
    request = replace(request, key=subject.key)
    judged = verification.verify(request, subject.genuine, NOW)
    assert judged is None or isinstance(judged, Refusal | KeyWanted)
    if judged is None and subject.signs_whole_body:
        assert request.body in signed_bodies(), "a body that nobody signed was believed"
    assert verification.refuse_early(request, subject.genuine, NOW) in (None, judged)
    assert verification.verify(request, subject.other, NOW) is not None, "who has another secret was believed"
    if subject.signs_anything:
        check_signing(request, subject.other)


def check_signing(request: InboundRequest, source: Source) -> None:
    """What is signed by the one who knows the secret is believed, whatever it says."""
    kept = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() == "content-type")
    bare = replace(request, headers=kept, key=None)
    try:
        signed = proven(bare, verification.sign(bare, source, NOW))
    except (SigningImpossible, ValueError, TypeError, AttributeError, LookupError):  # no JSON to set a signature into
        return
    assert verification.verify(signed, source, NOW) is None, "what was signed was not believed"


def seeds() -> Iterator[bytes]:
    yield written(BASIC, a_request(b"{}", {"Authorization": "Basic dXM6b3Vycw=="}.items()))
    for name in PROVEN:
        vectors = vectors_of(presets.find(name))
        yield written(name, recorded(vectors["requests"][0], vectors["secret"]))


HARNESS = Harness(check, seeds)
