"""Deliveries by HTTP: one POST an attempt, and its answer read as an outcome."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from http import HTTPStatus
from typing import NamedTuple

from relay.clock import Clock
from relay.domain import Attempt, Delivery, HttpTarget, Outcome
from relay.retry import retry_after_s
from relay.targets.addresses import endpoint
from relay.targets.auth import NO_PROOF, Outgoing, Proof, Prover, Unproven, prover
from relay.targets.concealing import concealed
from relay.targets.dialling import Guard
from relay.targets.errands import GuardedCaller
from relay.targets.exchange import ENDINGS, FAULTS, Answer, answers_of, exchange
from relay.targets.failures import explain
from relay.targets.headers import HOPS_MAX, RequestHead, hops_of
from relay.targets.pool import Pool
from relay.targets.signing import signature_header
from relay.targets.tls import context_of

SIGNED_BYTES_AT_ONCE = 256 * 1024  # a longer body is hashed in a thread: it takes a millisecond for each MiB

_CIRCLE = f"nothing was sent: the event has been through {HOPS_MAX} relays, so their routes make a circle"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _Result(NamedTuple):
    """What an attempt came to: the fields of `Attempt` after its times."""

    outcome: Outcome
    status: int | None = None
    detail: str = ""
    excerpt: bytes = b""
    retry_after_s: float | None = None


class _Job(NamedTuple):
    """One attempt, and until when it may last: by the loop's clock, and by ours."""

    delivery: Delivery
    timestamp: int  # seconds since 1970
    signature: str | None
    deadline: float
    ends_s: float


