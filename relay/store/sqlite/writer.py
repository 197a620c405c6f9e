"""Group commit: whoever waits at the same time is committed together, by one process that does nothing else.

A disk makes a commit durable in 0.1–5 ms, whether it holds one change or hundreds. So callers leave what they
want done and wait; the writer takes all there is, commits once, and they are woken. While it works the next group
gathers by itself: the slower the disk, the larger the groups.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import relay
from relay.errors import StoreBroken, StoreError, StoreRefused, StoreUnavailable
from relay.store.sqlite import frames
from relay.store.sqlite.frames import Failure

GROUP_MAX = 1000  # changes in one commit
# A group of so many is sent while the last one is still being committed, so that the writer goes on without waiting
# for the event loop, which is busy then. Smaller ones wait for one another: each commit has a price of its own.
SENT_AHEAD = 24
END_S_MAX = 10.0  # for the writer, once it is told that nothing more comes
PROGRAM = "relay.store.sqlite.writing"
HOME = str(Path(relay.__file__).parent.parent)  # so that the writer is of the same version as we are
ANSWER_BYTES = 1024 * 1024  # read on without a pause: what a usual claim brings fits in
GONE = "the process that writes the database has ended"


class Wish(NamedTuple):
    """One change that somebody waits for."""

    verb: str
    argument: Any
    weight_bytes: int
    granted: asyncio.Future[Any]


class Group(NamedTuple):
    """Wishes that are committed together. places: by verb, which of them are of it, as they were sent."""

    wishes: list[Wish]
    places: list[list[int]]


class _Channel(asyncio.StreamReaderProtocol):
    """Our end of the sockets: it tells at once when the other is gone."""

    def __init__(self, answers: asyncio.StreamReader, tell_lost: Callable[[], object]) -> None:
        super().__init__(answers)
        self._tell_lost = tell_lost

    def eof_received(self) -> bool:
        super().eof_received()
        self._tell_lost()
        return False


class GroupWriter:
    """The only way by which this process changes the database."""

    def __init__(self, path: Path, patience_s: float, weight_bytes_max: int) -> None:
        self._command = [sys.executable, "-P", "-m", PROGRAM, str(path), str(patience_s)]
        self._weight_bytes_max = weight_bytes_max
        self._weight_bytes = 0
        self._wishes: list[Wish] = []
        self._sent: deque[Group] = deque()  # what the writer has got, and not answered
        self._commit_under_way: asyncio.Future[None] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._gone: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Start the writer."""
        ours, its = socket.socketpair()
        with its:
            self._process = await asyncio.to_thread(_start, self._command, its)
        loop = asyncio.get_running_loop()
        self._gone = loop.create_future()
        self._answers = asyncio.StreamReader(ANSWER_BYTES)
        self._questions, _ = await loop.create_connection(lambda: _Channel(self._answers, self._break), sock=ours)

    async def do(self, verb: str, argument: Any, weight_bytes: int = 0) -> Any:
        """Have one change committed and return its result, once it is on disk.

        verb: one of `writing.VERBS`. Errors: StoreUnavailable, where nothing was promised; StoreRefused, where
        this one change is impossible; StoreBroken, where nothing can be changed any more.
        """
        if self._gone is None or self._gone.done():
            raise self._closed()
        if self._weight_bytes and self._weight_bytes + weight_bytes > self._weight_bytes_max:
            raise StoreUnavailable("too much is waiting to be committed")
        granted = self._gone.get_loop().create_future()  # to ask for the running loop is a system call
        self._weight_bytes += weight_bytes
        self._wishes.append(Wish(verb, argument, weight_bytes, granted))
        if self._commit_under_way is None:
            self._commit_under_way = asyncio.ensure_future(self._commit_all())
        elif len(self._wishes) >= SENT_AHEAD and len(self._sent) == 1:
            self._send()
        try:
            return await granted
        finally:
            del granted  # an error that it holds knows where it was raised: here, and so what was to be stored

    async def close(self) -> None:
        """Commit what waits, then let the writer end."""
        if self._process is None or self._gone is None:
            return
        if not self._gone.done():
            self._gone.set_result(None)
        if self._commit_under_way is not None:
            await self._commit_under_way
        self._questions.close()
        await asyncio.to_thread(_end, self._process)
        self._process = None

    async def until_broken(self) -> None:
        """Come back once closed. Errors: StoreBroken, as soon as the writer is found to be gone."""
        if self._gone is not None:
            await asyncio.shield(self._gone)

    async def _commit_all(self) -> None:
        """Send what waits and hand out the answers, until nothing waits any more."""
        try:
            await self._exchange()
        except Exception as fault:  # noqa: BLE001 - whatever it is, nobody may be left waiting for ever
            broken = self._break()
            broken.__cause__ = fault
            for wish in [wish for group in self._sent for wish in group.wishes] + self._wishes:
                _grant(wish.granted, broken)
            self._sent.clear()
            self._wishes.clear()
        finally:
            self._commit_under_way = None

    async def _exchange(self) -> None:
        """Keep one group with the writer, or two; a group is taken off once its wishes are granted."""
        self._send()
        while self._sent:
            results = await self._answer()
            group = self._sent[0].wishes
            if isinstance(failure := results[0], StoreUnavailable | StoreBroken):
                results += [failure] * len(self._wishes)  # who came meanwhile has waited as long, and would wait again
                group, self._wishes = group + self._wishes, []
            if self._wishes and len(self._sent) == 1:
                self._send()
            for wish, result in zip(group, results, strict=True):
                self._weight_bytes -= wish.weight_bytes
                _grant(wish.granted, result)
            self._sent.popleft()

    def _send(self) -> None:
        """Send the next group to the writer."""
        group, self._wishes = self._wishes[:GROUP_MAX], self._wishes[GROUP_MAX:]
        by_verb: dict[str, list[int]] = {}
        for index, wish in enumerate(group):
            by_verb.setdefault(wish.verb, []).append(index)
        self._sent.append(Group(group, list(by_verb.values())))
        question = [(verb, [group[index].argument for index in indexes]) for verb, indexes in by_verb.items()]
        self._questions.writelines(frames.pack(question))

    async def _answer(self) -> list[Any]:
        """Wait for the results of the group that was sent first, in the order of its wishes."""
        wishes, places = self._sent[0]
        try:
            answer = await frames.receive_soon(self._answers)
        except (EOFError, OSError):
            return [self._break()] * len(wishes)
        results: list[Any] = [None] * len(wishes)
        for indexes, of_verb in zip(places, answer, strict=True):
            for index, result in zip(indexes, of_verb, strict=True):
                results[index] = _error_of(result) if isinstance(result, Failure) else result
        return results

    def _break(self) -> StoreBroken:
        """Give up: whether the last group was committed is not known, so what it leased can only be left behind.

        Whoever starts next finds those leases without an owner, as after a crash; it is one.
        """
        broken = StoreBroken(GONE)
        if self._gone is not None and not self._gone.done():
            self._gone.set_exception(broken)
            self._gone.exception()  # seen, also where nobody waits for it
        return broken

    def _closed(self) -> StoreError:
        if self._gone is not None and self._gone.exception() is not None:
            return StoreBroken(GONE)
        return StoreUnavailable("the store is not open")


def _start(command: list[str], channel: socket.socket) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": HOME}
    return subprocess.Popen(command, stdin=channel.fileno(), stdout=subprocess.DEVNULL, env=environment)  # noqa: S603 - ourselves


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(END_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _error_of(failure: Failure) -> StoreError:
    return (StoreUnavailable if failure.is_passing else StoreRefused)(failure.words)


def _grant(granted: asyncio.Future[Any], result: Any) -> None:
    if granted.done():  # whoever waited has gone; what was committed stays
        return
    if isinstance(result, StoreError):
        granted.set_exception(type(result)(str(result)))  # one for each: who raises it leaves a traceback in it
    else:
        granted.set_result(result)
