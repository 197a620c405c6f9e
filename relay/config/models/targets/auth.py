"""How we prove ourselves to a target that is called by HTTP."""

from base64 import b64encode
from typing import Annotated, Literal

from pydantic import Field, WrapValidator, field_validator

from relay.config.misfits import Misfit
from relay.config.models.base import Part, chosen_by_scheme, required
from relay.config.models.fields import Credential
from relay.config.models.targets.headers import SetHeader
from relay.config.unbuilt import AUTH_SCHEMES
from relay.domain import Secret


class BearerAuth(Part):
    """A token."""

    scheme: Literal["bearer"] = Field(description="Authorization: Bearer TOKEN.")
    token: Credential = required("The token.", "${ERP_TOKEN}")

    def header(self) -> tuple[str, Secret]:
        """Return the header that proves us."""
        return "Authorization", Secret(b"Bearer " + self.token.reveal())


class BasicAuth(Part):
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

    def header(self) -> tuple[str, Secret]:
        """Return the header that proves us."""
        return basic_header(self.user.text(), self.password.text())


class HeaderAuth(Part):
    """A fixed value in a header."""

    scheme: Literal["header"] = Field(description="A fixed value in a header.")
    name: SetHeader = required("The header.", "X-Api-Key", alias="header")
    value: Credential = required("Its value.", "${ERP_KEY}")

    def header(self) -> tuple[str, Secret]:
        """Return the header that proves us."""
        return self.name, self.value


def basic_header(user: str, password: str) -> tuple[str, Secret]:
    """Return the header of HTTP's basic authentication. Source: RFC 7617."""
    return "Authorization", Secret(b"Basic " + b64encode(f"{user}:{password}".encode()))


AUTHS: dict[str, type[Part]] = {"bearer": BearerAuth, "basic": BasicAuth, "header": HeaderAuth}
Auth = Annotated[
    BearerAuth | BasicAuth | HeaderAuth,
    WrapValidator(chosen_by_scheme(AUTHS, AUTH_SCHEMES, "{scheme: bearer, token: ${ERP_TOKEN}}")),
]
