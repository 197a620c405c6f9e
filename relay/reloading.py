"""Another configuration for a relay that runs: read, checked, compared, and taken up in one step, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from relay.clock import Clock
from relay.config import Config, changes
from relay.config.origin import KeyPath
from relay.errors import ConfigurationInvalid, Fault

LOOK_EVERY_S = 0.5  # at the files; what has changed is read once two looks see the same

ONLY_AT_START: dict[KeyPath, Callable[[Config], object]] = {
    ("server", "listen"): lambda config: config.server.listen,
    ("admin", "listen"): lambda config: config.admin.listen,
    ("storage", "url"): lambda config: config.storage.database,
}


@dataclass(frozen=True, slots=True)
class Reload:
    """What became of one. faults: empty where the file is in use now. changes: in words, without a secret."""

    at: datetime
    faults: tuple[Fault, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Tell whether the file is in use."""
        return not self.faults


class Files(Protocol):
    """The files that a configuration is made of."""

    def look(self) -> bool:
        """Tell whether they have changed and come to rest since they were last taken note of."""
        ...

    def take_note(self) -> None:
        """Take them as they are now for known."""
        ...


class Reloading:
    """Takes up what the files say, when asked and when they change.

    config: in use. load: reads the files. adopt: takes a configuration up; both raise ConfigurationInvalid.
    tell: hears of each try.
    """

    def __init__(
        self,
        config: Config,
        files: Files,
        load: Callable[[], Config],
        adopt: Callable[[Config], Awaitable[None]],
        clock: Clock,
        tell: Callable[[Reload], None],
    ) -> None:
        self.config = config
        self.last: Reload | None = None
        self._files = files
        self._load = load
        self._adopt = adopt
        self._clock = clock
        self._tell = tell
        self._asked = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    def ask(self) -> None:
        """Have the files read again soon."""
        self._asked.set()

    async def run(self) -> None:
        """Reload when asked, and when the files change, for ever."""
        while True:
            await self._until_asked()
            if self._asked.is_set() or await asyncio.to_thread(self._files.look):
                self._asked.clear()
                await self.reload()

    async def reload(self) -> Reload:
        """Take up what the files say now. A faulty file changes nothing."""
        async with self._one_at_a_time:
            try:
                told = await self._take_up()
            except ConfigurationInvalid as invalid:
                told = Reload(self._clock.now(), faults=invalid.faults)
            self.last = told
            self._tell(told)
            return told

    async def _take_up(self) -> Reload:
        await asyncio.to_thread(self._files.take_note)  # first: what changes from here on is news
        fresh = await asyncio.to_thread(self._load)
        if faults := fixed(self.config, fresh):
            raise ConfigurationInvalid(faults)
        await self._adopt(fresh)
        told = Reload(self._clock.now(), changes=changes(self.config.written, fresh.written))
        self.config = fresh
        return told

    async def _until_asked(self) -> None:
        sleeping = asyncio.ensure_future(self._clock.sleep(LOOK_EVERY_S))
        asked = asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait((sleeping, asked), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            asked.cancel()
            await asyncio.gather(sleeping, asked, return_exceptions=True)


def fixed(before: Config, after: Config) -> tuple[Fault, ...]:
    """Tell what differs and can be changed only by a restart."""
    return tuple(
        after.origin.at_value(path, f"this cannot change while the relay runs (it is {value(before)}); restart it")
        for path, value in ONLY_AT_START.items()
        if value(before) != value(after)
    )
