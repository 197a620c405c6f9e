"""Being a preset's vendor: its source as a configuration file makes it, its requests, and those that were recorded."""

import base64
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from multidict import CIMultiDict
from ruamel.yaml import YAML

from relay import config, presets, verification
from relay.batches import split
from relay.cli.keys import ENTROPY_BYTES, new_secret
from relay.domain import Document, Event, InboundRequest, Proof, Source
from relay.identity import identify, read
from relay.presets import Preset, Sample

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
BODY_BYTES_MAX = 1024 * 1024
VECTORS = Path(__file__).parent.parent / "vectors"
ORIGIN = "https://hooks.example.com"
VERIFY_TOKEN = "a-word-that-we-chose"
ENTROPY, OTHER_ENTROPY = (bytes([byte]) * ENTROPY_BYTES for byte in (7, 8))

PRESETS = [presets.find(name) for name in presets.names()]
UNPROVEN = {"none", "ip"}  # schemes without a secret: nothing that could be spoilt
SIGNING = {"hmac", "digest", "ed25519", "ecdsa", "jwt", "standard-webhooks", "paypal"}


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


def a_source(preset: Preset, entropy: bytes = ENTROPY) -> Source:
    """Return the preset's source with a secret that can sign."""
    return source_with(preset.name, new_secret(preset, entropy))


@cache
def source_with(name: str, secret: str) -> Source:
    """Return what one line in a configuration file comes to."""
    preset = presets.find(name)
    written: dict[str, object] = {"preset": name}
    if any(scheme["scheme"] not in UNPROVEN for scheme in preset.verify):
        written["secret"] = secret
    if any(step.token for step in preset.handshakes):
        written["verify_token"] = VERIFY_TOKEN
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "relay.yaml"
        with path.open("w") as file:
            YAML().dump({"server": {"public_url": ORIGIN}, "sources": {"it": written}}, file)
        return config.load(path, {}).sources["it"]


def a_request(
    body: bytes,
    headers: Iterable[tuple[str, str]] = (),
    query: str = "",
    method: str = "POST",
    token: str | None = None,
) -> InboundRequest:
    held = CIMultiDict({"Content-Type": "application/json"})
    held.update(CIMultiDict(headers))
    return InboundRequest(method, ORIGIN, "/in/it", query, held, body, "203.0.113.7", token)


def recorded(request: dict[str, Any], secret: str) -> InboundRequest:
    """Return a request as it was recorded. The secret is also its token: what takes none does not look."""
    headers, query = request["headers"].items(), request.get("query", "")
    key = base64.b64decode(request["fetched"]) if "fetched" in request else None
    return replace(a_request(request["body"].encode(), headers, query, token=secret), key=key)


def proven(request: InboundRequest, proof: Proof) -> InboundRequest:
    headers = CIMultiDict(request.headers)
    headers.update(proof.headers)
    body = request.body if proof.body is None else proof.body
    return replace(request, headers=headers, token=proof.token, body=body)


def rendered(sample: Sample, uuid: str = "1f0e0d0c", now: datetime = NOW) -> InboundRequest:
    return a_request(sample.render(now, uuid), sample.rendered_headers(now, uuid).items())


def genuine(source: Source, sample: Sample, uuid: str = "1f0e0d0c", now: datetime = NOW) -> InboundRequest:
    """Return a sample as the vendor sends it."""
    request = rendered(sample, uuid, now)
    return proven(request, verification.sign(request, source, now))


def named(request: InboundRequest, source: Source, now: datetime = NOW) -> Event:
    """Return the event that a request becomes; of a batch, the first."""
    headers = request.headers
    document = read(request.body, headers.get("Content-Encoding"), BODY_BYTES_MAX, headers.get("Content-Type"))
    assert isinstance(document, Document)
    parts = [(request, document)]
    if source.batch is not None:
        found = split(request, document, source.batch, BODY_BYTES_MAX)
        assert isinstance(found, list)
        parts = found
    event = identify(parts[0][0], source, parts[0][1], now, "evt_1")
    assert isinstance(event, Event), event
    return event
