"""What every preset must do. One suite, over all that are found: a new vendor is tested the moment its file exists."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from multidict import CIMultiDict

from relay import presets, verification
from relay.domain import ANY_TYPE, Answer, Document, InboundRequest, Proof, Refusal, Source
from relay.identity import UNKNOWN_TYPE, identify, parse, read
from relay.presets import Preset, Sample
from tests.contract.vendor import (
    BODY_BYTES_MAX,
    NOW,
    OTHER_ENTROPY,
    PRESETS,
    SIGNING,
    UNPROVEN,
    Pair,
    a_request,
    a_source,
    genuine,
    named,
    proven,
    recorded,
    rendered,
    source_with,
    vectors_of,
)

every_preset = pytest.mark.parametrize("preset", PRESETS, ids=presets.names())


def samples_of(chosen: Callable[[Preset], bool]) -> pytest.MarkDecorator:
    found = [
        pytest.param(preset, sample, id=f"{preset.name} {sample.type}")
        for preset in PRESETS
        for sample in preset.samples
        if chosen(preset)
    ]
    return pytest.mark.parametrize(("preset", "sample"), found)


def schemes_of(preset: Preset) -> set[object]:
    return {scheme["scheme"] for scheme in preset.verify}


def is_list(preset: Preset) -> bool:
    """Tell whether the vendor's header may hold several signatures."""
    return any("separator" in scheme or scheme["scheme"] == "standard-webhooks" for scheme in preset.verify)


def is_timed(preset: Preset) -> bool:
    """Tell whether the vendor signs a time."""
    return any(
        scheme["scheme"] in {"standard-webhooks", "jwt"} or any(key.startswith("timestamp_") for key in scheme)
        for scheme in preset.verify
    )


def needs_whole_body(preset: Preset) -> bool:
    """Tell whether every byte of the body is signed, and not only some of its fields, or none."""
    signed = [str(scheme.get("signed", "{body}")) for scheme in preset.verify if scheme["scheme"] in SIGNING]
    return any("{body}" in template or "{form}" in template for template in signed)


every_sample = samples_of(lambda preset: True)
every_proven_sample = samples_of(lambda preset: not schemes_of(preset) <= UNPROVEN)


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


def recorded_handshakes() -> Iterable[object]:
    for preset in PRESETS:
        vectors = vectors_of(preset)
        for number, told in enumerate(vectors.get("handshakes", ()), 1):
            yield pytest.param(preset, vectors["secret"], told, id=f"{preset.name} {number}")


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
    """`relay demo` sends the samples; the vectors were not signed by this program, and say by what."""
    vectors = vectors_of(preset)

    assert preset.samples
    assert vectors["requests"]
    assert vectors.get("signed_by") or vectors["about"]
    assert {"same event", "another event"} == {pair["expect"] for pair in vectors["pairs"]}
    assert bool(preset.handshakes) is bool(vectors.get("handshakes"))


@every_preset
def test_the_vectors_know_every_sampled_type(preset: Preset) -> None:
    """No type of a vendor is only ever tested by what we made up ourselves."""
    assert {sample.type for sample in preset.samples} <= {it["type"] for it in vectors_of(preset)["requests"]}


@every_sample
def test_a_sample_is_accepted_as_its_vendor_signs_it(preset: Preset, sample: Sample) -> None:
    """`relay send` is as good as the vendor itself."""
    source = a_source(preset)

    assert verification.verify(genuine(source, sample), source, NOW) is None


@every_sample
def test_a_sample_is_named(preset: Preset, sample: Sample) -> None:
    """Its type is the one it says, and its key is the vendor's own, not just a digest of the body, if it has one."""
    source = a_source(preset)
    event = named(genuine(source, sample), source)

    assert sample.type == event.type
    assert bool(preset.keys) is not event.key.startswith(b"body:")


@every_sample
def test_a_sample_is_another_event_each_time(preset: Preset, sample: Sample) -> None:
    """Who tries it twice sees it arrive twice."""
    source = a_source(preset)
    first, second = genuine(source, sample, "first"), genuine(source, sample, "second", NOW + timedelta(seconds=1))

    assert named(first, source).key != named(second, source).key


@every_proven_sample
def test_a_proof_by_another_secret_is_refused(preset: Preset, sample: Sample) -> None:
    """A stranger knows everything but the secret."""
    forged = genuine(a_source(preset, OTHER_ENTROPY), sample)

    assert verification.verify(forged, a_source(preset), NOW) is Refusal.MISMATCH


