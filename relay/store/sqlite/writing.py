"""The writer: the one that changes the database, as a process of its own (`python -m relay.store.sqlite.writing`).

It shares no interpreter with those who receive and deliver, so neither holds the other up. It takes groups of changes
from its standard input, which is a socket, commits each group in one transaction, and answers. It ends when the
program at the other end does, whatever became of that one, and has then finished the group it was given.
"""

import signal
import socket
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from relay.garbage import look_seldom
from relay.store.sqlite import accepting, booking, carrying, changing, frames, holding, keeping
from relay.store.sqlite.checkpoints import Checkpoints
from relay.store.sqlite.connection import connect
from relay.store.sqlite.frames import Failure
from relay.store.sqlite.liveness import folder_beside
from relay.store.sqlite.turns import Turns

# A verb makes one kind of change for all who want it: it takes their arguments and returns their results, in order.
Verb = Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]]
Group = Sequence[tuple[str, Sequence[Any]]]  # by verb

VERBS: Mapping[str, Verb] = {
    "accept": accepting.accept,
    "accept_all": accepting.accept_all,
    "replay": accepting.replay,
    "claim": carrying.claim,
    "abandoned": carrying.abandoned,
    "renew": carrying.renew,
    "release": carrying.release,
    "settle": carrying.settle,
    "note_breaker": holding.note_breaker,
    "pause": holding.pause,
    "retry": changing.retry,
    "cancel": changing.cancel,
    "clear": changing.clear,
    "add_minute": booking.add_minute,
    "begin_replay": booking.begin_replay,
    "advance_replay": booking.advance_replay,
    "cancel_replay": booking.cancel_replay,
    "forget_replays": booking.forget_replays,
    "keep_rejections": booking.keep_rejections,
    "note_admitted": booking.note_admitted,
    "purge": keeping.purge,
    "probe": keeping.probe,
}
LEFT_TO_THE_PROGRAM = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Writer:
    """The database, open for changes."""

    def __init__(self, path: Path, patience_s: float, turns: Turns) -> None:
        self._path = path
        self._turns = turns
        self._patience_s = patience_s
        self._connection: sqlite3.Connection | None = None
        self._is_doubtful = False  # a commit has failed, and may have left in the log what the disk does not keep

    def commit(self, group: Group) -> list[Sequence[Any]]:
        """Make a whole group of changes in one transaction; where one spoils it for all, make each on its own."""
        try:
            return self._in_transaction(group)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            if type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError):
                self.close()  # the next group starts afresh, whatever state this one left
                self._is_doubtful = True
                return _failed(group, Failure(f"the database cannot commit: {error}", is_passing=True))
            if sum(len(arguments) for _, arguments in group) == 1:
                return _failed(group, Failure(f"the database refuses this change: {error}", is_passing=False))
            return [[self.commit([(verb, [alone])])[0][0] for alone in arguments] for verb, arguments in group]

    def close(self) -> None:
        """Let go of the database."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _in_transaction(self, group: Group) -> list[Sequence[Any]]:
        if self._connection is None:
            self._connection = connect(self._path, self._patience_s)
        if self._is_doubtful:
            self._carry_log(self._connection)
        with self._turns.taken():
            return transact(self._connection, group)

    def _carry_log(self, connection: sqlite3.Connection) -> None:
        """Carry to the database what stands in the log, so that the next commit begins the log anew.

        Pages that could not be synced are clean to the system, and are never written again; were they part of the log
        that is read after a power cut, all that was committed behind them would be lost with them.
        Source: A. Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020.
        """
        (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()  # waits for nobody
        self._is_doubtful = bool(is_busy)


def transact(connection: sqlite3.Connection, group: Group) -> list[Sequence[Any]]:
    """Make a whole group of changes, or none of them. Errors: whatever SQLite says to one of them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        results = [VERBS[verb](connection, arguments) for verb, arguments in group]
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk has rolled back by itself
            connection.execute("ROLLBACK")
        raise
    return results


def _failed(group: Group, failure: Failure) -> list[Sequence[Any]]:
    return [[failure] * len(arguments) for _, arguments in group]


def serve(channel: socket.socket, writer: Writer, checkpoints: Checkpoints) -> None:
    """Commit group after group, until the other end is gone."""
    with channel, channel.makefile("rb") as stream, suppress(EOFError, OSError):
        while True:
            frames.send(writer.commit(frames.receive(stream)), channel)
            checkpoints.expect()
    checkpoints.close()
    writer.close()


def main() -> NoReturn:
    """Serve the socket that is our standard input. Arguments: the file's path, and the patience in seconds."""
    for number in LEFT_TO_THE_PROGRAM:  # a terminal and a service manager send them to both of us
        signal.signal(number, signal.SIG_IGN)
    look_seldom()
    path, patience_s = Path(sys.argv[1]), float(sys.argv[2])
    turns = Turns(folder_beside(path), patience_s)
    checkpoints = Checkpoints(lambda: connect(path, patience_s))
    serve(socket.socket(fileno=sys.stdin.fileno()), Writer(path, patience_s, turns), checkpoints)
    sys.exit(0)


if __name__ == "__main__":
    main()
