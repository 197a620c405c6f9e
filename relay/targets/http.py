"""Deliveries by HTTP: one POST an attempt, and its answer read as an outcome."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime
from typing import NamedTuple

from relay.clock import Clock
from relay.domain import Attempt, Delivery, HttpTarget, Outcome
from relay.retry import retry_after_s
from relay.targets.addresses import endpoint
from relay.targets.dialling import Guard
from relay.targets.exchange import ENDINGS, FAULTS, Answer, answers_of, exchange
from relay.targets.failures import explain
from relay.targets.headers import RequestHead
from relay.targets.pool import Pool
from relay.targets.signing import signature_header

SIGNED_BYTES_AT_ONCE = 256 * 1024  # a longer body is hashed in a thread: it takes a millisecond for each MiB

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _Result(NamedTuple):
    """What an attempt came to: the fields of `Attempt` after its times."""

    outcome: Outcome
    status: int | None = None
    detail: str = ""
    excerpt: bytes = b""
    retry_after_s: float | None = None


class HttpSender:
    """Carries deliveries to one HTTP target. Its connections are opened by the first, in the loop that runs then."""

    def __init__(self, target: HttpTarget, clock: Clock) -> None:
        url = endpoint(target.url)
        self._target = target
        self._clock = clock
        self._url = url.with_user(None)
        self._place = f"{url.host_subcomponent}:{url.port}"
        self._head = RequestHead(target, url)
        self._guard = Guard(target)
        self._kept: Pool | None = None

    async def send(self, delivery: Delivery) -> Attempt:
        """Make one attempt and tell what came of it. Raises nothing that a target, a network or an event can cause."""
        started_at, began_s = self._clock.now(), self._clock.monotonic()
        result = await self._carry(delivery, started_at, began_s)
        return Attempt(delivery.attempt, started_at, self._clock.monotonic() - began_s, *result)

    async def close(self) -> None:
        """Give back connections."""
        if self._kept is not None:
            await self._kept.aclose()
            self._kept = None
        await self._guard.close()

    async def _carry(self, delivery: Delivery, now: datetime, began_s: float) -> _Result:
        """Post the delivery, signed where the target wants it, and judge the answer."""
        timestamp = int(now.timestamp())
        signature = await self._signature(delivery, timestamp)
        head = self._head.of(delivery, timestamp, signature)
        if isinstance(head, str):
            return _Result(Outcome.ERRORED, detail=f"nothing was sent: {head}")
        try:
            return self._judge(await self._post(head, delivery.event.body, began_s))
        except FAULTS as error:
            outcome, words = explain(error, self._target.timeout_s)
            return _Result(outcome, detail=f"{self._place}: {words}")

    async def _signature(self, delivery: Delivery, timestamp: int) -> str | None:
        """Sign, where the target wants it."""
        if not (secrets := self._target.sign_secrets):
            return None
        event = delivery.event
        if len(event.body) <= SIGNED_BYTES_AT_ONCE:
            return signature_header(secrets, event.id, timestamp, event.body)
        return await asyncio.to_thread(signature_header, secrets, event.id, timestamp, event.body)

    async def _post(self, head: bytes, body: bytes, began_s: float) -> Answer:
        """Post once; once more where a connection kept from before was dead before it was answered. Errors: `FAULTS`.

        Then nothing was processed, most likely: servers close idle connections, and that crosses with a request.
        """
        deadline = asyncio.get_running_loop().time() + self._target.timeout_s
        pool = self._pool()
        connection = await pool.take(deadline)
        answers = answers_of(connection)
        try:
            return await exchange(answers, head, body, deadline)
        except ENDINGS:
            if not answers.is_stale:
                raise
        finally:
            pool.give_back(connection)
        return await self._post_afresh(head, body, self._target.timeout_s - (self._clock.monotonic() - began_s))

    async def _post_afresh(self, head: bytes, body: bytes, left_s: float) -> Answer:
        """Post over a connection that is certainly new: the next one kept may be as dead as the last."""
        if left_s <= 0:
            raise TimeoutError
        deadline = asyncio.get_running_loop().time() + left_s
        async with aclosing(self._new_pool()) as pool:
            connection = await pool.take(deadline)
            try:
                return await exchange(answers_of(connection), head, body, deadline)
            finally:
                pool.give_back(connection)

    def _pool(self) -> Pool:
        if self._kept is None:
            self._kept = self._new_pool()
        return self._kept

    def _new_pool(self) -> Pool:
        return Pool(self._url, self._guard, self._target.concurrency)

    def _judge(self, answer: Answer) -> _Result:
        """Turn an answer into a result. Its head alone decides; `shortfall` says what went wrong with its body."""
        status, headers, excerpt, shortfall = answer
        if 200 <= status < 300:
            return _Result(Outcome.ACCEPTED, status, shortfall, excerpt)
        words = f"answered {status}: redirects are not followed" if status in _REDIRECTS else f"answered {status}"
        detail = f"{words}; {shortfall}" if shortfall else words
        if status in self._target.retry.final:
            return _Result(Outcome.REJECTED, status, detail, excerpt)
        if status in (429, 503):
            return _Result(Outcome.BUSY, status, detail, excerpt, self._wait_s(headers))
        return _Result(Outcome.ERRORED, status, detail, excerpt)

    def _wait_s(self, headers: Mapping[str, str]) -> float | None:
        """Return the seconds that a busy target asks for: in the standard's header, or in one of its own."""
        for name in ("Retry-After", self._target.retry.wait_header):
            if name is not None and (wait_s := retry_after_s(headers.get(name, ""), self._clock.now())) is not None:
                return wait_s
        return None


SENDER = HttpSender  # what the registry finds for `kind: http`
