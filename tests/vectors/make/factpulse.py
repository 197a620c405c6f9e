"""FactPulse's requests, signed by OpenSSL as the page of its Python SDK says: that SDK does not verify them itself."""

from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of
from tests.vectors.make.vectors import write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Webhook-Signature": f"sha256={hmac_of(body).hex()}"}


write("factpulse", "OpenSSL", sign)
