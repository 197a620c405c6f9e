"""HMACs by OpenSSL: for vendors without an SDK that signs, or one that only verifies."""

import base64
import subprocess

from tests.vectors.make.vectors import SECRET


def hmac_of(message: bytes, algorithm: str = "sha256", secret: str = SECRET) -> bytes:
    """Return the digest."""
    command = ["openssl", "dgst", f"-{algorithm}", "-hmac", secret, "-binary"]
    return subprocess.run(command, input=message, check=True, capture_output=True).stdout


def in_base64(digest: bytes) -> str:
    """Write a digest as headers hold it."""
    return base64.b64encode(digest).decode()
