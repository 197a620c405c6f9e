"""What tests of the pure core begin with: a time, a secret, a request, and a request that is proven."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st
from multidict import CIMultiDict

from relay.domain import Identification, InboundRequest, Proof, Secret, Source, Verifier

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
SECRET = Secret("it-is-a-secret-to-everybody")
OTHER_SECRET = Secret("something-else-altogether")

# What can stand in a header or a URL: any bytes at all, decoded as the server decodes them; and what cannot.
wire_texts = st.binary(max_size=80).map(lambda sent: sent.decode("utf-8", "surrogateescape")) | st.text(
    st.characters(), max_size=80
)
secrets = st.binary(min_size=1, max_size=80).filter(lambda value: bool(value.strip())).map(Secret)


def a_request(
    body: bytes = b'{"type": "order.paid"}',
    headers: Iterable[tuple[str, str]] = (),
    *,
    token: str | None = None,
    remote: str = "203.0.113.7",
) -> InboundRequest:
    held = CIMultiDict([("Content-Type", "application/json"), *headers])
    return InboundRequest("POST", "https://hooks.example.com", "/in/shop", "a=1", held, body, remote, token)


def proven(request: InboundRequest, proof: Proof) -> InboundRequest:
    """Send the request with its proof, as a genuine sender does."""
    headers = CIMultiDict(request.headers)
    headers.update(proof.headers)
    body = request.body if proof.body is None else proof.body
    return replace(request, headers=headers, token=proof.token, body=body)


def with_header(request: InboundRequest, name: str, *values: str) -> InboundRequest:
    """Put these values, and no others, into the headers of a name."""
    headers = CIMultiDict(request.headers)
    headers.popall(name, None)
    headers.extend((name, value) for value in values)
    return replace(request, headers=headers)


def a_source(*verifiers: Verifier) -> Source:
    return Source("shop", verifiers, Identification())
