"""Being the vendor: a request made and signed as a source's genuine sender would."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

from multidict import CIMultiDict

from relay import presets, verification
from relay.domain import InboundRequest, Source
from relay.presets import Sample

PLAIN = Sample("sample", {"type": "sample", "id": "{uuid}", "sent_at": "{now}"})


@dataclass(frozen=True, slots=True)
class VendorRequest:
    """A signed request, ready to be sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes


def samples_of(source: Source) -> tuple[Sample, ...]:
    """Return what the source's vendor sends, or one plain sample where there is no preset."""
    return presets.find(source.preset).samples if source.preset else (PLAIN,)


def signed(
    source: Source, base_url: str, body: bytes, headers: Mapping[str, str], now: datetime, public_url: str | None = None
) -> VendorRequest:
    """Sign a body as the source's vendor would.

    base_url: where the relay listens. public_url: how senders see it, where a scheme signs the URL.
    """
    path = f"/in/{source.name}"
    sent = CIMultiDict({"Content-Type": "application/json", **headers})
    seen_at = urlsplit(public_url or base_url)
    request = InboundRequest("POST", f"{seen_at.scheme}://{seen_at.netloc}", path, "", sent, body)
    proof = verification.sign(request, source, now)
    sent.update(proof.headers)
    url = base_url.rstrip("/") + path + (f"/{quote(proof.token, safe='')}" if proof.token else "")
    return VendorRequest(url, sent, body if proof.body is None else proof.body)
