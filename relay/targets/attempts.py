"""What every sender but HTTP's has in common: an attempt has one deadline, and ends as an outcome in words."""

import asyncio
import os
import socket
import ssl
from abc import ABC, abstractmethod
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from relay.clock import Clock
from relay.domain import Attempt, Delivery, Outcome, Target
from relay.errors import AddressBlocked, ContentMissing, ExpressionFailed

T = TypeVar("T", bound=Target)


class Result(NamedTuple):
    """What an attempt came to: the fields of `Attempt` after its times."""

    outcome: Outcome
    status: int | None = None
    detail: str = ""
    excerpt: bytes = b""
    retry_after_s: float | None = None


class AttemptingSender(ABC, Generic[T]):
    """Carries deliveries to one target: times each attempt, bounds it, and says what an error means."""

    def __init__(self, target: T, clock: Clock) -> None:
        self._target = target
        self._clock = clock

    async def send(self, delivery: Delivery) -> Attempt:
        """Make one attempt and tell what came of it. Raises nothing that a target, a network or an event can cause."""
        started_at, began_s = self._clock.now(), self._clock.monotonic()
        result = await self._tried(delivery)
        return Attempt(delivery.attempt, started_at, self._clock.monotonic() - began_s, *result)

    async def close(self) -> None:
        """Give back what it holds: nothing, unless its kind does."""

    async def _tried(self, delivery: Delivery) -> Result:
        try:
            async with asyncio.timeout(self._target.timeout_s):
                return await self._carry(delivery)
        except (ContentMissing, ExpressionFailed) as error:
            return Result(Outcome.BLOCKED, detail=f"nothing was sent: {error}")
        except AddressBlocked as blocked:
            return Result(Outcome.BLOCKED, detail=str(blocked))
        except TimeoutError:
            return Result(Outcome.TIMED_OUT, detail=f"not done within {self._target.timeout_s:g} s")
        except OSError as error:
            return self._explain(error)

    @abstractmethod
    async def _carry(self, delivery: Delivery) -> Result:
        """Carry a delivery, and judge the answer.

        Errors: ContentMissing, ExpressionFailed, OSError; whatever else a driver raises is the kind's to translate.
        """

    def _explain(self, error: OSError) -> Result:
        """Say what an error of the system's means: of a network, that the target was not reached."""
        return Result(Outcome.UNREACHABLE, detail=f"{urlsplit(self._target.address).netloc}: {words_of(error)}")


def words_of(error: OSError) -> str:
    """Return an error's own reason, without the numbers, places and names that libraries wrap it in."""
    match error:
        case ssl.SSLCertVerificationError(verify_message=str(words)):
            return f"its TLS certificate is not accepted: {words}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or 'broken off'}"
        case socket.gaierror():
            return "its name leads to no address"
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
        case _:
            return "the connection broke"
