"""An observer that remembers."""

from dataclasses import dataclass, field

from relay.domain import Attempt, Cut, Delivery, DeliveryStatus, Outcome, Refusal
from relay.observer import Observer


@dataclass
class Journal(Observer):
    """An observer that remembers."""

    results: list[tuple[str, str]] = field(default_factory=list)
    attempts: list[tuple[str, int, Outcome, DeliveryStatus]] = field(default_factory=list)
    keys: list[tuple[str, int]] = field(default_factory=list)
    changes: list[tuple[str, str]] = field(default_factory=list)

    def accepted(self, source: str, event_id: str, *, is_duplicate: bool, duration_s: float) -> None:
        self.results.append((source, "duplicate" if is_duplicate else "accepted"))

    def proven(self, source: str, key: int) -> None:
        self.keys.append((source, key))

    def greeted(self, source: str) -> None:
        self.results.append((source, "handshake"))

    def refused(self, source: str, refusal: Refusal) -> None:
        self.results.append((source, refusal.value))

    def malformed(self, reason: str) -> None:
        self.results.append(("", reason))

    def cut_off(self, reason: Cut) -> None:
        self.results.append(("", reason.value))

    def unavailable(self, source: str, reason: str) -> None:
        self.results.append((source, "unavailable"))

    def route_failed(self, source: str, event_id: str, route: str) -> None:
        self.results.append((source, f"route {route} failed"))

    def target_changed(self, target: str, state: str, reason: str, next_step: str) -> None:
        self.changes.append((target, state))

    def attempted(
        self, delivery: Delivery, attempt: Attempt, status: DeliveryStatus, *, next_in_s: float | None
    ) -> None:
        self.attempts.append((delivery.event.id, attempt.number, attempt.outcome, status))
