"""Deliveries into a folder: one file an event, whole or not there at all.

A file is written beside its place under another name, forced to disk, and then given its name; so is each folder
that had to be made. A name that another event's file has is never taken from it: see `_place`.
"""

import asyncio
import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from relay.clock import Clock
from relay.contents import content_of, document_of, names_of
from relay.domain import UNREAD, Delivery, Event, FileTarget, Outcome
from relay.targets.attempts import AttemptingSender, Result

COMPARED_BYTES = 1024 * 1024
KNOWS_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}  # as FAT and some shares say it
ID_CHARACTERS = 20  # of an event's id, at the end of a name that would clash: all of its random part


class FileSender(AttemptingSender[FileTarget]):
    """Writes one target's files, in threads of its own: a disk that hangs holds up nobody else's."""

    def __init__(self, target: FileTarget, clock: Clock) -> None:
        super().__init__(target, clock)
        self._threads = ThreadPoolExecutor(target.concurrency, thread_name_prefix=f"relay-{target.name}")

    async def close(self) -> None:
        """Let the threads go, as soon as each is done."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _carry(self, delivery: Delivery) -> Result:
        writing = asyncio.get_running_loop().run_in_executor(self._threads, write, self._target, delivery.event)
        path = await writing
        return Result(Outcome.ACCEPTED, excerpt=os.fsencode(path))

    def _explain(self, error: OSError) -> Result:
        reason = os.strerror(error.errno) if error.errno else "the system refused it"
        return Result(Outcome.ERRORED, detail=f"{self._target.address} could not be written: {reason}")


def write(target: FileTarget, event: Event) -> Path:
    """Write an event's file, unless it is there already; return where. Blocks.

    Errors: OSError; ContentMissing or ExpressionFailed, where the event does not have what its file is to hold.
    """
    needs_body = target.path.reads_body or target.content.expression is not None
    names = names_of(event, document_of(event) if needs_body else UNREAD)
    path = Path(*target.path(names))
    content = content_of(event, names, target.content)
    _make_folder(path.parent)
    return _place(path, content, event.id)


def _place(path: Path, content: bytes, event_id: str) -> Path:
    """Give the content its name, or one with the event's id at its end where another event's file has that.

    A file that already holds this content is left as it is. One whose name holds the event's id is this event's own
    from an earlier delivery, and is replaced: a replay may be made for the sake of its new content.
    """
    with _written_beside(path.parent, content, event_id) as part:
        if event_id in path.name:
            _replace(part, path)
        elif not _has_placed(part, path) and not _holds(path, content):
            path = path.with_name(f"{path.stem}~{event_id[-ID_CHARACTERS:]}{path.suffix}")
            _replace(part, path)
    _remove_leftovers(path.parent, event_id)
    return path


def _replace(part: Path, path: Path) -> None:
    part.replace(path)
    _force(path.parent)


def _has_placed(part: Path, path: Path) -> bool:
    """Give a file its name, unless that is taken. Tells whether it was free."""
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in KNOWS_NO_LINKS:
            raise
        return _has_reserved(part, path)
    _force(path.parent)
    return True


def _has_reserved(part: Path, path: Path) -> bool:
    """Take the name with an empty file first. Dying right then leaves that, and the next attempt another name."""
    try:
        path.open("xb").close()
    except FileExistsError:
        return False
    _replace(part, path)
    return True


def _holds(path: Path, content: bytes) -> bool:
    """Tell whether a file holds exactly this."""
    if not path.is_file() or path.stat().st_size != len(content):
        return False
    view = memoryview(content)
    with path.open("rb") as file:
        return all(
            file.read(COMPARED_BYTES) == view[at : at + COMPARED_BYTES] for at in range(0, len(view), COMPARED_BYTES)
        )


@contextmanager
def _written_beside(folder: Path, content: bytes, event_id: str) -> Iterator[Path]:
    """Write a file that is on disk, under a name that nobody looks for; whatever is left of it is removed."""
    part = folder / f".{event_id}.{token_hex(8)}.part"
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield part
    finally:
        part.unlink(missing_ok=True)


def _remove_leftovers(folder: Path, event_id: str) -> None:
    """Remove what an attempt left that was killed; one that still writes finds its part gone, and is tried again."""
    for part in folder.glob(f".{event_id}.*.part"):
        with suppress(OSError):
            part.unlink()


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each forced to disk."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _force(folder.parent)


def _force(folder: Path) -> None:
    """Force a folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


SENDER = FileSender  # what the registry finds for `kind: file`
