"""Bodies of every preset: read, taken apart, answered where they are a handshake, and named.

What a stranger packs or nests ends in a refusal or in an event whose type, key and bytes are fit to be stored.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace

from relay import presets
from relay.batches import ITEMS_MAX, split
from relay.domain import Answer, Document, Event, InboundRequest, Refusal, Source
from relay.expressions import compile_expression
from relay.handshakes import CHALLENGE_CHARACTERS_MAX
from relay.identity import KEY_BYTES_MAX, TYPE_CHARACTERS_MAX, identify, read
from tests.contract.vendor import NOW, PRESETS, a_request, a_source, recorded, vectors_of
from tests.fuzz.harness import Harness
from tests.fuzz.inputs import chosen, request_in, written

UNPACKED_BYTES_MAX = 64 * 1024
BATCHES = {  # batches as somebody might write them, beside those of the presets
    "items": "items",
    "chosen": "items[?amount > `10`]",
    "large": "items[?id == `100000000000000000000`]",
    "made": "items[].{amount: money(price), at: iso8601(at), day: date(at, '%d.%m.%Y', 'Europe/Paris')}",
}
SUBJECTS = (*presets.names(), *BATCHES)


def source_of(name: str) -> Source:
    if name in BATCHES:
        return replace(a_source(presets.find("github")), batch=compile_expression(BATCHES[name]))
    return a_source(presets.find(name))


def check(data: bytes) -> None:
    name, request = request_in(data)
    source = source_of(chosen(name, SUBJECTS))
    if request.method in {"GET", "HEAD"}:
        check_answer(source.greeting.answer_head(request) if source.greeting else None)
        return
    headers = request.headers
    document = read(request.body, headers.get("Content-Encoding"), UNPACKED_BYTES_MAX, headers.get("Content-Type"))
    if isinstance(document, Refusal):
        assert document in {Refusal.UNREADABLE, Refusal.TOO_LARGE}
        return
    if source.greeting is not None:
        check_answer(source.greeting.answer_proven(document, 1))
        check_answer(source.greeting.answer_unproven(request))
    for part, its_document in parts_of(request, document, source):
        check_event(identify(part, source, its_document, NOW, "evt_1"), part)


def parts_of(request: InboundRequest, document: Document, source: Source) -> list[tuple[InboundRequest, Document]]:
    if source.batch is None:
        return [(request, document)]
    parts = split(request, document, source.batch, UNPACKED_BYTES_MAX)
    if isinstance(parts, Refusal):
        return []
    assert 0 < len(parts) <= ITEMS_MAX
    return parts


def check_answer(answer: Answer | Refusal | None) -> None:
    if isinstance(answer, Answer):
        assert len(answer.body) <= 8 * CHALLENGE_CHARACTERS_MAX


def check_event(event: Event | Refusal, request: InboundRequest) -> None:
    if isinstance(event, Refusal):
        assert event in {Refusal.UNREADABLE, Refusal.KEYLESS}
        return
    assert event.body is request.body
    assert event.type.isprintable()
    assert 0 < len(event.type) <= TYPE_CHARACTERS_MAX
    assert 0 < len(event.key) <= KEY_BYTES_MAX


def seeds() -> Iterator[bytes]:
    for preset in PRESETS:
        vectors = vectors_of(preset)
        yield written(preset.name, recorded(vectors["requests"][0], vectors["secret"]))
    price = {"id": 10**20 + 1, "amount": 12.5, "price": "1.234,56 €", "at": "2025-01-01T01:00:00+01:00"}
    body = json.dumps({"items": [price, {**price, "at": 1735689600000, "price": 7}]}).encode()
    for name in BATCHES:
        yield written(name, a_request(body))
    raw = zlib.compressobj(wbits=-15)
    packed = {"gzip": gzip.compress(body, mtime=0), "deflate": zlib.compress(body)}
    for encoding, content in (*packed.items(), ("deflate", raw.compress(body) + raw.flush())):
        yield written("items", a_request(content, {"Content-Encoding": encoding}.items()))
    yield written("items", a_request(b'{"items":' + b"[" * 1500 + b"]" * 1500 + b"}"))
    yield written(
        "twilio", a_request(b"a=1&a=2&b=%C3%A9", {"Content-Type": "application/x-www-form-urlencoded"}.items())
    )


HARNESS = Harness(check, seeds)
