"""What proves to a target that a delivery is ours: the signature of Standard Webhooks.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence

from relay.domain import Secret


def signature_header(secrets: Sequence[Secret], event_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: one `v1,BASE64` for each secret, the newest first, spaces between.

    secrets: the keys themselves, no longer in base64. timestamp: seconds since 1970, as in `webhook-timestamp`.
    """
    return " ".join(_signature(secret.reveal(), event_id, timestamp, body) for secret in secrets)


def _signature(key: bytes, event_id: str, timestamp: int, body: bytes) -> str:
    """Sign `id.timestamp.body`. The body is hashed where it lies: joined to the rest it would be copied."""
    mac = hmac.new(key, f"{event_id}.{timestamp}.".encode(), "sha256")
    mac.update(body)
    return f"v1,{b64encode(mac.digest()).decode()}"
