"""WorkOS's requests, signed by OpenSSL, each accepted by its Python SDK; its Node SDK verifies JSON written anew."""

from collections.abc import Mapping

from workos.webhooks._verification import verify_header

from tests.vectors.make.openssl import hmac_of
from tests.vectors.make.vectors import NOW_S, SECRET, of_package, write

NOW_MS = NOW_S * 1000
ANY_AGE_S = 10**9


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    header = f"t={NOW_MS}, v1={hmac_of(f'{NOW_MS}.'.encode() + body).hex()}"
    verify_header(event_body=body, event_signature=header, secret=SECRET, tolerance=ANY_AGE_S)
    return {"WorkOS-Signature": header}


write("workos", f"OpenSSL, accepted by {of_package('workos')}", sign)