class HttpSender:
    """Carries deliveries to one HTTP target. Its connections are opened by the first, in the loop that runs then."""

    def __init__(self, target: HttpTarget, clock: Clock) -> None:
        url = endpoint(target.url)
        self._target = target
        self._clock = clock
        self._url = url.with_user(None)
        self._place = f"{url.host_subcomponent}:{url.port}"
        self._guard = Guard(target)
        self._tls = None if target.tls is None else context_of(target.tls)
        self._prover: Prover | None = None
        proof = self._proof_of_all()
        self._secrets = proof.secrets
        self._head = RequestHead(target, url, proof, self._prover.shown if self._prover else NO_PROOF)
        self._kept: Pool | None = None

    async def send(self, delivery: Delivery) -> Attempt:
        """Make one attempt and tell what came of it. Raises nothing that a target, a network or an event can cause."""
        started_at, began_s = self._clock.now(), self._clock.monotonic()
        deadline = asyncio.get_running_loop().time() + self._target.timeout_s
        timestamp = int(self._clock.machine_now().timestamp())
        signature = await self._signature(delivery, timestamp)
        job = _Job(delivery, timestamp, signature, deadline, began_s + self._target.timeout_s)
        result = await self._carry(job)
        return Attempt(delivery.attempt, started_at, self._clock.monotonic() - began_s, *result)

    async def close(self) -> None:
        """Give back connections."""
        if self._prover is not None:
            await self._prover.close()
        if self._kept is not None:
            await self._kept.aclose()
            self._kept = None
        await self._guard.close()

    def _proof_of_all(self) -> Proof:
        """Return what proves every request alike; where each needs a proof of its own, remember what makes it."""
        if self._target.auth is None:
            return NO_PROOF
        made = prover(self._target.auth, GuardedCaller(self._target, self._guard, self._tls, self._clock))
        if isinstance(made, Proof):
            return made
        self._prover = made
        return NO_PROOF

    async def _carry(self, job: _Job) -> _Result:
        """Send the delivery, proven as the target wants it, and judge the answer."""
        try:
            if self._prover is None:
                return await self._send(job, NO_PROOF)
            return await self._send_proven(job, self._prover)
        except FAULTS as error:
            outcome, words = explain(error, self._target.timeout_s)
            return _Result(outcome, detail=f"{self._place}: {words}")

    async def _send_proven(self, job: _Job, prover: Prover) -> _Result:
        """Send with a proof; once more with another where the target does not know the first one any longer."""
        outgoing = self._outgoing(job.delivery)
        proof = await prover.prove(outgoing, job.deadline)
        if isinstance(proof, Unproven):
            return _unproven(proof)
        result = await self._send(job, proof)
        if result.status != HTTPStatus.UNAUTHORIZED or not prover.renew(proof):
            return result
        another = await prover.prove(outgoing, job.deadline)
        return _unproven(another) if isinstance(another, Unproven) else await self._send(job, another)

    async def _send(self, job: _Job, proof: Proof) -> _Result:
        """Make one request of a delivery, and judge its answer. Errors: `FAULTS`."""
        if hops_of(job.delivery.event) >= HOPS_MAX:
            return _Result(Outcome.BLOCKED, detail=_CIRCLE)
        head = self._head.of(job.delivery, job.timestamp, job.signature, proof)
        if isinstance(head, str):
            return _Result(Outcome.ERRORED, detail=f"nothing was sent: {head}")
        answer = await self._post(head, job)
        return self._judge(answer, (*self._secrets, *proof.secrets))

    def _outgoing(self, delivery: Delivery) -> Outgoing:
        path, query = self._head.place_of(delivery.call)
        method = delivery.call.method if delivery.call else "POST"
        return Outgoing(delivery.event.id, method, str(self._url.origin()), path, query, delivery.event.body)

    async def _signature(self, delivery: Delivery, timestamp: int) -> str | None:
        """Sign, where the target wants it."""
        if not (secrets := self._target.sign_secrets):
            return None
        event = delivery.event
        if len(event.body) <= SIGNED_BYTES_AT_ONCE:
            return signature_header(secrets, event.id, timestamp, event.body)
        return await asyncio.to_thread(signature_header, secrets, event.id, timestamp, event.body)

    async def _post(self, head: bytes, job: _Job) -> Answer:
        """Post once; once more where a connection kept from before was dead before it was answered. Errors: `FAULTS`.

        Then nothing was processed, most likely: servers close idle connections, and that crosses with a request.
        """
        pool = self._pool()
        connection = await pool.take(job.deadline)
        answers = answers_of(connection)
        try:
            return await exchange(answers, head, job.delivery.event.body, job.deadline)
        except ENDINGS:
            if not answers.is_stale:
                raise
        finally:
            pool.give_back(connection)
        return await self._post_afresh(head, job)

    async def _post_afresh(self, head: bytes, job: _Job) -> Answer:
        """Post over a connection that is certainly new: the next one kept may be as dead as the last."""
        if self._clock.monotonic() >= job.ends_s:
            raise TimeoutError
        async with aclosing(self._new_pool()) as pool:
            connection = await pool.take(job.deadline)
            try:
                return await exchange(answers_of(connection), head, job.delivery.event.body, job.deadline)
            finally:
                pool.give_back(connection)

    def _pool(self) -> Pool:
        if self._kept is None:
            self._kept = self._new_pool()
        return self._kept

    def _new_pool(self) -> Pool:
        return Pool(self._url, self._guard, self._target.concurrency, self._tls)

    def _judge(self, answer: Answer, secrets: Sequence[str]) -> _Result:
        """Turn an answer into a result. Its head alone decides; `shortfall` says what went wrong with its body."""
        status, headers, excerpt, shortfall = answer
        if secrets:
            excerpt = concealed(excerpt, secrets)
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
        now = self._clock.machine_now()
        for name in ("Retry-After", self._target.retry.wait_header):
            if name is not None and (wait_s := retry_after_s(headers.get(name, ""), now)) is not None:
                return wait_s
        return None


def _unproven(reason: Unproven) -> _Result:
    return _Result(reason.outcome, reason.status, reason.detail, retry_after_s=reason.retry_after_s)


SENDER = HttpSender  # what the registry finds for `kind: http`
