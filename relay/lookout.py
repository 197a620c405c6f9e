"""What nobody tells by itself: that a source is silent, or that the disk is nearly full."""

from collections.abc import Callable
from datetime import datetime

from relay.clock import Clock
from relay.domain import Notice, NoticeKind
from relay.headroom import Headroom
from relay.silence import Silence

LOOK_EVERY_S = 5.0
DISK = "disk"


class Lookout:
    """Looks now and then, and tells when something has turned."""

    def __init__(self, silence: Silence, headroom: Headroom, clock: Clock, tell: Callable[[Notice], None]) -> None:
        self._silence = silence
        self._headroom = headroom
        self._clock = clock
        self._tell = tell
        self._silent: dict[str, datetime] = {}
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
        self._look_at_disk(now)

    def _look_at_disk(self, now: datetime) -> None:
        shortage = self._headroom.disk_shortage
        if shortage is not None and not self._is_short:
            next_step = "make room: nothing is accepted until there is some, and senders are told to come again"
            self._tell(Notice(NoticeKind.DISK, shortage, DISK, now, next_step))
        elif shortage is None and self._is_short:
            self._tell(Notice(NoticeKind.DISK, "there is room again", DISK, now, "nothing to do"))
        self._is_short = shortage is not None
