"""Deliveries to an exchange of RabbitMQ: one persistent message an event, confirmed by the server."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from aiormq import Connection
from aiormq import exceptions as errors
from aiormq.abc import AbstractChannel
from aiormq.connection import TransportFactory
from pamqp.commands import Basic
from yarl import URL

from relay.clock import Clock
from relay.contents import Message, message_of
from relay.domain import AmqpTarget, Delivery, Outcome
from relay.errors import ContentMissing
from relay.targets.attempts import AttemptingSender, Result
from relay.targets.dialling import Guard, dial
from relay.targets.tls import context_of

CLOSING_S = 0.5
HEARTBEAT_S = 10  # a server that says nothing for three times as long is gone
SHORT_BYTES_MAX = 255  # of what AMQP calls a short string
PERSISTENT = 2

logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # what fails is told by the attempt that it fails


class AmqpSender(AttemptingSender[AmqpTarget]):
    """Publishes one target's messages over one connection that is kept, each on a channel of its own.

    A server answers what it cannot do by closing the channel: on one for all, others' messages would fail with it.
    """

    def __init__(self, target: AmqpTarget, clock: Clock) -> None:
        super().__init__(target, clock)
        self._guard = Guard(target)
        self._transports = _Guarded(self._guard, target)
        self._connecting = asyncio.Lock()
        self._connection: Connection | None = None
        self._idle: list[AbstractChannel] = []

    async def close(self) -> None:
        """Close the connection, and with it every channel."""
        if self._connection is not None:
            await _close(self._connection)
        await self._guard.close()

    async def _carry(self, delivery: Delivery) -> Result:
        target = self._target
        message = await asyncio.to_thread(message_of, delivery.event, target.content, target.routing_key)
        key = routing_key_of(message.place)
        try:
            async with self._channel() as channel:
                await channel.basic_publish(
                    message.content,
                    exchange=target.exchange,
                    routing_key=key,
                    properties=_properties(message),
                    mandatory=True,
                )
        except asyncio.CancelledError as error:
            if _is_ours():
                raise
            return _judged(error)
        except Exception as error:  # noqa: BLE001 - the driver hands on whatever ended its reader, bare ones too
            return _judged(error)
        return Result(Outcome.ACCEPTED)

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        """Lend a channel to one message.

        While an alarm blocks the connection, wait: what is sent would only pile up.
        """
        connection = await self._connected()
        await connection.ready()
        channel = self._taken() or await connection.channel(on_return_raises=True)
        try:
            yield channel
        finally:
            if not channel.is_closed:
                self._idle.append(channel)

    def _taken(self) -> AbstractChannel | None:
        while self._idle:
            if not (channel := self._idle.pop()).is_closed:
                return channel
        return None

    async def _connected(self) -> Connection:
        """Return the connection, or make one: the first to need it does, for all who wait."""
        async with self._connecting:
            if self._connection is None or not self._connection.is_opened:
                if self._connection is not None:
                    await _close(self._connection)
                connection = Connection(_url_of(self._target), transport_factory=self._transports)
                await connection.connect()
                self._connection = connection
            return self._connection


class _Guarded(TransportFactory):
    """Connects to an address that may be called."""

    def __init__(self, guard: Guard, target: AmqpTarget) -> None:
        place = urlsplit(target.url)
        self._guard, self._host, self._port = guard, place.hostname or "", place.port or 0
        self._tls = context_of(target.tls) if place.scheme == "amqps" else None

    async def create(self, url: URL, **_: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, with TLS by the server's own name. Errors: OSError, AddressBlocked among them."""
        connected = await dial(self._guard, self._host, self._port)
        if self._tls is None:
            return await asyncio.open_connection(sock=connected)
        return await asyncio.open_connection(
            sock=connected, ssl=self._tls, server_hostname=self._host, ssl_shutdown_timeout=CLOSING_S
        )


async def _close(connection: Connection) -> None:
    """Close a connection, if its server answers soon."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_S):
            await connection.close()


def _is_ours() -> bool:
    """Tell whether this task is being cancelled: the driver, too, cancels who waits for a connection that is gone."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _url_of(target: AmqpTarget) -> URL:
    place = urlsplit(target.url)
    return URL.build(
        scheme=place.scheme,
        host=place.hostname or "",
        port=place.port,
        user=target.user.text() if target.user else None,
        password=target.password.text() if target.password else None,
        path=f"/{unquote(place.path[1:]) or '/'}",
        query={"heartbeat": str(HEARTBEAT_S)},
    )


def routing_key_of(text: str) -> str:
    """Return a routing key that can be sent. Errors: ContentMissing where it is too long for one."""
    key = _writable(text)
    if len(key.encode()) > SHORT_BYTES_MAX:
        raise ContentMissing(f"its routing key is longer than {SHORT_BYTES_MAX} bytes")
    return key


def _properties(message: Message) -> Basic.Properties:
    event, content_type = message.event, message.content_type
    return Basic.Properties(
        message_id=event.id,
        timestamp=event.received_at,
        delivery_mode=PERSISTENT,
        content_type=content_type if content_type.isascii() and 0 < len(content_type) <= SHORT_BYTES_MAX else None,
        headers={"Relay-Source": event.source, "Relay-Type": _writable(event.type)},
    )


def _writable(text: str) -> str:
    """Replace what came as no UTF-8 and cannot be written as such."""
    return text.encode(errors="replace").decode()


def _judged(error: BaseException) -> Result:
    """Say what an error of the driver's means. Its own words may repeat what was sent: they are left out."""
    match error:
        case errors.AMQPChannelError() | errors.DeliveryError():
            return _refused(error)
        case errors.ProbableAuthenticationError() | errors.AuthenticationError():
            return Result(Outcome.UNREACHABLE, detail="it lets nobody in like this")
        case errors.ProtocolSyntaxError() | errors.IncompatibleProtocolError():
            return Result(Outcome.UNREACHABLE, detail="it opens no such virtual host to us, or speaks no AMQP 0-9-1")
        case OSError() if not isinstance(error, errors.AMQPError):
            raise error
        case _:
            return Result(Outcome.UNREACHABLE, detail="the connection broke")


def _refused(error: errors.AMQPChannelError | errors.DeliveryError) -> Result:
    """Say what it means that a message was refused."""
    match error:
        case errors.PublishError():
            return Result(Outcome.ERRORED, detail="no queue is bound to the exchange by its routing key")
        case errors.DeliveryError():
            return Result(Outcome.BUSY, detail="it cannot take anything now (a queue is full, or fails)")
        case errors.ChannelNotFoundEntity():
            return Result(Outcome.UNREACHABLE, detail="there is no such exchange")
        case errors.ChannelAccessRefused():
            return Result(Outcome.UNREACHABLE, detail="it lets nobody publish like this to the exchange")
        case _:
            return Result(Outcome.ERRORED, detail=f"it refused the message ({type(error).__name__})")


SENDER = AmqpSender  # what the registry finds for `kind: amqp`
