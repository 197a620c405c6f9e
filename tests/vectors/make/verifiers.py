"""What a vendor's verifier computes: the signature by the vendor's own code, where its SDK offers none to sign with."""

from collections.abc import Callable
from contextlib import suppress
from unittest.mock import patch

WRONG = "0" * 40

# Beginning of a script for `by_node`: what every HMAC of the SDK came to is in `made`.
OBSERVED = """
import crypto from "node:crypto";
const made = [];
const digest = crypto.Hmac.prototype.digest;
crypto.Hmac.prototype.digest = function (...how) { made.push(digest.apply(this, how)); return made.at(-1); };
"""


def expected_by(verify: Callable[[str], object]) -> str:
    """Have a verifier in Python judge a wrong signature; return what it has compared with that."""
    compared: list[str] = []

    def note(*both: str | bytes) -> bool:
        compared.extend(it if isinstance(it, str) else bytes(it).decode() for it in both)
        return False

    with patch("hmac.compare_digest", note), suppress(Exception):
        verify(WRONG)
    (expected,) = set(compared) - {WRONG}
    return expected
