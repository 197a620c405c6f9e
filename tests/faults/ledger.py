"""What the relay has promised: every event that it acknowledged, by the id that it gave, as its sender knows it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sent:
    """One event as its sender knows it. digest: SHA-256 of the body that each target must get."""

    key: str
    digest: bytes
    targets: tuple[str, ...]


@dataclass(slots=True)
class Ledger:
    """All that was acknowledged, and how often the relay said something else, or nothing."""

    promises: dict[str, Sent] = field(default_factory=dict)  # by the event's id
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    renamed: set[str] = field(default_factory=set)  # keys under which a repeat was another event
    _ids: dict[str, str] = field(default_factory=dict)  # by key

    def acknowledge(self, events: Iterable[Sent], ids: Iterable[str]) -> None:
        """Write down that these events were acknowledged under these ids."""
        for sent, event_id in zip(events, ids, strict=True):
            if self._ids.setdefault(sent.key, event_id) != event_id:
                self.renamed.add(sent.key)
            self.promises[event_id] = sent

    @property
    def deliveries(self) -> int:
        """Return how many deliveries follow from what was acknowledged."""
        return sum(len(sent.targets) for sent in self.promises.values())

    def due_at(self, target: str) -> Mapping[str, bytes]:
        """Return what a target must get: the body's digest, by the event's id."""
        return {event_id: sent.digest for event_id, sent in self.promises.items() if target in sent.targets}
