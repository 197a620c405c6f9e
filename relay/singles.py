"""How a single source or target is, for a monitor that rings whoever it belongs to."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from relay.clock import Clock
from relay.domain import Source, Target
from relay.health import Check
from relay.silence import Silence
from relay.store.protocol import LaneState, Store

OLD = timedelta(minutes=15)  # what has waited for longer is late, whatever the reason
FRESH_S = 1.0  # an answer is given again for so long: the probe is public, and each try reads the store


class Singles:
    """Tells of each source and target by its name."""

    def __init__(
        self, sources: Iterable[Source], targets: Mapping[str, Target], silence: Silence, store: Store, clock: Clock
    ) -> None:
        self._silence = silence
        self._store = store
        self._clock = clock
        self._lanes: Mapping[str, LaneState] = {}
        self._read_s = float("-inf")
        self.adopt(sources, targets)

    def adopt(self, sources: Iterable[Source], targets: Mapping[str, Target]) -> None:
        """Tell of these from here on."""
        self._sources = frozenset(source.name for source in sources)
        self._targets = frozenset(targets)

    def silent_since(self, name: str) -> datetime | None:
        """Tell since when a source has been silent, where that is too long."""
        return self._silence.since(name)

    def source(self, name: str) -> Check | None:
        """Tell whether a source sends as often as it should; None where there is none of that name."""
        if name not in self._sources:
            return None
        since = self.silent_since(name)
        if since is None:
            return Check(ok=True, detail="not silent for too long")
        return Check(ok=False, detail=f"silent since {since:%Y-%m-%d %H:%M:%S} UTC")

    async def target(self, name: str) -> Check | None:
        """Tell whether a target gets what is for it; None where there is none of that name. Errors: StoreError."""
        if name not in self._targets:
            return None
        if self._clock.monotonic() - self._read_s >= FRESH_S:
            self._lanes = await self._store.lanes()
            self._read_s = self._clock.monotonic()
        return self._judged(self._lanes.get(name, LaneState()))

    def _judged(self, lane: LaneState) -> Check:
        if lane.is_paused:
            return Check(ok=False, detail="paused")
        if lane.breaker.is_tripped:
            return Check(ok=False, detail="left alone: its breaker is open")
        age = self._clock.now() - lane.oldest_at if lane.oldest_at else timedelta()
        if age > OLD:
            return Check(
                ok=False, detail=f"{lane.unfinished} wait, the first of them for {age // timedelta(minutes=1)} min"
            )
        return Check(ok=True, detail=f"{lane.unfinished} wait")
