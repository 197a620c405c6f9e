"""Deliveries by HTTP: one POST an attempt, and its answer read as an outcome."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

from aiohttp import (
    ClientConnectionResetError,
    ClientError,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
)
from multidict import CIMultiDict, istr

from relay.clock import Clock
from relay.domain import Attempt, Delivery, HttpTarget, Outcome
from relay.retry import retry_after_s
from relay.targets.addresses import endpoint
from relay.targets.dialling import Guard, watch_dials
from relay.targets.failures import explain
from relay.targets.headers import CONTENT_TYPE, SIGNATURE, TIMESTAMP, RequestHeaders
from relay.targets.signing import signature_header

ANSWER_BYTES_MAX = 64 * 1024  # a longer answer is left unread, and its connection dropped
EXCERPT_BYTES = 1024
BODY_BYTES_AT_ONCE = 64 * 1024  # a longer body goes out in pieces: 30 MB in one are copied, and hold the loop for 30 ms
SIGNED_BYTES_AT_ONCE = 256 * 1024  # a longer body is hashed in a thread: it takes a millisecond for each MiB

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FAULTS = (ClientError, OSError, RuntimeError, ValueError)  # all that aiohttp and the loops raise for a failed request
_NO_HEADERS: dict[istr, str] = {}


class _BareRequest(ClientRequest):
    """A request without `Accept` and `Accept-Encoding`: leaving them out one by one costs a tenth of it."""

    DEFAULT_HEADERS = _NO_HEADERS


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
        self._headers = RequestHeaders(target, url)
        self._guard = Guard(target)
        self._session: ClientSession | None = None

    async def send(self, delivery: Delivery) -> Attempt:
        """Make one attempt and tell what came of it. Raises nothing that a target, a network or an event can cause."""
        started_at, began_s = self._clock.now(), self._clock.monotonic()
        result = await self._carry(delivery, started_at, began_s)
        return Attempt(delivery.attempt, started_at, self._clock.monotonic() - began_s, *result)

    async def close(self) -> None:
        """Give back connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        await self._guard.close()

    async def _carry(self, delivery: Delivery, now: datetime, began_s: float) -> _Result:
        """Post the delivery; once more where a connection kept from before was dead before it was answered.

        Then nothing was processed, most likely: servers close idle connections, and that crosses with a request.
        """
        headers = self._headers.of(delivery, now)
        if isinstance(headers, str):
            return _Result(Outcome.ERRORED, detail=f"nothing was sent: {headers}")
        body = delivery.event.body
        await self._sign(delivery.event.id, body, headers)
        dials = watch_dials()
        try:
            return await self._post(self._kept_session(), body, headers)
        except _FAULTS as error:
            if dials or not _is_unanswered(error):
                return self._failure(error)
        return await self._post_afresh(body, headers, self._target.timeout_s - (self._clock.monotonic() - began_s))

    async def _sign(self, event_id: str, body: bytes, headers: CIMultiDict[str]) -> None:
        """Add the signature, where the target wants one."""
        if not (secrets := self._target.sign_secrets):
            return
        timestamp = int(headers[TIMESTAMP])
        if len(body) <= SIGNED_BYTES_AT_ONCE:
            headers[SIGNATURE] = signature_header(secrets, event_id, timestamp, body)
        else:
            headers[SIGNATURE] = await asyncio.to_thread(signature_header, secrets, event_id, timestamp, body)

    async def _post_afresh(self, body: bytes, headers: CIMultiDict[str], left_s: float) -> _Result:
        """Post over a connection that is certainly new: the next one kept may be as dead as the last."""
        if left_s <= 0:
            return self._failure(TimeoutError())
        async with self._open_session(left_s) as session:
            try:
                return await self._post(session, body, headers)
            except _FAULTS as error:
                return self._failure(error)

    async def _post(self, session: ClientSession, body: bytes, headers: CIMultiDict[str]) -> _Result:
        """Send one request and read its answer. Errors: `_FAULTS`, where no head of an answer came."""
        try:
            response = await session.post(
                self._url,
                data=body if len(body) <= BODY_BYTES_AT_ONCE else _in_pieces(body),
                headers=headers,
                skip_auto_headers=None if CONTENT_TYPE in headers else (CONTENT_TYPE,),
                allow_redirects=False,
            )
        except ClientResponseError as error:
            if not error.status:
                raise
            return self._judge(error.status, None, b"", "the rest of the answer is not HTTP")
        excerpt, shortfall = await _read(response)
        return self._judge(response.status, response.headers.get("Retry-After"), excerpt, shortfall)

    def _judge(self, status: int, retry_after: str | None, excerpt: bytes, shortfall: str) -> _Result:
        """Turn an answer into a result. Its head alone decides; `shortfall` says what went wrong with its body."""
        if 200 <= status < 300:
            return _Result(Outcome.ACCEPTED, status, shortfall, excerpt)
        words = f"answered {status}: redirects are not followed" if status in _REDIRECTS else f"answered {status}"
        detail = f"{words}; {shortfall}" if shortfall else words
        if status in self._target.retry.final:
            return _Result(Outcome.REJECTED, status, detail, excerpt)
        if status in (429, 503):
            wait_s = None if retry_after is None else retry_after_s(retry_after, self._clock.now())
            return _Result(Outcome.BUSY, status, detail, excerpt, wait_s)
        return _Result(Outcome.ERRORED, status, detail, excerpt)

    def _failure(self, error: Exception) -> _Result:
        """Turn a request that got no answer into a result."""
        outcome, words = explain(error, self._target.timeout_s)
        return _Result(outcome, detail=f"{self._place}: {words}")

    def _kept_session(self) -> ClientSession:
        if self._session is None:
            self._session = self._open_session(self._target.timeout_s)
        return self._session

    def _open_session(self, timeout_s: float) -> ClientSession:
        """Open a session with nothing in it that a delivery does not need: no cookies, proxies, .netrc or unpacking."""
        return ClientSession(
            connector=self._guard.connector(),
            cookie_jar=DummyCookieJar(),
            request_class=_BareRequest,
            timeout=ClientTimeout(total=timeout_s, ceil_threshold=float("inf")),  # not rounded up to whole seconds
            auto_decompress=False,
            read_bufsize=ANSWER_BYTES_MAX // 2,
            trust_env=False,
        )


