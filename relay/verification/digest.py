"""A plain digest that begins with the secret: an old form, of a few vendors.

Weaker than HMAC where the body ends what is signed: who has seen one such digest can make that of a longer body
(length extension). It is there for vendors that offer nothing else.
"""

import hashlib
from dataclasses import dataclass

from relay.verification.hmac import Digest, DigestVerifier


@dataclass(frozen=True, slots=True)
class PlainDigestVerifier(DigestVerifier):
    """Believes who knows what stands before that which is digested."""

    def _begun(self, key: bytes) -> Digest:
        digest = hashlib.new(self.algorithm)
        digest.update(key)
        return digest


SCHEME = PlainDigestVerifier
