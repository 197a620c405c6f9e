"""Deliveries into a stream of Redis: one entry an event."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import AuthenticationError, BusyLoadingError, OutOfMemoryError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as ConnectionFailed

from relay.clock import Clock
from relay.contents import Message, message_of
from relay.domain import Delivery, Outcome, RedisTarget
from relay.targets.attempts import AttemptingSender, Result
from relay.targets.dialling import Guard, dial
from relay.targets.tls import context_of


class RedisSender(AttemptingSender[RedisTarget]):
    """Adds entries to one target's streams, over connections that are kept."""

    def __init__(self, target: RedisTarget, clock: Clock) -> None:
        super().__init__(target, clock)
        self._guard = Guard(target)
        self._redis = Redis(connection_pool=self._pool())

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.connection_pool.disconnect()
        await self._redis.aclose()
        await self._guard.close()

    def _pool(self) -> BlockingConnectionPool:
        target, place = self._target, urlsplit(self._target.url)
        return BlockingConnectionPool(
            connection_class=_Guarded,
            max_connections=target.concurrency,
            timeout=None,  # there is one deadline for all of an attempt, and one sender for each connection
            guard=self._guard,
            host=place.hostname,
            port=place.port,
            tls=context_of(target.tls) if place.scheme == "rediss" else None,
            db=int(place.path.strip("/") or 0),
            username=target.user.text() if target.user else None,
            password=target.password.text() if target.password else None,
        )

    async def _carry(self, delivery: Delivery) -> Result:
        event = delivery.event
        message = await asyncio.to_thread(message_of, event, self._target.content, self._target.stream)
        fields: dict[Any, Any] = {**_described(message), "body": message.content}
        try:
            entry = await self._redis.xadd(message.place, fields, maxlen=self._target.entries_max)
        except RedisError as error:
            return _judged(error)
        return Result(Outcome.ACCEPTED, excerpt=bytes(entry))


class _Guarded(AbstractConnection):
    """A connection to an address that may be called."""

    def __init__(self, *, guard: Guard, host: str, port: int, tls: Any, **settings: Any) -> None:
        self._guard, self._host, self._port, self._tls = guard, host, port, tls
        super().__init__(**settings)

    async def _connect(self) -> None:
        connected = await dial(self._guard, self._host, self._port)
        name = self._host if self._tls else None
        self._reader, self._writer = await asyncio.open_connection(sock=connected, ssl=self._tls, server_hostname=name)

    def _host_error(self) -> str:
        return ""

    def repr_pieces(self) -> list[tuple[str, Any]]:
        """Say where it leads, and nothing else."""
        return [("host", self._host), ("port", self._port)]


def _described(message: Message) -> dict[str, str]:
    event = message.event
    return {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "received_at": event.received_at.isoformat(),
        "content_type": message.content_type,
    }


def _judged(error: RedisError) -> Result:
    """Say what an error of the driver's means. Its own words may repeat what was sent: they are left out."""
    match error:
        case ConnectionFailed(__context__=OSError() as cause):
            raise cause
        case BusyLoadingError() | OutOfMemoryError():
            return Result(Outcome.BUSY, detail=f"it cannot take anything now ({_word_of(error)})")
        case AuthenticationError() | ReadOnlyError():
            return Result(Outcome.UNREACHABLE, detail=f"it lets nobody write like this ({_word_of(error)})")
        case ConnectionFailed():
            return Result(Outcome.UNREACHABLE, detail="the connection broke")
        case _:
            return Result(Outcome.ERRORED, detail=f"it refused the entry ({_word_of(error)})")


def _word_of(error: RedisError) -> str:
    """Return the first word of an answer, such as WRONGTYPE or NOPERM, if that is one of Redis's own."""
    word = str(error).partition(" ")[0]
    return word if word.isalpha() and word.isupper() else type(error).__name__


SENDER = RedisSender  # what the registry finds for `kind: redis`
