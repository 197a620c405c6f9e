"""Which secrets of a source no sender uses any more: they were replaced, and can be taken out."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from relay.clock import Clock
from relay.domain import Source

UNUSED = timedelta(days=30)

Used = Callable[[str, int], datetime | None]


class Disuse:
    """Watches the sources that have several secrets. used: tells when one last proved a request to this process.

    Nothing is known of the time before this process: there each secret counts as used when the watch began.
    """

    def __init__(self, sources: Iterable[Source], used: Used, clock: Clock) -> None:
        self._used = used
        self._clock = clock
        self._watched: Mapping[str, tuple[Source, datetime]] = {}
        self.adopt(sources)

    def adopt(self, sources: Iterable[Source]) -> None:
        """Watch these sources; one whose secrets have not changed is watched since when it was."""
        known, now = self._watched, self._clock.now()
        self._watched = {source.name: (source, _since(known, source, now)) for source in sources if source.keyrings}

    def unused(self) -> Mapping[str, frozenset[int]]:
        """Tell the positions, from 1, of each watched source's secrets that are not used while another is."""
        return {name: self._unused(source, since) for name, (source, since) in self._watched.items()}

    def _unused(self, source: Source, since: datetime) -> frozenset[int]:
        now = self._clock.now()
        used = {key: self._used(source.name, key) or since for key in range(1, len(source.keyrings) + 1)}
        unused = frozenset(key for key, at in used.items() if now - max(since, at) > UNUSED)
        return unused if len(unused) < len(used) else frozenset()  # where none is used, it is the source that is silent


def _since(known: Mapping[str, tuple[Source, datetime]], source: Source, now: datetime) -> datetime:
    former = known.get(source.name)
    return former[1] if former and former[0].keyrings == source.keyrings else now
