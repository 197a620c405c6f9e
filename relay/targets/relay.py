"""Deliveries to another relay: an event as it came, under the id that it has here.

By HTTP, signed as Standard Webhooks does, so that the preset `relay` on the other side believes it, names it by
`X-Relay-Type`, and knows a repeat by `webhook-id`.
"""

from collections.abc import Iterator
from dataclasses import replace

from relay.domain import Attempt, Call, Delivery, Event
from relay.targets.headers import CONNECTION_HEADERS, CONTENT_ENCODING, CONTENT_TYPE, HOST, OURS
from relay.targets.http import HttpSender

_HERE = frozenset({"authorization", "cookie", "accept", "accept-encoding", "forwarded", "via", "max-forwards"})
_UNKEPT = CONNECTION_HEADERS | _HERE | {name.lower() for name in (*OURS, HOST, CONTENT_TYPE, CONTENT_ENCODING)}
_OF_PROXIES = "x-forwarded-"


class RelaySender(HttpSender):
    """Hands events on to another relay."""

    async def send(self, delivery: Delivery) -> Attempt:
        """Make one attempt with the headers that the event came with."""
        return await super().send(replace(delivery, call=Call(headers=tuple(_kept(delivery.event)))))


def _kept(event: Event) -> Iterator[tuple[str, str]]:
    """Yield the headers that speak of the event, and not of the way on which it came here."""
    for name, value in event.headers:
        lower = name.lower()
        if lower not in _UNKEPT and not lower.startswith(_OF_PROXIES) and value.isprintable():
            yield name, value


SENDER = RelaySender  # what the registry finds for `kind: relay`
