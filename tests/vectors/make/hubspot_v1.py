"""HubSpot's requests, signed by its Python SDK."""

from collections.abc import Mapping

from hubspot.utils.signature import Signature

from tests.vectors.make.vectors import SECRET, URL, of_package, write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = Signature.get_signature(SECRET, body.decode(), "v1", URL, "POST")
    assert Signature.is_valid(signature, SECRET, body.decode(), URL, "POST", "v1")
    return {"X-HubSpot-Signature": signature, "X-HubSpot-Signature-Version": "v1"}


write("hubspot-v1", of_package("hubspot-api-client"), sign)
