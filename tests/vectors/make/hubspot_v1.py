"""HubSpot's requests, signed and verified by its Python SDK."""

from collections.abc import Mapping

from hubspot.utils.signature import Signature

from tests.vectors.make.vectors import SECRET, URL, of_package, write

SDK = of_package("hubspot-api-client")


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = Signature.get_signature(SECRET, body.decode(), "v1", URL, "POST")
    return {"X-HubSpot-Signature": signature, "X-HubSpot-Signature-Version": "v1"}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return Signature.is_valid(headers["X-HubSpot-Signature"], SECRET, body.decode(), URL, "POST", "v1")


write("hubspot-v1", SDK, sign, judge=(SDK, accepts))
