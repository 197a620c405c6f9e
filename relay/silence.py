"""Which sources have sent nothing for longer than they should."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from relay.clock import Clock
from relay.domain import Source
from relay.store.protocol import Store

MINUTE = timedelta(minutes=1)

Heard = Callable[[str], datetime | None]


class Silence:
    """Watches the sources that have an `expect_every`. heard: tells when one last sent something to this process.

    What came to other processes, and before this one, is read from the store's minutes. Where these know nothing
    either, a source counts as heard when the watch began.
    """

    def __init__(self, sources: Iterable[Source], heard: Heard, clock: Clock) -> None:
        self._heard = heard
        self._clock = clock
        self._watched: Mapping[str, tuple[Source, datetime]] = {}
        self._seen: Mapping[str, datetime] = {}
        self.adopt(sources)

    def adopt(self, sources: Iterable[Source]) -> None:
        """Watch these sources; one whose `expect_every` has not changed is watched since when it was."""
        known, now = self._watched, self._clock.now()
        self._watched = {
            source.name: (source, self._since(known, source, now)) for source in sources if source.expect_every
        }

    async def look(self, store: Store) -> None:
        """Learn what came to any process, where there is something to watch. Errors: StoreError."""
        if self._watched:
            seen = await store.minutes.last_seen()
            self._seen = {name: began_at + MINUTE for name, began_at in seen.items()}  # it came within the minute

    def silent(self) -> Mapping[str, datetime | None]:
        """Tell of every watched source since when it has been silent, where that is too long, and None elsewhere."""
        return {name: self.since(name) for name in self._watched}

    def since(self, name: str) -> datetime | None:
        """Tell since when a source has been silent, where that is too long."""
        if name not in self._watched:
            return None
        source, began_at = self._watched[name]
        known = [at for at in (self._heard(name), self._seen.get(name)) if at is not None]
        last = max(known, default=began_at)
        is_late = source.expect_every is not None and self._clock.now() - last > source.expect_every
        return last if is_late else None

    def _since(self, known: Mapping[str, tuple[Source, datetime]], source: Source, now: datetime) -> datetime:
        former = known.get(source.name)
        return former[1] if former and former[0].expect_every == source.expect_every else now
