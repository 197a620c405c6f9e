"""A process's life: whatever it waits for comes back only while it lives, and not while it is stopped."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from tests.conftest import START


class Life:
    """What holds a process's tasks. They never end by themselves; one that does has failed."""

    def __init__(self, tell_failed: Callable[[str, BaseException], None]) -> None:
        self._tell_failed = tell_failed
        self._tasks: set[asyncio.Task[Any]] = set()
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self.is_dead = False
        self.clock_is_off_s = 0.0

    def live(self, doing: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Begin something that ends with the process."""
        return self.watch(asyncio.get_running_loop().create_task(doing, name=name))

    def watch(self, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """Hear of it if a task fails."""
        self._tasks.add(task)
        task.add_done_callback(self._see_end)
        return task

    async def sleep(self, seconds: float) -> None:
        """Come back after a time, if the process still lives then: between any two steps it may not."""
        await asyncio.sleep(seconds)
        await self._goes_on.wait()

    def stop(self) -> None:
        """Stop, as SIGSTOP does."""
        self._goes_on.clear()

    def go_on(self) -> None:
        """Go on, as SIGCONT does; the dead do not."""
        if not self.is_dead:
            self._goes_on.set()

    def end(self) -> None:
        """Die, as SIGKILL does: nothing is tidied up, and nothing is told to anybody."""
        self.is_dead = True
        self._goes_on.clear()

    def bury(self) -> None:
        """Take away what is left of the dead, once nobody looks any more."""
        for task in self._tasks:
            task.cancel()

    def _see_end(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not self.is_dead and not task.cancelled() and (fault := task.exception()) is not None:
            self._tell_failed(task.get_name(), fault)


class LivingClock:
    """The clock of one process. Its wall clock may be set; its other one goes on."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._loop = asyncio.get_running_loop()

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time() + self._life.clock_is_off_s)

    def machine_now(self) -> datetime:
        return self.now()

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await self._life.sleep(seconds)
