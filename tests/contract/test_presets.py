"""What every preset must do. One suite, over all that are found: a new vendor is tested the moment its file exists."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from multidict import CIMultiDict

from relay import presets, verification
from relay.domain import (
    ANY_TYPE,
    Document,
    Event,
    Identification,
    InboundRequest,
    Proof,
    Refusal,
    Secret,
    Source,
    Verifier,
)
from relay.expressions import compile_term
from relay.identity import UNKNOWN_TYPE, identify, read
from relay.presets import Preset, Sample

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
BODY_BYTES_MAX = 1024 * 1024
VECTORS = Path(__file__).parent.parent / "vectors"
SECRET, OTHER_SECRET = "a-secret-of-the-vendor", "a-secret-of-a-stranger"
WINDOWS = {"forever": None, "10m": timedelta(minutes=10), "7d": timedelta(days=7)}

PRESETS = [presets.find(name) for name in presets.names()]

every_preset = pytest.mark.parametrize("preset", PRESETS, ids=presets.names())
every_sample = pytest.mark.parametrize(
    ("preset", "sample"),
    [
        pytest.param(preset, sample, id=f"{preset.name} {sample.type}")
        for preset in PRESETS
        for sample in preset.samples
    ],
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two requests of a vendor, and whether they tell the same event."""

    preset: Preset
    secret: str
    first: dict[str, Any]
    second: dict[str, Any]
    after: timedelta
    is_same: bool


def vectors_of(preset: Preset) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads((VECTORS / f"{preset.name}.json").read_bytes())
    return vectors


def recorded_requests() -> Iterable[object]:
    for preset in PRESETS:
        vectors = vectors_of(preset)
        for request in vectors["requests"]:
            yield pytest.param(preset, vectors["secret"], request, id=f"{preset.name}: {request['name']}")


def recorded_pairs() -> Iterable[object]:
    for preset in PRESETS:
        vectors = vectors_of(preset)
        requests = {request["name"]: request for request in vectors["requests"]}
        for told in vectors["pairs"]:
            first, second = requests[told["first"]], requests[told["second"]]
            is_same = {"same event": True, "another event": False}[told["expect"]]
            pair = Pair(preset, vectors["secret"], first, second, timedelta(seconds=told["after_s"]), is_same)
            yield pytest.param(pair, id=f"{preset.name}: {told['story']}")


def a_source(preset: Preset, secret: str = SECRET) -> Source:
    naming = Identification(
        type=compile_term(preset.type) if preset.type else None,
        keys={of: compile_term(text) for of, text in preset.keys.items()},
        windows={of: WINDOWS[text] for of, text in preset.windows.items()},
        needs_json=preset.needs_json,
    )
    return Source(preset.name, tuple(a_verifier(settings, secret) for settings in preset.verify), naming)


def a_verifier(settings: Any, secret: str) -> Verifier:
    known = dict(settings)
    return verification.find(known.pop("scheme"))(secrets=(Secret(secret),), **known)


def a_request(body: bytes, headers: Iterable[tuple[str, str]] = (), token: str | None = None) -> InboundRequest:
    held = CIMultiDict([("Content-Type", "application/json"), *headers])
    return InboundRequest("POST", "https://hooks.example.com", "/in/it", "", held, body, "203.0.113.7", token)


def recorded(request: dict[str, Any], secret: str) -> InboundRequest:
    return a_request(request["body"].encode(), request["headers"].items(), secret)


def proven(request: InboundRequest, proof: Proof) -> InboundRequest:
    headers = CIMultiDict(request.headers)
    headers.update(proof.headers)
    return replace(request, headers=headers, token=proof.token)


def rendered(sample: Sample, uuid: str = "1f0e0d0c") -> InboundRequest:
    return a_request(sample.render(NOW, uuid), sample.headers.items())


def named(request: InboundRequest, source: Source, now: datetime = NOW) -> Event:
    document = read(request.body, request.headers.get("Content-Encoding"), BODY_BYTES_MAX)
    assert isinstance(document, Document)
    event = identify(request, source, document, now, "evt_1")
    assert isinstance(event, Event), event
    return event


@every_preset
def test_a_preset_says_where_its_facts_come_from(preset: Preset) -> None:
    """Vendors change; whoever has to look again must know where."""
    page = urlsplit(preset.page)

    assert page.scheme == "https"
    assert page.netloc
    assert preset.name in presets.names()
    assert preset.title


@every_preset
def test_a_preset_has_samples_and_vectors(preset: Preset) -> None:
    """`relay demo` sends the samples; the vectors were not made by this program, or are shaped by the vendor's."""
    assert preset.samples
    assert vectors_of(preset)["requests"]
    assert {"same event", "another event"} == {pair["expect"] for pair in vectors_of(preset)["pairs"]}


@every_preset
def test_the_vectors_know_every_sampled_type(preset: Preset) -> None:
    """No type of a vendor is only ever tested by what we made up ourselves."""
    assert {sample.type for sample in preset.samples} <= {it["type"] for it in vectors_of(preset)["requests"]}


@every_sample
def test_a_sample_is_accepted_as_its_vendor_signs_it(preset: Preset, sample: Sample) -> None:
    """`relay send` is as good as the vendor itself."""
    source, request = a_source(preset), rendered(sample)

    assert verification.verify(proven(request, verification.sign(request, source, NOW)), source, NOW) is None


@every_sample
def test_a_sample_is_named(preset: Preset, sample: Sample) -> None:
    """Its type is the one it says, and its key is the vendor's own, not just a digest of the body."""
    event = named(rendered(sample), a_source(preset))

    assert sample.type == event.type
    assert not event.key.startswith(b"body:")