@every_proven_sample
def test_a_request_without_a_proof_is_refused(preset: Preset, sample: Sample) -> None:
    """Nothing proves nothing."""
    assert isinstance(verification.verify(rendered(sample), a_source(preset), NOW), Refusal)


def flip(value: str) -> str:
    return value[:-1] + ("0" if value[-1] != "0" else "1")


SPOILS: dict[str, Callable[[str], str]] = {
    "flipped": flip,
    "cut": lambda value: value[:-1],
    "cut to nothing": lambda value: "",
    "without its beginning": lambda value: value[1:],
    "with another beginning": lambda value: "md5=" + value,
}


def spoilt(source: Source, request: InboundRequest, spoil: Callable[[str], str]) -> InboundRequest:
    """Sign a request, and spoil whatever the signing adds."""
    proof = verification.sign(request, source, NOW)
    headers = {name: spoil(value) for name, value in proof.headers.items()}
    body = None if proof.body is None else _spoilt_body(request.body, proof.body, spoil)
    return proven(request, Proof(headers, proof.token and spoil(proof.token), body))


def _spoilt_body(before: bytes, after: bytes, spoil: Callable[[str], str]) -> bytes:
    """Spoil each text of a body that signing has put there."""

    def walk(old: Any, new: Any) -> Any:
        if isinstance(new, dict):
            return {key: walk(old.get(key) if isinstance(old, dict) else None, value) for key, value in new.items()}
        if isinstance(new, list):
            olds = old if isinstance(old, list) else [None] * len(new)
            return [walk(*pair) for pair in zip(olds, new, strict=True)]
        return spoil(new) if isinstance(new, str) and new != old else new

    return json.dumps(walk(json.loads(before), json.loads(after))).encode()


@every_proven_sample
@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS.keys())
def test_a_spoilt_proof_is_refused(preset: Preset, sample: Sample, spoil: Callable[[str], str]) -> None:
    """Nearly right is wrong."""
    source = a_source(preset)

    assert verification.verify(spoilt(source, rendered(sample), spoil), source, NOW) is not None


@samples_of(lambda preset: not schemes_of(preset) <= UNPROVEN and not is_list(preset))
def test_a_proof_that_repeats_itself_is_refused(preset: Preset, sample: Sample) -> None:
    """Only who sends lists may say it twice."""
    source = a_source(preset)
    doubled = spoilt(source, rendered(sample), lambda value: f"{value},{value}")

    assert verification.verify(doubled, source, NOW) is not None


@every_sample
def test_a_header_sent_twice_is_refused(preset: Preset, sample: Sample) -> None:
    """Two headers alike: another part of the way may believe the other one. Unless the vendor itself repeats it."""
    source, request = a_source(preset), rendered(sample)
    repeated = {scheme["header"] for scheme in preset.verify if scheme.get("repeats")}
    proof = verification.sign(request, source, NOW)
    for name, value in proof.headers.items():
        twice = CIMultiDict(proven(request, proof).headers)
        twice.add(name, value)
        expected = None if name in repeated else Refusal.MALFORMED

        assert verification.verify(replace(proven(request, proof), headers=twice), source, NOW) is expected


@samples_of(needs_whole_body)
def test_a_body_with_a_bit_flipped_is_refused(preset: Preset, sample: Sample) -> None:
    """Whatever signs bodies signs every byte."""
    source = a_source(preset)
    request = genuine(source, sample)
    flipped = replace(request, body=request.body[:-1] + bytes([request.body[-1] ^ 1]))

    assert verification.verify(flipped, source, NOW) in {Refusal.MISMATCH, Refusal.MISSING}


@samples_of(needs_whole_body)
@pytest.mark.parametrize("body", [b"", b'{"of": "another"}'])
def test_a_signature_of_another_body_is_refused(preset: Preset, sample: Sample, body: bytes) -> None:
    """A genuine one, seen elsewhere."""
    source = a_source(preset)

    assert verification.verify(replace(genuine(source, sample), body=body), source, NOW) is not None


@every_sample
def test_an_old_request_is_stale_where_a_time_is_signed(preset: Preset, sample: Sample) -> None:
    """Recorded today, it must not work the day after tomorrow; without a time nobody can tell."""
    source = a_source(preset)
    refusal = verification.verify(genuine(source, sample), source, NOW + timedelta(days=2))

    assert refusal is (Refusal.STALE if is_timed(preset) else None)


