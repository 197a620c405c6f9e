"""How a source's requests are proven, as the file says it: one part a scheme, named as in `relay.verification`."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, WrapValidator, field_validator

from relay import verification
from relay.config.misfits import Misfit
from relay.config.models.base import Part, as_full_list, chosen_by_scheme, required, surroundings, written
from relay.config.models.fields import Duration, HeaderName, Line, Network, Within, signing_key
from relay.config.unbuilt import VERIFY_SCHEMES
from relay.config.units import parse_duration
from relay.domain import Secret, Verifier
from relay.errors import ExpressionInvalid
from relay.verification._template import parse_template

Tolerance = Annotated[Duration, Within("1s", "1d", parse_duration)]


class Scheme(Part):
    """One way of proving."""

    compares_secrets: ClassVar[bool] = True

    scheme: str

    def check_secret(self, secret: Secret) -> None:
        """Insist on a secret that this scheme can use. Errors: Misfit, which never tells it."""

    def verifier(self, secrets: tuple[Secret, ...]) -> Verifier:
        """Build what proves."""
        settings = {name: getattr(self, name) for name in self.model_fields_set - {"scheme"}}
        return verification.find(self.scheme)(**settings, **({"secrets": secrets} if self.compares_secrets else {}))


class Hmac(Scheme):
    """A keyed digest of the request in a header, in nearly every vendor's form."""

    scheme: Literal["hmac"] = Field(description="A keyed digest of the request, in a header.")
    header: HeaderName = required("The header that holds the signature.", "X-Signature")
    algorithm: Literal["sha1", "sha256", "sha512"] = written("sha256", "The digest.")
    encoding: Literal["hex", "base64"] = written("hex", "How the digest is written.")
    prefix: Line = written("", "What stands before the digest, such as `sha256=`.")
    separator: Line | None = written(
        None, "What parts a list of signatures, any of which may match; not set: the header holds one."
    )
    timestamp_header: HeaderName | None = written(None, "The header that holds the time, where `signed` covers it.")
    id_header: HeaderName | None = written(None, "The header that holds the message's id, where `signed` covers it.")
    signed: Line = written(
        "{body}", "What the signature covers: a template of {body}, {timestamp}, {id}, {url}, {method} and {path}."
    )
    tolerance: Tolerance | None = written(
        None, "How far a signed time may be from ours, either way; 5m unless set.", examples=["5m"]
    )

    @field_validator("signed")
    @classmethod
    def _suits_the_headers(cls, template: str, info: ValidationInfo) -> str:
        covered = _placeholders(template)
        faults = [
            *_faults_of_pair("timestamp", covered, info),
            *_faults_of_pair("id", covered, info),
            *(["{url} needs `server.public_url`, our address as senders see it"] if _lacks_url(covered, info) else []),
            *([] if "body" in covered else ["expected {body} in it: without, one signature would fit every body"]),
        ]
        if faults:
            raise Misfit("; ".join(faults))
        return template

    @field_validator("tolerance")
    @classmethod
    def _has_a_time(cls, tolerance: timedelta | None, info: ValidationInfo) -> timedelta | None:
        if tolerance is not None and "signed" in info.data and "timestamp" not in _placeholders(info.data["signed"]):
            raise Misfit("no time is signed; expected {timestamp} in `signed`, or no `tolerance`")
        return tolerance


def _placeholders(template: str) -> set[str | None]:
    try:
        return {name for _, name in parse_template(template)}
    except ExpressionInvalid as error:
        raise Misfit(f"not a template: {error}", concealed="not a template; expected one that holds {body}") from error


def _faults_of_pair(name: str, covered: set[str | None], info: ValidationInfo) -> list[str]:
    """A header is read if the signature covers what it holds, and only then."""
    key = f"{name}_header"
    if key not in info.data or (name in covered) == (info.data[key] is not None):
        return []
    return [f"{{{name}}} needs `{key}`" if name in covered else f"`{key}` is set, but {{{name}}} is not signed"]


def _lacks_url(covered: set[str | None], info: ValidationInfo) -> bool:
    return "url" in covered and not surroundings(info).has_public_url


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


SCHEMES: dict[str, type[Scheme]] = {
    "hmac": Hmac,
    "standard-webhooks": StandardWebhooks,
    "header": Header,
    "basic": Basic,
    "token": Token,
    "ip": Ip,
    "none": Nothing,
}
WORDS = Literal["standard-webhooks", "basic", "token", "none"]  # those that need no settings

AnyScheme = Annotated[
    Hmac | StandardWebhooks | Header | Basic | Token | Ip | Nothing,
    WrapValidator(
        chosen_by_scheme(SCHEMES, VERIFY_SCHEMES, "{scheme: hmac, header: X-Signature}, or `none` to believe everybody")
    ),
]
Verify = Annotated[
    tuple[AnyScheme, ...],
    BeforeValidator(as_full_list, json_schema_input_type=AnyScheme | WORDS | list[AnyScheme | WORDS]),
]