def _is_unanswered(error: Exception) -> bool:
    """Tell whether a connection ended before a byte of an answer came."""
    match error:
        case ServerDisconnectedError(message=message):
            return isinstance(message, str)  # otherwise it holds the part of a head that came
        case ClientOSError() | ClientConnectionResetError():
            return True
        case _:
            return False


async def _in_pieces(body: bytes) -> AsyncIterator[memoryview]:
    view = memoryview(body)
    for start in range(0, len(view), BODY_BYTES_AT_ONCE):
        yield view[start : start + BODY_BYTES_AT_ONCE]


async def _read(response: ClientResponse) -> tuple[bytes, str]:
    """Read an answer's body, to its end or a bound; return its first KiB, and what went wrong, in words.

    A body read to its end has given its connection back. Any other takes its connection with it.
    """
    content = response.content
    if content.is_eof():  # a short body that came with its head, as most do: nothing to wait for
        return content.read_nowait()[:EXCERPT_BYTES], ""
    excerpt, read = b"", 0
    try:
        while read <= ANSWER_BYTES_MAX and not content.at_eof():
            piece = await content.readany()
            read += len(piece)
            excerpt += piece[: EXCERPT_BYTES - len(excerpt)]
    except TimeoutError:
        return excerpt, "the body of the answer did not end in time"
    except _FAULTS:
        return excerpt, "the body of the answer broke off"
    finally:
        response.close()
    return excerpt, ""


SENDER = HttpSender  # what the registry finds for `kind: http`
