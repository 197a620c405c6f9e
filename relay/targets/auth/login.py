"""Logging in: an endpoint is called, a token taken from its answer, and put where the target wants it."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from urllib.parse import quote, urlencode

import orjson

from relay.domain import Expression, Outcome, Secret
from relay.errors import ExpressionFailed
from relay.targets.auth import Caller, Errand, Outgoing, Proof, Unproven
from relay.targets.auth._tokens import Token, Tokens, expiry
from relay.targets.exchange import Answer

TOKEN = "{token}"  # noqa: S105 - a place, not a password
_DAY = re.compile(r"\{today(?:\+([0-9]{1,3})d)?\}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a token goes: into a header, a parameter of the URL, or user and password. value: with `{token}` in it."""

    kind: Literal["header", "query", "basic"]
    name: str
    value: Secret

    def filled(self, token: str) -> Proof:
        """Put a token there."""
        value = self.value.text().replace(TOKEN, token)
        match self.kind:
            case "header":
                return Proof(headers=((self.name, value),), secrets=(token,))
            case "query":
                return Proof(query=((self.name, value),), secrets=(token,))
            case "basic":
                encoded = b64encode(value.encode()).decode()
                return Proof(headers=(("Authorization", f"Basic {encoded}"),), secrets=(token, encoded))


class LoginProver:
    """Logs in when a token is needed, and again when it has ended or was refused.

    In texts of `query` and of the body, `{today}` and `{today+2d}` are days, in UTC, as YYYY-MM-DD.
    place: kind, name and value of a `Place`. token, expires: where they stand in the answer. body: encoded as
    `content_type` says.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        url: str,
        token: Expression,
        place: tuple[Literal["header", "query", "basic"], str, Secret],
        method: str = "POST",
        query: Mapping[str, Secret] | None = None,
        headers: Mapping[str, Secret] | None = None,
        body: Secret | None = None,
        content_type: str | None = None,
        expires: Expression | None = None,
        lifetime: timedelta | None = None,
    ) -> None:
        self._caller = caller
        self._url = url
        self._method = method
        self._query = query or {}
        self._headers = tuple((name, value.text()) for name, value in (headers or {}).items())
        self._body = body.reveal() if body else b""
        self._content_type = (("Content-Type", content_type),) if content_type else ()
        self._token = token
        self._place = Place(*place)
        self._expires = expires
        self._lifetime = lifetime
        self._tokens = Tokens(self._log_in, caller.clock)

    @property
    def shown(self) -> Proof:
        """Return where the token goes."""
        return self._place.filled("").masked()

    async def prove(self, request: Outgoing, deadline: float) -> Proof | Unproven:
        """Return the token that holds, in its place."""
        return await self._tokens.current(deadline)

    def renew(self, refused: Proof) -> bool:
        """Drop a token that was refused."""
        return self._tokens.forget(refused)

    async def close(self) -> None:
        """Stop logging in."""
        await self._tokens.close()

    async def _log_in(self) -> Token | Unproven:
        answer = await self._caller.call(self._errand())
        if isinstance(answer, Unproven):
            return answer
        return self._caller.judge(answer) or self._read(answer)

    def _errand(self) -> Errand:
        today = self._caller.clock.machine_now().date()
        query = urlencode({name: _dated(value.text(), today) for name, value in self._query.items()}, quote_via=quote)
        url = f"{self._url}{'&' if '?' in self._url else '?'}{query}" if query else self._url
        body = _dated(self._body.decode(), today).encode()
        return Errand(url, self._method, (*self._content_type, *self._headers), body)

    def _read(self, answer: Answer) -> Token | Unproven:
        try:
            told = orjson.loads(answer.excerpt)
            token = self._token(told)
            expires = None if self._expires is None else self._expires(told)
        except (orjson.JSONDecodeError, ExpressionFailed):
            token = expires = None
        if not isinstance(token, str) or not token or not token.isprintable():
            return Unproven(Outcome.UNREACHABLE, f"logging in: no token stands at {self._token.text} of the answer")
        return Token(self._place.filled(token), expiry(expires, self._lifetime, self._caller.clock.machine_now()))


def _dated(text: str, today: date) -> str:
    return _DAY.sub(lambda match: (today + timedelta(days=int(match[1] or 0))).isoformat(), text)


AUTH = LoginProver
