"""Public keys as vendors show them; and private ones, with which a test can sign as the vendor would.

kind: a class of `cryptography`, all of which are abstract.
"""

import base64
import binascii
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key, load_pem_public_key

from relay.domain import Secret
from relay.errors import SecretInvalid

PEM = b"-----BEGIN"
PRIVATE = b"PRIVATE KEY-----"


def read_private(secret: Secret, kind: type[Any]) -> Any:
    """Read a private key in PEM, or None where the secret is none. Errors: SecretInvalid."""
    content = secret.reveal().strip()
    if not (content.startswith(PEM) and PRIVATE in content.splitlines()[0]):
        return None
    try:
        key = load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SecretInvalid("the private key cannot be read; expected PEM without a password") from error
    if not isinstance(key, kind):
        raise SecretInvalid("the private key is of another kind than the scheme's")
    return key


def read_public(secret: Secret, kind: type[Any]) -> Any:
    """Read a public key in PEM, or as base64 of the same (SPKI); None where it is neither, or of another kind."""
    content = secret.reveal().strip()
    try:
        is_pem = content.startswith(PEM)
        key = load_pem_public_key(content) if is_pem else load_der_public_key(base64.b64decode(content, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, kind) else None


def raw_bytes(text: bytes) -> bytes | None:
    """Read hex or base64."""
    for decode in (binascii.unhexlify, lambda encoded: base64.b64decode(encoded, validate=True)):
        try:
            return bytes(decode(text))
        except (binascii.Error, ValueError):
            continue
    return None
