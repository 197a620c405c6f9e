"""Sessions of browsers at the admin port: opened with a token, sealed with it, and good until their end."""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest

from relay.clock import Clock
from relay.domain import Rate, Secret
from relay.pacing import TokenBucket

SESSION_S = 12 * 3600
LOGINS = Rate(10, 60.0)


class Sessions:
    """Knows the tokens, and what was made with one. It keeps nothing."""

    def __init__(self, tokens: Sequence[Secret], clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._logins = TokenBucket(LOGINS)

    def has_token(self, given: str) -> bool:
        """Tell whether this is one of the tokens."""
        return any([_is(known, given) for known in self._tokens])  # noqa: C419 - all of them, in any case

    def may_try(self) -> bool:
        """Tell whether one more may try to log in now."""
        return self._logins.take(self._clock.monotonic()) == 0

    def begun(self, given: str) -> str | None:
        """Return a new session for one of the tokens, or None."""
        token = next((known for known in self._tokens if _is(known, given)), None)
        expires = int(self._clock.now().timestamp()) + SESSION_S
        return None if token is None else f"{expires}.{_seal(token, expires)}"

    def holds(self, session: str) -> bool:
        """Tell whether a session is one of ours, and has not ended."""
        return self._token_of(session) is not None

    def form_token(self, session: str) -> str | None:
        """Return what forms of a session must send along, or None where it is not ours, or has ended."""
        token = self._token_of(session)
        return None if token is None else hmac.new(token.reveal(), f"relay form {session}".encode(), sha256).hexdigest()

    def is_own_form(self, session: str, given: str) -> bool:
        """Tell whether a form sent along what its session's forms must."""
        expected = self.form_token(session)
        return expected is not None and compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())

    def _token_of(self, session: str) -> Secret | None:
        """Return the token that a session was begun with."""
        expires, _, seal = session.partition(".")
        if not (expires.isascii() and expires.isdecimal() and len(expires) < 12):
            return None
        given = seal.encode("utf-8", "surrogateescape")
        matches = [token for token in self._tokens if compare_digest(given, _seal(token, int(expires)).encode())]
        return matches[0] if matches and self._clock.now().timestamp() < int(expires) else None


def _is(known: Secret, given: str) -> bool:
    return compare_digest(given.encode("utf-8", "surrogatepass"), known.reveal())


def _seal(token: Secret, expires: int) -> str:
    return hmac.new(token.reveal(), f"relay session until {expires}".encode(), sha256).hexdigest()
