"""How a source's requests are proven, as the file says it: one part a scheme, named as in `relay.verification`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WrapValidator

from relay import verification
from relay.config.misfits import Misfit
from relay.config.models.base import as_full_list, chosen_by_scheme, required, written
from relay.config.models.fields import HeaderName, Network, signing_key
from relay.config.models.scheme import Scheme
from relay.config.models.signatures import Ecdsa, Ed25519, Hmac, Jwt, PlainDigest, Tolerance
from relay.domain import Secret
from relay.errors import SecretInvalid


class StandardWebhooks(Scheme):
    """The signature of Standard Webhooks, version 1."""

    scheme: Literal["standard-webhooks"] = Field(description="Standard Webhooks, version 1; secrets are `whsec_…`.")
    tolerance: Tolerance = written("5m", "How far the signed time may be from ours, either way.")

    def check_secret(self, secret: Secret) -> None:
        """Insist on a key. Errors: Misfit."""
        signing_key(secret.text())


class Header(Scheme):
    """A fixed value in a header."""

    scheme: Literal["header"] = Field(description="A fixed value in a header; secrets are that value.")
    header: HeaderName = required("The header that holds the value.", "X-Webhook-Key")

    @property
    def proving_headers(self) -> tuple[str, ...]:
        """Name the one that it reads."""
        return (self.header,)

    def check_secret(self, secret: Secret) -> None:
        """Insist on what a header can carry. Errors: Misfit."""
        _check_transit(secret)


class Basic(Scheme):
    """User and password."""

    scheme: Literal["basic"] = Field(description="User and password, as `https://user:password@…` sends them.")

    def check_secret(self, secret: Secret) -> None:
        """Insist on a user and a password. Errors: Misfit. Source: RFC 7617."""
        user, _, password = secret.text().partition(":")
        if not (user and password):
            raise Misfit("expected `user:password`, which scheme basic compares with")


class Token(Scheme):
    """A secret in the URL."""

    scheme: Literal["token"] = Field(description="A secret in the URL: /in/SOURCE/TOKEN, or ?token=TOKEN.")

    def check_secret(self, secret: Secret) -> None:
        """Insist on what a URL can carry. Errors: Misfit."""
        _check_transit(secret)


def _check_transit(secret: Secret) -> None:
    content = secret.text()
    if content != content.strip() or not content.isprintable():
        raise Misfit("a space at an end, or a control character, is lost on the way; expected a secret without")


class Ip(Scheme):
    """The sender's address."""

    compares_secrets = False

    scheme: Literal["ip"] = Field(description="The sender's address, trusted proxies seen through.")
    networks: Annotated[tuple[Network, ...], BeforeValidator(as_full_list, json_schema_input_type=list[Network])] = (
        required("Where requests may come from.", "192.0.2.0/24")
    )


class Nothing(Scheme):
    """No proof at all."""

    compares_secrets = False

    scheme: Literal["none"] = Field(description="No proof: everybody who reaches the port is believed.")


class PayPal(Scheme):
    """PayPal's signature, by a certificate that it names."""

    scheme: Literal["paypal"] = Field(
        description="PayPal's signature; secrets are the webhook's id, as PayPal shows it."
    )

    def check_secret(self, secret: Secret) -> None:
        """Insist on an id. Errors: Misfit."""
        try:
            verification.find(self.scheme)(secrets=(secret,))
        except SecretInvalid as error:
            raise Misfit(str(error)) from error


SCHEMES: dict[str, type[Scheme]] = {
    "hmac": Hmac,
    "digest": PlainDigest,
    "ed25519": Ed25519,
    "ecdsa": Ecdsa,
    "jwt": Jwt,
    "standard-webhooks": StandardWebhooks,
    "header": Header,
    "basic": Basic,
    "token": Token,
    "paypal": PayPal,
    "ip": Ip,
    "none": Nothing,
}
WORDS = Literal["standard-webhooks", "basic", "token", "paypal", "none"]  # those that need no settings

AnyScheme = Annotated[
    Hmac | PlainDigest | Ed25519 | Ecdsa | Jwt | StandardWebhooks | Header | Basic | Token | PayPal | Ip | Nothing,
    WrapValidator(chosen_by_scheme(SCHEMES, "{scheme: hmac, header: X-Signature}, or `none` to believe everybody")),
]
Verify = Annotated[
    tuple[AnyScheme, ...],
    BeforeValidator(as_full_list, json_schema_input_type=AnyScheme | WORDS | list[AnyScheme | WORDS]),
]
