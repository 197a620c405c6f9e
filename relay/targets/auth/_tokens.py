"""A token that is fetched, used until shortly before its end, and fetched anew: once for all who wait."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.clock import Clock
from relay.domain import Outcome
from relay.targets.auth import Proof, Unproven

AHEAD_SHARE = 0.1  # of its life a token is renewed before its end,
AHEAD_MAX = timedelta(minutes=1)  # but no more than this
RETRY_AHEAD = timedelta(seconds=10)  # while the old one still holds, a renewal that failed is not tried at once


@dataclass(frozen=True, slots=True)
class Token:
    """A proof, and until when it holds. None: until it is refused."""

    proof: Proof
    expires_at: datetime | None = None


class Tokens:
    """The one token of a target. fetch: gets a new one, within a deadline of its own."""

    def __init__(self, fetch: Callable[[], Awaitable[Token | Unproven]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._token: Token | None = None
        self._renew_at: datetime | None = None
        self._fetching: asyncio.Task[Token | Unproven] | None = None

    async def current(self, deadline: float) -> Proof | Unproven:
        """Return a proof that holds; wait for it until `deadline`, by the loop's clock."""
        if self._token is not None and not self._is_due():
            return self._token.proof
        fetched = await self._fetched(deadline)
        if isinstance(fetched, Token):
            return fetched.proof
        held = self._token
        if held is not None and (held.expires_at is None or self._clock.machine_now() < held.expires_at):
            self._renew_at = self._clock.machine_now() + RETRY_AHEAD
            return held.proof
        return fetched

    def forget(self, refused: Proof) -> bool:
        """Drop a token that was refused, unless it is replaced already. Tells that another may do."""
        if self._token is not None and self._token.proof == refused:
            self._token = None
        return True

    async def close(self) -> None:
        """Stop fetching."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _is_due(self) -> bool:
        return self._renew_at is not None and self._clock.machine_now() >= self._renew_at

    async def _fetched(self, deadline: float) -> Token | Unproven:
        """Wait for the one fetch that is under way, or begin one. Whoever gives up leaves it to the others."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch_once(), name="log in")
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(self._fetching)
        except TimeoutError:
            return Unproven(Outcome.TIMED_OUT, "logging in took too long")

    async def _fetch_once(self) -> Token | Unproven:
        try:
            fetched = await self._fetch()
        finally:
            self._fetching = None
        if isinstance(fetched, Token):
            self._token = fetched
            self._renew_at = self._renewal_of(fetched)
        return fetched

    def _renewal_of(self, token: Token) -> datetime | None:
        if token.expires_at is None:
            return None
        life = max(timedelta(), token.expires_at - self._clock.machine_now())
        return token.expires_at - min(life * AHEAD_SHARE, AHEAD_MAX)


def expiry(value: object, lifetime: timedelta | None, now: datetime) -> datetime | None:
    """Read until when a token holds: seconds from now, a time since 1970 in seconds or milliseconds, or ISO 8601.

    lifetime: where the value says nothing readable.
    """
    otherwise = None if lifetime is None else now + lifetime
    try:
        if isinstance(value, str) and not value.strip().isdigit():
            found = datetime.fromisoformat(value.strip())
            return found if found.tzinfo else found.replace(tzinfo=now.tzinfo)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return otherwise
        return _from_number(float(value), now)
    except (ValueError, OverflowError, OSError):
        return otherwise


def _from_number(number: float, now: datetime) -> datetime:
    if number < 1_000_000_000:  # as a time it would be before 2001
        return now + timedelta(seconds=number)
    return datetime.fromtimestamp(number / 1000 if number >= 100_000_000_000 else number, now.tzinfo)
