"""Requests beside deliveries: what logging in takes, through the same guard, within the same time."""

import asyncio
import ssl
from contextlib import aclosing

from relay.clock import Clock
from relay.domain import HttpTarget, Outcome
from relay.retry import retry_after_s
from relay.targets.addresses import endpoint
from relay.targets.auth import Errand, Unproven
from relay.targets.dialling import Guard
from relay.targets.exchange import ANSWER_BYTES_MAX, FAULTS, Answer, answers_of, exchange
from relay.targets.failures import explain
from relay.targets.headers import errand_head
from relay.targets.pool import Pool


class GuardedCaller:
    """Runs one target's errands. They are rare: each has a connection of its own."""

    def __init__(self, target: HttpTarget, guard: Guard, tls: ssl.SSLContext | None, clock: Clock) -> None:
        self._target = target
        self._guard = guard
        self._tls = tls
        self.clock = clock

    async def call(self, errand: Errand) -> Answer | Unproven:
        """Make one request, within the target's time-out."""
        url = endpoint(errand.url)
        head = errand_head(errand, url)
        if head is None:
            return Unproven(Outcome.ERRORED, "logging in: a header holds a character that HTTP cannot carry")
        deadline = asyncio.get_running_loop().time() + self._target.timeout_s
        try:
            async with aclosing(Pool(url.with_user(None), self._guard, 1, self._tls)) as pool:
                connection = await pool.take(deadline)
                try:
                    return await exchange(answers_of(connection), head, errand.body, deadline, ANSWER_BYTES_MAX)
                finally:
                    pool.give_back(connection)
        except FAULTS as error:
            outcome, words = explain(error, self._target.timeout_s)
            return Unproven(outcome, f"logging in at {url.host_subcomponent}:{url.port}: {words}")

    def judge(self, answer: Answer) -> Unproven | None:
        """Say why an answer is none that can be used. One that refuses us counts as a target that is not there:
        each delivery would knock again, and accounts are locked for less.
        """
        if 200 <= answer.status < 300:
            return None
        words = f"logging in: answered {answer.status}"
        if answer.status in (429, 503):
            wait_s = retry_after_s(answer.headers.get("Retry-After", ""), self.clock.machine_now())
            return Unproven(Outcome.BUSY, words, answer.status, wait_s)
        return Unproven(Outcome.UNREACHABLE, words)
