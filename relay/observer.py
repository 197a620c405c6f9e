"""Where use cases tell what happened. The runtime turns it into metrics and log lines; tests listen."""

from relay.domain import Attempt, Delivery, DeliveryStatus, Refusal


class Observer:
    """Hears of every request and every attempt. This one ignores it, for a command that tells by itself what it does.

    One that does not must neither raise nor wait.
    """

    def accepted(self, source: str, event_id: str, *, is_duplicate: bool, duration_s: float) -> None:
        """An event is on disk."""

    def proven(self, source: str, key: int) -> None:
        """A request was proven by the secret at a position, from 1."""

    def greeted(self, source: str) -> None:
        """A vendor's handshake was answered."""

    def refused(self, source: str, refusal: Refusal) -> None:
        """A request did not become an event."""

    def unavailable(self, source: str, reason: str) -> None:
        """An event could not be stored: its sender is told to come again."""

    def route_failed(self, source: str, event_id: str, route: str) -> None:
        """A route's expression could not be evaluated on an event."""

    def target_changed(self, target: str, state: str, reason: str, next_step: str) -> None:
        """A target is held, tried or let go on. state: one of `relay.gate.GateState`."""

    def attempted(
        self, delivery: Delivery, attempt: Attempt, status: DeliveryStatus, *, next_in_s: float | None
    ) -> None:
        """An attempt was made and settled; `next_in_s` is set where it will be tried again."""
