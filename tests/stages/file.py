"""A folder, on a disk that takes files, takes no more, or does not answer."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from relay.domain import Content, FileTarget, Outcome
from relay.expressions import compile_expression
from relay.targets.file import FileSender
from relay.templates import compile_path
from tests.full import disk_full
from tests.patience import WAIT_S_MAX
from tests.senders import TIMEOUT_S
from tests.stages import Props, Scene, Stage


def _sender(props: Props, path: str = "in/{source}/{type}.json", **settings: Any) -> FileSender:
    chosen = {"timeout_s": WAIT_S_MAX, **settings}
    return FileSender(FileTarget("archive", path=compile_path(f"{props.folder}/{path}"), **chosen), props.clock)


def _counting(props: Props) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return sum(found.is_file() for found in (props.folder / "in").rglob("*"))

    return count


@asynccontextmanager
async def accepts(props: Props) -> AsyncIterator[Scene]:
    yield Scene(_sender(props), _counting(props))


@asynccontextmanager
async def holds_nothing_of_it(props: Props) -> AsyncIterator[Scene]:
    content = Content(compile_expression("invoice.data"), is_base64=True)
    yield Scene(_sender(props, content=content), _counting(props))


@asynccontextmanager
async def is_no_folder(props: Props) -> AsyncIterator[Scene]:
    (props.folder / "file").touch()
    yield Scene(_sender(props, "file/{id}"), _counting(props))


@asynccontextmanager
async def is_full(props: Props) -> AsyncIterator[Scene]:
    with disk_full(os.getpid()):
        yield Scene(_sender(props), _counting(props))


@asynccontextmanager
async def hangs(props: Props) -> AsyncIterator[Scene]:
    """The only thread waits for a disk that never answers: here, for a pipe that nobody writes to."""
    pipe = props.folder / "pipe"
    os.mkfifo(pipe)
    sender = _sender(props, timeout_s=TIMEOUT_S, concurrency=1)
    waiting = sender._threads.submit(pipe.read_bytes)
    try:
        yield Scene(sender, _counting(props))
    finally:
        pipe.open("wb").close()
        waiting.result()


STAGE = Stage(
    accepts=accepts,
    fails={
        "holds nothing of it": (holds_nothing_of_it, Outcome.BLOCKED),
        "is no folder": (is_no_folder, Outcome.ERRORED),
        "is full": (is_full, Outcome.ERRORED),
        "hangs": (hangs, Outcome.TIMED_OUT),
    },
    repeats=1,
)
