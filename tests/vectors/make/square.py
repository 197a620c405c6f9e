"""Square's requests, signed by OpenSSL, each accepted by Square's Python SDK."""

from collections.abc import Mapping

from square.utils.webhooks_helper import verify_signature

from tests.vectors.make.openssl import hmac_of, in_base64
from tests.vectors.make.vectors import SECRET, URL, of_package, write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = in_base64(hmac_of(URL.encode() + body))
    told = {"request_body": body.decode(), "signature_header": signature}
    assert verify_signature(**told, signature_key=SECRET, notification_url=URL)
    return {"x-square-hmacsha256-signature": signature}


write("square", f"OpenSSL, accepted by {of_package('squareup')}", sign)
