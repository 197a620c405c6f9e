"""WorkOS's requests, signed as the verifier of its Python SDK computes, and accepted by it.

Its Node SDK verifies JSON written anew.
"""

from collections.abc import Mapping

from workos.webhooks._verification import verify_header

from tests.vectors.make.vectors import NOW_S, SECRET, of_package, write
from tests.vectors.make.verifiers import expected_by

SDK = of_package("workos")
NOW_MS = NOW_S * 1000
ANY_AGE_S = 10**9


def verify(body: bytes, header: str) -> object:
    verify_header(event_body=body, event_signature=header, secret=SECRET, tolerance=ANY_AGE_S)
    return True


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = expected_by(lambda wrong: verify(body, f"t={NOW_MS}, v1={wrong}"))
    return {"WorkOS-Signature": f"t={NOW_MS}, v1={signature}"}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return verify(body, headers["WorkOS-Signature"])


write("workos", f"the verifier of {SDK}", sign, judge=(SDK, accepts))
