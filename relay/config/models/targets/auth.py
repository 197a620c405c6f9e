"""How we prove ourselves to a target that is called by HTTP: one part a scheme, named as in `relay.targets.auth`."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, WrapValidator, field_validator

from relay.config.misfits import Misfit
from relay.config.models.base import Part, chosen_by_scheme, required, written
from relay.config.models.fields import Credential, Line, SecretText
from relay.config.models.targets.headers import AUTHORIZATION, SetHeader
from relay.config.models.targets.logins import Auth as AuthPart
from relay.config.models.targets.logins import LoginAuth, OAuth2Auth
from relay.domain import Secret
from relay.errors import ExpressionInvalid
from relay.verification._template import parse_template


class BearerAuth(AuthPart):
    """A token."""

    scheme: Literal["bearer"] = Field(description="Authorization: Bearer TOKEN.")
    token: Credential = required("The token.", "${ERP_TOKEN}")

    def sets(self) -> frozenset[str]:
        """Return the headers that prove us, in lower case."""
        return frozenset({AUTHORIZATION})


class BasicAuth(AuthPart):
    """User and password."""

    scheme: Literal["basic"] = Field(description="Authorization: Basic, of user and password.")
    user: Credential = required("The user.", "relay")
    password: Credential = required("The password.", "${ERP_PASSWORD}")

    @field_validator("user")
    @classmethod
    def _has_no_colon(cls, user: Secret) -> Secret:
        if b":" in user.reveal():
            raise Misfit("expected a user without a colon: what follows one is the password")
        return user

    def sets(self) -> frozenset[str]:
        """Return the headers that prove us, in lower case."""
        return frozenset({AUTHORIZATION})


class HeaderAuth(AuthPart):
    """A fixed value in a header."""

    scheme: Literal["header"] = Field(description="A fixed value in a header.")
    name: SetHeader = required("The header.", "X-Api-Key", alias="header")
    value: Credential = required("Its value.", "${ERP_KEY}")

    def sets(self) -> frozenset[str]:
        """Return the headers that prove us, in lower case."""
        return frozenset({self.name.lower()})


class QueryAuth(AuthPart):
    """A secret in the URL's query, which is shown nowhere."""

    scheme: Literal["query"] = Field(description="A secret in the URL's query; it is shown nowhere.")
    name: Line = required("The parameter.", "key", alias="parameter")
    value: Credential = required("Its value.", "${ERP_KEY}")


class HmacAuth(AuthPart):
    """A keyed digest of what is sent, in a header."""

    scheme: Literal["hmac"] = Field(description="A keyed digest of what is sent, as our own sources know it.")
    secret: SecretText = required("The key.", "${ERP_SIGNING_KEY}")
    header: SetHeader = required("The header that holds the signature.", "X-Signature")
    algorithm: Literal["sha1", "sha256", "sha512"] = written("sha256", "The digest.")
    encoding: Literal["hex", "base64"] = written("hex", "How the digest is written.")
    prefix: Line = written("", "What stands before the digest, such as `sha256=`.")
    timestamp_header: SetHeader | None = written(None, "The header for the time, where `signed` covers {timestamp}.")
    id_header: SetHeader | None = written(None, "The header for the event's id, where `signed` covers {id}.")
    signed: Line = written(
        "{body}", "What the signature covers: a template of {body}, {timestamp}, {id}, {url}, {method} and {path}."
    )

    @field_validator("signed")
    @classmethod
    def _is_a_template(cls, template: str, info: ValidationInfo) -> str:
        try:
            covered = {name for _, name in parse_template(template)}
        except ExpressionInvalid as error:
            raise Misfit(f"not a template: {error}", concealed="not a template; expected one with {body}") from error
        if "body" not in covered:
            raise Misfit("expected {body} in it: without, one signature would fit every body")
        for name in ("timestamp", "id"):
            if (key := f"{name}_header") in info.data and (name in covered) != (info.data[key] is not None):
                raise Misfit(f"{{{name}}} and `{key}` go together; expected both, or neither")
        return template

    def settings(self) -> Mapping[str, object]:
        """Return what the scheme's module takes."""
        chosen = {name: getattr(self, name) for name in self.model_fields_set - {"scheme", "secret"}}
        return {**chosen, "secrets": (self.secret,)}

    def sets(self) -> frozenset[str]:
        """Return the headers that prove us, in lower case."""
        names = (self.header, self.timestamp_header, self.id_header)
        return frozenset(name.lower() for name in names if name is not None)


AUTHS: dict[str, type[Part]] = {
    "bearer": BearerAuth,
    "basic": BasicAuth,
    "header": HeaderAuth,
    "query": QueryAuth,
    "hmac": HmacAuth,
    "oauth2": OAuth2Auth,
    "login": LoginAuth,
}
Auth = Annotated[
    BearerAuth | BasicAuth | HeaderAuth | QueryAuth | HmacAuth | OAuth2Auth | LoginAuth,
    WrapValidator(chosen_by_scheme(AUTHS, "{scheme: bearer, token: ${ERP_TOKEN}}")),
]
