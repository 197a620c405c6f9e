"""Typeform's requests, signed by OpenSSL as its page says: there is no SDK that does it."""

from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of, in_base64
from tests.vectors.make.vectors import write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"Typeform-Signature": f"sha256={in_base64(hmac_of(body))}"}


write("typeform", "OpenSSL", sign)
