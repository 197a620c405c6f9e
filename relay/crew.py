"""A worker for each target: hired, replaced and let go as the configuration changes.

A worker that is replaced begins nothing more and gives back what it has not begun; what it has begun it finishes, as
the target was when it began. Only then does its successor start, so that a target never gets more at a time than its
`concurrency`. The lanes of targets that have not changed notice nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from relay.clock import Clock
from relay.domain import Route, Target
from relay.errors import StoreError
from relay.gate import Gate
from relay.lanes import Lanes
from relay.targets.protocol import Sender
from relay.worker import Worker

LOOK_PAUSE_S = 1.0  # before a store that could not say how a target stands is asked again


@dataclass(frozen=True, slots=True)
class Duty:
    """What one worker has to carry. routes: those that shape what the target gets."""

    target: Target
    routes: tuple[Route, ...] = ()


MakeSender = Callable[[Duty], Sender]
Employ = Callable[[Target, Sender, Gate | None], Worker]
Look = Callable[[], Awaitable[None]]
Watch = Callable[["asyncio.Task[None]"], None]


class Crew:
    """All workers of this process.

    sender: makes one for a duty. employ: makes a worker; the gate is the one that the target has had, if any.
    """

    def __init__(self, lanes: Lanes, sender: MakeSender, employ: Employ, clock: Clock) -> None:
        self._lanes = lanes
        self._sender = sender
        self._employ = employ
        self._clock = clock
        self._duties: Mapping[str, Duty] = {}
        self._posts: dict[str, Worker] = {}  # who carries for each target, or will when its predecessor has finished
        self._leaving: set[Worker] = set()
        self._handovers: dict[str, asyncio.Task[None]] = {}
        self._look: Look | None = None  # none before the start
        self._watch: Watch = _watch_nothing
        self.at_work: list[Worker] = []

    def adopt(self, duties: Mapping[str, Duty]) -> None:
        """Have a worker for each of these duties, by target, and for no other, from here on.

        Whatever keeps a sender from being made is raised, and nothing is changed then.
        """
        changed = {name: duty for name, duty in duties.items() if self._duties.get(name) != duty}
        senders = {name: self._sender(duty) for name, duty in changed.items()}
        for name in self._posts.keys() - duties.keys():
            self._lanes.drop(name)
            self._hand_over(name, self._dismiss(name), None)
        for name, duty in changed.items():
            self._replace(name, duty.target, senders[name])
        self._duties = duties

    def start(self, watch: Watch, look: Look) -> None:
        """Begin to carry. watch: is given each task. look: reads from the store how targets stand."""
        self._watch, self._look = watch, look
        for worker in self._posts.values():
            self._start(worker)

    async def stop(self, grace_s: float) -> int:
        """Begin nothing more, and let what was begun finish. Tells how many attempts were cut off."""
        handovers = list(self._handovers.values())
        for task in handovers:
            task.cancel()
        await asyncio.gather(*handovers, return_exceptions=True)
        workers: Iterable[Worker] = [*self._leaving, *self._posts.values()]
        return sum(await asyncio.gather(*(worker.stop(grace_s) for worker in workers)))

    def _replace(self, name: str, target: Target, sender: Sender) -> None:
        former = self._dismiss(name) if name in self._posts else None
        worker = self._employ(target, sender, former.gate if former else None)
        self._posts[name] = worker
        self._lanes.put(worker.lane)
        if self._look is not None:
            self._hand_over(name, former, worker)

    def _dismiss(self, name: str) -> Worker:
        """Let a worker begin nothing more."""
        worker = self._posts.pop(name)
        worker.lane.retire()
        if worker in self.at_work:
            self.at_work.remove(worker)
        self._leaving.add(worker)
        return worker

    def _hand_over(self, name: str, former: Worker | None, successor: Worker | None) -> None:
        before = self._handovers.get(name)
        task = asyncio.create_task(self._handed_over(before, former, successor), name=f"hand over {name}")
        self._handovers[name] = task
        self._watch(task)

    async def _handed_over(
        self, before: asyncio.Task[None] | None, former: Worker | None, successor: Worker | None
    ) -> None:
        """Wait for one worker to finish, and for the handover before this one; then start the next."""
        if before is not None:
            await asyncio.wait([before])
        if former is not None:
            await former.retire()
            self._leaving.discard(former)
        if successor is not None:
            await self._see_gate()
            self._start(successor)

    async def _see_gate(self) -> None:
        """Learn whether a target is paused or left alone before anything is sent to it."""
        while self._look is not None:
            try:
                return await self._look()
            except StoreError:
                await self._clock.sleep(LOOK_PAUSE_S)
        return None

    def _start(self, worker: Worker) -> None:
        for task in worker.start():
            self._watch(task)
        if self._posts.get(worker.target_name) is worker:  # and is not dismissed already
            self.at_work.append(worker)


def duties(targets: Mapping[str, Target], routes: Iterable[Route]) -> dict[str, Duty]:
    """Tell what each target's worker has to carry."""
    leading = {name: tuple(route for route in routes if target in route.targets) for name, target in targets.items()}
    return {name: Duty(target, _shaping(target, leading[name])) for name, target in targets.items()}


def _shaping(target: Target, routes: tuple[Route, ...]) -> tuple[Route, ...]:
    """Return what a shaped target must know of its routes: all of them. One that is not shaped needs to know none."""
    is_shaped = target.body is not None or any(route.shape for route in routes)
    return tuple(replace(route, targets=(target,)) for route in routes) if is_shaped else ()


def _watch_nothing(_: "asyncio.Task[None]") -> None: ...
