"""What nobody tells by itself: that a source is silent, a secret no longer used, or the disk nearly full."""

from collections.abc import Callable, Mapping
from datetime import datetime

from relay.clock import Clock
from relay.config.misfits import listing
from relay.disuse import UNUSED, Disuse
from relay.domain import Notice, NoticeKind
from relay.headroom import Headroom
from relay.silence import Silence

LOOK_EVERY_S = 5.0
DISK = "disk"


class Lookout:
    """Looks now and then, and tells when something has turned."""

    def __init__(
        self, silence: Silence, disuse: Disuse, headroom: Headroom, clock: Clock, tell: Callable[[Notice], None]
    ) -> None:
        self._silence = silence
        self._disuse = disuse
        self._headroom = headroom
        self._clock = clock
        self._tell = tell
        self._silent: dict[str, datetime] = {}
        self._unused: Mapping[str, frozenset[int]] = {}
        self._is_short = False

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            self.look()
            await self._clock.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Look once."""
        now = self._clock.now()
        for source, since in self._silence.silent().items():
            if since is not None and source not in self._silent:
                self._silent[source] = since
                next_step = "look whether its vendor still sends, and to this URL: relay urls"
                self._tell(Notice(NoticeKind.SILENT, "nothing came for too long", source, since, next_step))
            elif since is None and self._silent.pop(source, None) is not None:
                self._tell(Notice(NoticeKind.SILENT, "sends again", source, now, "nothing to do"))
        self._look_at_secrets(now)
        self._look_at_disk(now)

    def _look_at_secrets(self, now: datetime) -> None:
        before, self._unused = self._unused, self._disuse.unused()
        for source, keys in self._unused.items():
            if keys - before.get(source, frozenset()):
                places = f"secret {listing(map(str, sorted(keys)), 'and')}"
                what = f"its {places} has proven nothing for {UNUSED.days} days, while another has"
                next_step = "take it out of the file, unless the vendor is still to change to it"
                self._tell(Notice(NoticeKind.KEY, what, source, now - UNUSED, next_step))

    def _look_at_disk(self, now: datetime) -> None:
        shortage = self._headroom.disk_shortage
        if shortage is not None and not self._is_short:
            next_step = "make room: nothing is accepted until there is some, and senders are told to come again"
            self._tell(Notice(NoticeKind.DISK, shortage, DISK, now, next_step))
        elif shortage is None and self._is_short:
            self._tell(Notice(NoticeKind.DISK, "there is room again", DISK, now, "nothing to do"))
        self._is_short = shortage is not None
