"""GoCardless's requests, signed by OpenSSL, each accepted by its Python SDK."""

from collections.abc import Mapping

from gocardless_pro import webhooks

from tests.vectors.make.openssl import hmac_of
from tests.vectors.make.vectors import SECRET, of_package, write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = hmac_of(body).hex()
    assert webhooks.parse(body.decode(), SECRET, signature)
    return {"Webhook-Signature": signature}


write("gocardless", f"OpenSSL, accepted by {of_package('gocardless_pro')}", sign)
