"""Another relay."""

from dataclasses import dataclass

from relay.domain.targets.http import HttpTarget


@dataclass(frozen=True, slots=True)
class RelayTarget(HttpTarget):
    """Another relay, that is to receive events as this one did."""

    kind: str = "relay"
