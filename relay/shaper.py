"""A sender that shapes what it is given before the target's own sender carries it."""

import asyncio
from shlex import quote

from relay.clock import Clock
from relay.contents import document_of
from relay.domain import Attempt, Delivery, Outcome
from relay.shaping import Misshapen, Shapes
from relay.targets.protocol import Sender

LARGE_BODY_BYTES = 256 * 1024  # parsed beside the event loop, so that others are not held up


class ShapingSender:
    """Stands before a sender whose target gets shaped deliveries."""

    def __init__(self, sender: Sender, shapes: Shapes, clock: Clock) -> None:
        self._sender = sender
        self._shapes = shapes
        self._clock = clock

    async def send(self, delivery: Delivery) -> Attempt:
        """Shape and send. What cannot be shaped is not sent: no later attempt would do better by itself."""
        if self._shapes.passes(delivery):
            return await self._sender.send(delivery)
        started_at, began_s = self._clock.now(), self._clock.monotonic()
        found = await self._shape(delivery)
        if isinstance(found, Delivery):
            return await self._sender.send(found)
        duration_s = self._clock.monotonic() - began_s
        detail = f"{found.reason}; {_next_step(delivery)}"
        return Attempt(delivery.attempt, started_at, duration_s, Outcome.BLOCKED, detail=detail)

    async def close(self) -> None:
        """Give back connections."""
        await self._sender.close()

    async def _shape(self, delivery: Delivery) -> Delivery | Misshapen:
        event = delivery.event
        if len(event.body) <= LARGE_BODY_BYTES and event.header("Content-Encoding") is None:
            return shape(delivery, self._shapes)
        return await asyncio.to_thread(shape, delivery, self._shapes)


def _next_step(delivery: Delivery) -> str:
    return f"`relay try {quote(delivery.route)} --event {delivery.event.id}` shows it, and a replay tries it again"


def shape(delivery: Delivery, shapes: Shapes) -> Delivery | Misshapen:
    """Read an event's body and shape the delivery by it."""
    return shapes.apply(delivery, document_of(delivery.event))
