"""Deliveries to another relay: an event as it came, under the id that it has here.

By HTTP, signed as Standard Webhooks does, so that the preset `relay` on the other side believes it, names it by
`X-Relay-Type`, and knows a repeat by `webhook-id`.
"""

from collections.abc import Iterator
from dataclasses import replace

from relay.domain import Attempt, Call, Delivery, Event, Outcome
from relay.targets.headers import CONNECTION_HEADERS, CONTENT_ENCODING, CONTENT_TYPE, HOST, OURS
from relay.targets.http import HttpSender

HOPS = "X-Relay-Hops"
HOPS_MAX = 8  # more relays in a row are a circle

_HERE = frozenset({"authorization", "cookie", "accept", "accept-encoding", "forwarded", "via", "max-forwards"})
_UNKEPT = CONNECTION_HEADERS | _HERE | {name.lower() for name in (*OURS, HOST, CONTENT_TYPE, CONTENT_ENCODING, HOPS)}
_OF_PROXIES = "x-forwarded-"


class RelaySender(HttpSender):
    """Hands events on to another relay."""

    async def send(self, delivery: Delivery) -> Attempt:
        """Make one attempt with the headers that the event came with; none where it goes in a circle."""
        hops = _hops_of(delivery.event) + 1
        if hops > HOPS_MAX:
            detail = f"nothing was sent: the event has been through {HOPS_MAX} relays, so their routes make a circle"
            return Attempt(delivery.attempt, self._clock.now(), 0.0, Outcome.BLOCKED, detail=detail)
        call = Call(headers=((HOPS, str(hops)), *_kept(delivery.event)))
        return await super().send(replace(delivery, call=call))


def _hops_of(event: Event) -> int:
    """Return through how many relays an event has come, at most more than it may."""
    value = event.header(HOPS) or ""
    return min(int(value), HOPS_MAX) if value.isascii() and value.isdigit() and len(value) <= 3 else 0


def _kept(event: Event) -> Iterator[tuple[str, str]]:
    """Yield the headers that speak of the event, and not of the way on which it came here."""
    for name, value in event.headers:
        lower = name.lower()
        if lower not in _UNKEPT and not lower.startswith(_OF_PROXIES) and value.isprintable():
            yield name, value


SENDER = RelaySender  # what the registry finds for `kind: relay`
