"""The signature of Standard Webhooks, version 1: https://www.standardwebhooks.com."""

from datetime import timedelta

from relay.domain import Secret
from relay.errors import SecretInvalid
from relay.verification import hmac
from relay.verification.hmac import TOLERANCE, HmacVerifier

PREFIX = "whsec_"


def standard_webhooks(
    secrets: tuple[Secret, ...], tolerance: timedelta | None = TOLERANCE, family: str = "webhook"
) -> HmacVerifier:
    """Build a verifier from secrets as vendors show them. Errors: SecretInvalid.

    family: what the names of the three headers begin with.
    """
    return HmacVerifier(
        header=f"{family}-signature",
        secrets=tuple(map(key_of, secrets)),
        encoding="base64",
        prefix="v1,",
        separator=" ",
        signed="{id}.{timestamp}.{body}",
        id_header=f"{family}-id",
        timestamp_header=f"{family}-timestamp",
        tolerance=tolerance,
    )


def key_of(secret: Secret) -> Secret:
    """Return the key that a secret stands for: base64 after `whsec_`, which may be left out.

    Errors: SecretInvalid.
    """
    try:
        return hmac.key_of(secret, "base64")
    except SecretInvalid as error:
        raise SecretInvalid(f"a secret of scheme standard-webhooks is {PREFIX} and base64") from error


SCHEME = standard_webhooks
