"""Ways to prove ourselves with a token that is fetched first."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import orjson
from pydantic import Field, ValidationInfo, field_validator

from relay.config.misfits import Misfit, listing
from relay.config.models.base import Part, required, written
from relay.config.models.fields import Credential, Duration, ExpressionText, Line, TargetUrl, Within
from relay.config.models.targets.headers import AUTHORIZATION, SetHeader
from relay.config.units import parse_duration
from relay.domain import Secret

TOKEN = "{token}"  # noqa: S105 - a place, not a password
PLACES = ("header", "query", "basic")

Lifetime = Annotated[Duration, Within("1s", "3650d", parse_duration)]


class Auth(Part):
    """A way to prove ourselves."""

    scheme: str

    def settings(self) -> Mapping[str, object]:
        """Return what the scheme's module takes."""
        return {name: getattr(self, name) for name in self.model_fields_set - {"scheme"}}

    def sets(self) -> frozenset[str]:
        """Return the headers that prove us, in lower case."""
        return frozenset()


class OAuth2Auth(Auth):
    """A token from an authorization server, fetched with client credentials and renewed ahead of time."""

    scheme: Literal["oauth2"] = Field(description="OAuth 2.0 with client credentials: Authorization: Bearer TOKEN.")
    token_url: TargetUrl = required("The authorization server's token endpoint.", "https://login.example.com/token")
    client_id: Credential = required("Our id there.", "${ERP_CLIENT_ID}")
    client_secret: Credential = required("Our secret there.", "${ERP_CLIENT_SECRET}")
    client_auth: Literal["basic", "body"] = written("basic", "Where id and secret go: a header, or the body.")
    scope: Line | None = written(None, "What the token is for.", examples=["invoices:write"])
    audience: Line | None = written(None, "Whom the token is for.", examples=["https://erp.example.com/"])

    def settings(self) -> Mapping[str, object]:
        """Return what the scheme's module takes."""
        return {**super().settings(), "token_url": str(self.token_url)}

    def sets(self) -> frozenset[str]:
        """Return the headers that prove us, in lower case."""
        return frozenset({AUTHORIZATION})


class TokenPlace(Part):
    """Where a token goes: one of `header`, `query` and `basic`."""

    header: SetHeader | None = written(None, "A header.", examples=["Authorization"])
    query: Line | None = written(None, "A parameter of the URL; it is shown nowhere.", examples=["token"])
    basic: Credential | None = written(None, "User and password, with {token} in it.", examples=["0:{token}"])
    value: Credential | None = written(
        None,
        "What stands in the header or parameter, with {token} in it; `Bearer {token}` in a header unless set.",
        examples=['Token token="{token}"'],
    )

    @classmethod
    def completed(cls, data: dict[str, object]) -> dict[str, object]:
        """Insist on one place. Errors: Misfit."""
        if sum(name in data for name in PLACES) != 1:
            raise Misfit(f"expected one of {listing(PLACES)}")
        return data

    @field_validator("basic", "value")
    @classmethod
    def _holds_the_token(cls, value: Secret | None, info: ValidationInfo) -> Secret | None:
        if value is not None and TOKEN not in value.text():
            raise Misfit("expected {token} in it, where the token goes")
        if info.field_name == "value" and value is not None and info.data.get("basic") is not None:
            raise Misfit("`basic` says it already; leave it out")
        return value

    def settings(self) -> tuple[Literal["header", "query", "basic"], str, Secret]:
        """Return the kind of place, its name, and what goes there."""
        if self.basic is not None:
            return "basic", "", self.basic
        if self.query is not None:
            return "query", self.query, self.value or Secret(TOKEN)
        return "header", self.header or "Authorization", self.value or Secret(f"Bearer {TOKEN}")


class LoginAuth(Auth):
    """A token from an endpoint of the target's own, renewed ahead of time, and when it is refused with 401.

    In texts of `query`, `form` and `body`, {today} and {today+2d} are days, as YYYY-MM-DD in UTC.
    """

    scheme: Literal["login"] = Field(description="Call an endpoint, take a token from its answer, use and renew it.")
    url: TargetUrl = required("Where to log in.", "https://erp.example.com/login")
    method: Literal["POST", "PUT", "GET"] = written("POST", "How it is called.")
    query: dict[Line, Credential] = written({}, "Parameters of its URL.")
    headers: dict[SetHeader, Credential] = written({}, "Headers of the call.")
    form: dict[Line, Credential] = written({}, "What is sent, as a form.")
    body: Any = written(None, "What is sent, as JSON.", examples=[{"username": "relay", "password": "${ERP_PASSWORD}"}])
    token: ExpressionText = required("Where the token stands in the answer: JMESPath.", "access_token")
    expires: ExpressionText | None = written(
        None,
        "Where the answer says until when it holds: JMESPath, to seconds from then, or a time.",
        examples=["expires_in"],
    )
    lifetime: Lifetime | None = written(
        None, "How long it holds, where the answer does not say; until it is refused, unless set.", examples=["30m"]
    )
    place: TokenPlace = written({"header": "Authorization"}, "Where the token goes.", alias="as")

    @field_validator("body")
    @classmethod
    def _is_all_there_is(cls, body: Any, info: ValidationInfo) -> Any:
        if body is not None and info.data.get("form"):
            raise Misfit("`form` is given, too; expected one of them")
        return body

    def settings(self) -> Mapping[str, object]:
        """Return what the scheme's module takes."""
        content, content_type = self._content()
        return {
            "url": str(self.url),
            "method": self.method,
            "query": self.query,
            "headers": self.headers,
            "body": content,
            "content_type": content_type,
            "token": self.token,
            "expires": self.expires,
            "lifetime": self.lifetime,
            "place": self.place.settings(),
        }

    def sets(self) -> frozenset[str]:
        """Return the headers that prove us, in lower case."""
        kind, name, _ = self.place.settings()
        return {"header": frozenset({name.lower()}), "basic": frozenset({AUTHORIZATION}), "query": frozenset()}[kind]

    def _content(self) -> tuple[Secret | None, str | None]:
        if self.body is not None:
            return Secret(orjson.dumps(self.body)), "application/json"
        if self.form:
            fields = {name: value.text() for name, value in self.form.items()}
            return Secret(urlencode(fields)), "application/x-www-form-urlencoded"
        return None, None
