"""DocuSign's requests, signed as its page says: it has no SDK that verifies. The second of two keys is ours."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from tests.vectors.make.vectors import SECRET, write


def signature(body: bytes, key: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), body, hashlib.sha256)).decode()


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-DocuSign-Signature-1": signature(body, "another-key"), "X-DocuSign-Signature-2": signature(body, SECRET)}


write("docusign", "the standard library, by the vendor's page", sign)
