"""The signature of Standard Webhooks, version 1: https://www.standardwebhooks.com."""

import base64
import binascii
from datetime import timedelta

from relay.domain import Secret
from relay.errors import SecretInvalid
from relay.verification.hmac import TOLERANCE, HmacVerifier

PREFIX = "whsec_"


def standard_webhooks(secrets: tuple[Secret, ...], tolerance: timedelta | None = TOLERANCE) -> HmacVerifier:
    """Build a verifier from secrets as vendors show them. Errors: SecretInvalid."""
    return HmacVerifier(
        header="webhook-signature",
        secrets=tuple(map(key_of, secrets)),
        encoding="base64",
        prefix="v1,",
        separator=" ",
        signed="{id}.{timestamp}.{body}",
        id_header="webhook-id",
        timestamp_header="webhook-timestamp",
        tolerance=tolerance,
    )


def key_of(secret: Secret) -> Secret:
    """Return the key that a secret stands for: base64 after `whsec_`, which may be left out.

    Errors: SecretInvalid.
    """
    encoded = secret.reveal().removeprefix(PREFIX.encode())
    try:
        key = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise SecretInvalid(f"a secret of scheme standard-webhooks is {PREFIX} and base64")
    return Secret(key)


SCHEME = standard_webhooks
