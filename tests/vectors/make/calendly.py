"""Calendly's requests, signed by OpenSSL as its page says: there is no SDK that does it."""

from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of
from tests.vectors.make.vectors import NOW_S, write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"Calendly-Webhook-Signature": f"t={NOW_S},v1={hmac_of(f'{NOW_S}.'.encode() + body).hex()}"}


write("calendly", "OpenSSL", sign)