@pytest.mark.parametrize(("preset", "secret", "request_"), list(recorded_requests()))
def test_a_recorded_request_is_accepted_and_named(preset: Preset, secret: str, request_: dict[str, Any]) -> None:
    """As the vendor sends it, byte for byte; types that we do not know yet are accepted like all others."""
    source, request = source_with(preset.name, secret), recorded(request_, secret)

    assert verification.verify(request, source, NOW) is None
    assert request_["type"] == named(request, source).type


@pytest.mark.parametrize("pair", list(recorded_pairs()))
def test_two_recorded_requests_are_the_same_event_or_not(pair: Pair) -> None:
    """What the store will say: a repeated key within its window is a duplicate."""
    source = source_with(pair.preset.name, pair.secret)
    first = named(recorded(pair.first, pair.secret), source)
    second = named(recorded(pair.second, pair.secret), source, NOW + pair.after)

    is_in_window = first.key_expires_at is None or second.received_at < first.key_expires_at

    assert pair.is_same is (first.key == second.key and is_in_window)


def greeted(request: InboundRequest, source: Source) -> Answer | Refusal | None:
    """Ask as the door and the inbound journey do."""
    assert source.greeting is not None
    if request.method != "POST":
        return source.greeting.answer_head(request)
    refusal = verification.verify(request, source, NOW)
    if refusal is not None:
        assert isinstance(refusal, Refusal)
        return source.greeting.answer_unproven(request) or refusal
    return source.greeting.answer_proven(parse(request.body), 1)


@pytest.mark.parametrize(("preset", "secret", "told"), list(recorded_handshakes()))
def test_a_handshake_is_answered_as_its_vendor_wants(preset: Preset, secret: str, told: dict[str, Any]) -> None:
    """Only to whoever may ask; 401 to all others."""
    headers, body = told.get("headers", {}).items(), told.get("body", "").encode()
    result = greeted(a_request(body, headers, told.get("query", ""), told["method"]), source_with(preset.name, secret))

    if told["status"] == 401:
        assert isinstance(result, Refusal)
    else:
        assert isinstance(result, Answer)
        assert (told["status"], told["answer"]) == (result.status, result.body.decode())


@samples_of(lambda preset: bool(preset.handshakes))
def test_an_event_is_no_handshake(preset: Preset, sample: Sample) -> None:
    """What is stored must never be taken for a question, which is forgotten once it is answered."""
    source = a_source(preset)

    assert greeted(genuine(source, sample), source) is None


@pytest.mark.parametrize(("name", "bytes_max"), [("github", 25_000_000), ("meta", 3_000_000)])
def test_a_body_as_large_as_its_vendor_says_is_taken(name: str, bytes_max: int) -> None:
    """What is refused as too large is sent again and again, and then given up."""
    assert bytes_max <= a_source(presets.find(name)).body_bytes_max


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
    sample = Sample("any", body, {"X-Id": "id-{uuid}", "X-Time": "{now_ms}"})

    expected = {
        "at": "2026-07-01T12:00:00.000Z",
        "ms": 1782907200000,
        "ids": ["u", "a-u-1782907200000", 1, None],
        "in": {"deep": "u"},
    }

    assert json.dumps(expected, separators=(",", ":")).encode() == sample.render(NOW, "u")
    assert {"X-Id": "id-u", "X-Time": "1782907200000"} == sample.rendered_headers(NOW, "u")


def test_a_form_is_sent_as_one() -> None:
    """Where its content type says so."""
    sample = Sample("any", {"to": "+33", "id": "{uuid}"}, {"Content-Type": "application/x-www-form-urlencoded"})

    assert b"to=%2B33&id=u" == sample.render(NOW, "u")


def test_presets_are_found_by_name() -> None:
    """One file a vendor; a name that no file has is no preset."""
    assert {"getaround", "invoice-collector"} <= set(presets.names())
    with pytest.raises(KeyError):
        presets.find("no-such-vendor")


def test_no_preset_slows_another() -> None:
    """A configuration imports the vendors and the libraries that it names, and no others: in a program of its own."""
    program = (
        "import sys; from relay import presets; from relay.config import load; import relay.runtime;"
        "presets.names(); presets.find('getaround').title;"
        "print(sorted(name for name in sys.modules if name.startswith('relay.presets.') or name in"
        " ('cryptography', 'jwt', 'relay.verification.ed25519', 'relay.verification.jwt')))"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert "['relay.presets.getaround']" == told.strip()
