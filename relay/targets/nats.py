"""Deliveries to JetStream: one message an event, known by its id."""

import asyncio
import re
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from nats import errors
from nats.aio.client import Client
from nats.js.api import Header
from nats.js.errors import APIError, NoStreamResponseError

from relay.clock import Clock
from relay.contents import Message, message_of
from relay.domain import Delivery, NatsTarget, Outcome
from relay.targets.attempts import AttemptingSender, Result
from relay.targets.dialling import Guard
from relay.targets.tls import context_of

CLOSING_S = 0.5
FULL = 10077  # "maximum messages exceeded", where a stream refuses new ones; it is numbered as a fault of the request

_FORBIDDEN = re.compile(r"[^!-~]|[*>]")  # beside what separates: wildcards, and all but visible ASCII
_PERSISTENT = 3600  # seconds; the driver's own bounds are not used: there is one deadline for all of an attempt


class NatsSender(AttemptingSender[NatsTarget]):
    """Publishes one target's messages, over one connection that is kept."""

    def __init__(self, target: NatsTarget, clock: Clock) -> None:
        super().__init__(target, clock)
        place = urlsplit(target.url)
        self._host, self._port = place.hostname or "", place.port or 0
        self._tls = context_of(target.tls) if place.scheme == "tls" else None
        self._guard = Guard(target)
        self._connecting = asyncio.Lock()
        self._client: Client | None = None

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await _close(self._client)
        await self._guard.close()

    async def _carry(self, delivery: Delivery) -> Result:
        message = await asyncio.to_thread(message_of, delivery.event, self._target.content, self._target.subject)
        try:
            client = await self._connected()
            stored = await client.jetstream().publish(
                subject_of(message.place), message.content, timeout=_PERSISTENT, headers=_headers(message)
            )
        except errors.Error as error:
            return _judged(error)
        told = f"{stored.stream} {stored.seq}{' (a repeat)' if stored.duplicate else ''}"
        return Result(Outcome.ACCEPTED, excerpt=told.encode())

    async def _connected(self) -> Client:
        """Return the connection, or make one: the first to need it does, for all who wait."""
        async with self._connecting:
            if self._client is None or not self._client.is_connected:
                if self._client is not None:
                    await _close(self._client)
                self._client = await self._connect()
            return self._client

    async def _connect(self) -> Client:
        """Connect to the first address that may be called and answers. Errors: OSError, nats' errors."""
        failure: Exception = errors.NoServersError()
        for found in await self._guard.resolve(self._host, self._port):
            client = _Client()
            try:
                await client.connect(**self._settings(found["host"]), error_cb=client.hear)
            except (OSError, errors.Error) as error:
                failure = client.nobody_there or client.last_error or error
            except BaseException:
                await _close(client)
                raise
            else:
                return client
            await _close(client)
        raise failure

    def _settings(self, address: str) -> dict[str, Any]:
        target = self._target
        user, password = (secret.text() if secret else None for secret in (target.user, target.password))
        host = f"[{address}]" if ":" in address else address
        return {
            "servers": f"nats://{host}:{self._port}",
            "tls": self._tls,
            "tls_hostname": self._host,
            "allow_reconnect": False,  # it would call addresses that a server tells it of, and no guard has passed
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0,
            "connect_timeout": _PERSISTENT,
            **({"token": user} if password is None and user else {"user": user, "password": password}),
        }


class _Client(Client):
    """A connection that tells nothing in clear to a server which should speak TLS, and says that it does not."""

    nobody_there: OSError | None = None  # why nobody answers: the driver itself keeps but that there was nobody

    async def hear(self, error: Exception) -> None:
        """Remember why there is no connection, and log nothing: what fails is told by the attempt that it fails."""
        if isinstance(error, OSError) and not isinstance(error, errors.Error):
            self.nobody_there = error

    def _connect_command(self) -> bytes:
        if self.options.get("tls") is not None and not self._server_info.get("tls_required"):
            raise errors.SecureConnRequiredError
        command: bytes = super()._connect_command()
        return command


async def _close(client: Client) -> None:
    """Close a connection. After a failed TLS handshake the driver would wait for ever for what is closed already."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_S):
            await client.close()


def subject_of(text: str) -> str:
    """Return a subject that can be published to: no wildcard and no space in it, and no part empty."""
    return ".".join(_FORBIDDEN.sub("_", part) or "_" for part in text.split("."))


def _headers(message: Message) -> dict[str, str]:
    event = message.event
    return {
        Header.MSG_ID.value: event.id,
        "Relay-Source": event.source,
        "Relay-Type": event.type,
        **({"Content-Type": message.content_type} if message.content_type else {}),
    }


def _judged(error: errors.Error) -> Result:
    """Say what an error of the driver's means. Its own words may repeat what was sent: they are left out."""
    match error:
        case TimeoutError():
            raise error
        case NoStreamResponseError():
            return Result(Outcome.UNREACHABLE, detail="no stream takes this subject, or JetStream is off")
        case APIError(code=int(code), err_code=number) if code >= 500 or number == FULL:
            return Result(Outcome.BUSY, detail=f"it cannot take anything now (JetStream's error {number})")
        case APIError(err_code=number):
            return Result(Outcome.ERRORED, detail=f"it refused the message (JetStream's error {number})")
        case errors.MaxPayloadError():
            return Result(Outcome.ERRORED, detail="the message is larger than the server takes (its `max_payload`)")
        case errors.SecureConnRequiredError():
            return Result(Outcome.UNREACHABLE, detail="it does not speak TLS, as `tls://` wants it")
        case _:
            return Result(Outcome.UNREACHABLE, detail=_why_closed(error))


def _why_closed(error: errors.Error) -> str:
    is_refused = isinstance(error, errors.AuthorizationError) or "authorization" in str(error).lower()
    return "it lets nobody in like this" if is_refused else "the connection broke"


SENDER = NatsSender  # what the registry finds for `kind: nats`