@every_sample
def test_a_sample_is_another_event_each_time(preset: Preset, sample: Sample) -> None:
    """Who tries it twice sees it arrive twice."""
    first = a_request(sample.render(NOW, "first"))
    second = a_request(sample.render(NOW + timedelta(seconds=1), "second"))

    assert named(first, a_source(preset)).key != named(second, a_source(preset)).key


@every_sample
def test_a_proof_by_another_secret_is_refused(preset: Preset, sample: Sample) -> None:
    """A stranger knows everything but the secret."""
    request = rendered(sample)
    forged = proven(request, verification.sign(request, a_source(preset, OTHER_SECRET), NOW))

    assert verification.verify(forged, a_source(preset), NOW) is Refusal.MISMATCH


@every_sample
def test_a_request_without_a_proof_is_refused(preset: Preset, sample: Sample) -> None:
    """Nothing proves nothing."""
    assert verification.verify(rendered(sample), a_source(preset), NOW) is Refusal.MISSING


def flip(value: str) -> str:
    return value[:-1] + ("0" if value[-1] != "0" else "1")


SPOILS = {
    "flipped": flip,
    "cut": lambda value: value[:-1],
    "cut to nothing": lambda value: "",
    "doubled": lambda value: value + value,
    "without its beginning": lambda value: value[1:],
    "with another beginning": lambda value: "md5=" + value,
}


@every_sample
@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS.keys())
def test_a_spoilt_proof_is_refused(preset: Preset, sample: Sample, spoil: Callable[[str], str]) -> None:
    """Nearly right is wrong."""
    source, request = a_source(preset), rendered(sample)
    proof = verification.sign(request, source, NOW)
    spoilt = Proof({name: spoil(value) for name, value in proof.headers.items()}, proof.token and spoil(proof.token))

    assert verification.verify(proven(request, spoilt), source, NOW) is not None


@every_sample
def test_a_proof_sent_twice_is_refused(preset: Preset, sample: Sample) -> None:
    """Two headers alike: another part of the way may believe the other one."""
    source, request = a_source(preset), rendered(sample)
    genuine = proven(request, verification.sign(request, source, NOW))
    for name, value in verification.sign(request, source, NOW).headers.items():
        twice = CIMultiDict(genuine.headers)
        twice.add(name, value)

        assert verification.verify(replace(genuine, headers=twice), source, NOW) is Refusal.MALFORMED


@every_sample
def test_a_body_with_a_bit_flipped_is_refused_where_the_vendor_signs_bodies(preset: Preset, sample: Sample) -> None:
    """A token in the URL covers no body; whatever is a signature must."""
    source, request = a_source(preset), rendered(sample)
    proof = verification.sign(request, source, NOW)
    signs_bodies = proof != verification.sign(replace(request, body=b"another"), source, NOW)
    flipped = replace(request, body=request.body[:-1] + bytes([request.body[-1] ^ 1]))

    assert signs_bodies is (verification.verify(proven(flipped, proof), source, NOW) is not None)
    assert signs_bodies is bool(proof.headers)


@pytest.mark.parametrize(("preset", "secret", "request_"), list(recorded_requests()))
def test_a_recorded_request_is_accepted_and_named(preset: Preset, secret: str, request_: dict[str, Any]) -> None:
    """As the vendor sends it, byte for byte; types that we do not know yet are accepted like all others."""
    source, request = a_source(preset, secret), recorded(request_, secret)

    assert verification.verify(request, source, NOW) is None
    assert request_["type"] == named(request, source).type


@pytest.mark.parametrize("pair", list(recorded_pairs()))
def test_two_recorded_requests_are_the_same_event_or_not(pair: Pair) -> None:
    """What the store will say: a repeated key within its window is a duplicate."""
    source = a_source(pair.preset, pair.secret)
    first = named(recorded(pair.first, pair.secret), source)
    second = named(recorded(pair.second, pair.secret), source, NOW + pair.after)

    is_in_window = first.key_expires_at is None or second.received_at < first.key_expires_at

    assert pair.is_same is (first.key == second.key and is_in_window)


@every_preset
def test_what_is_not_json_is_refused_where_it_must_be(preset: Preset) -> None:
    """A preset that finds its key in the body cannot do without one."""
    source = a_source(preset)
    document = read(b"type=invoice", None, BODY_BYTES_MAX)
    assert isinstance(document, Document)

    result = identify(a_request(b"type=invoice"), source, document, NOW, "evt_1")

    assert preset.needs_json is (result is Refusal.UNREADABLE)


@every_preset
def test_windows_and_keys_speak_of_known_types(preset: Preset) -> None:
    """A misspelt type would silently get the window of all others."""
    known = {sample.type for sample in preset.samples} | {ANY_TYPE}

    assert preset.windows.keys() <= known
    assert preset.keys.keys() <= known
    assert ANY_TYPE in preset.windows
    assert UNKNOWN_TYPE not in known


def test_a_sample_is_filled_in_everywhere() -> None:
    """Alone, milliseconds are a number, as vendors send them; within a text they are text."""
    body = {"at": "{now}", "ms": "{now_ms}", "ids": ["{uuid}", "a-{uuid}-{now_ms}", 1, None], "in": {"deep": "{uuid}"}}

    expected = {
        "at": "2026-07-01T12:00:00.000Z",
        "ms": 1782907200000,
        "ids": ["u", "a-u-1782907200000", 1, None],
        "in": {"deep": "u"},
    }

    assert json.dumps(expected, separators=(",", ":")).encode() == Sample("any", body).render(NOW, "u")


def test_presets_are_found_by_name() -> None:
    """One file a vendor; a name that no file has is no preset."""
    assert {"getaround", "invoice-collector"} <= set(presets.names())
    with pytest.raises(KeyError):
        presets.find("no-such-vendor")
