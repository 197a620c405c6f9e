"""The real program, forked from a process that has read its code before: a start then costs a third.

What runs is the same; only the reading of some hundred modules is not repeated a thousand times. Where the start itself
is the story, or the environment has to be there from the first instruction, it is started as usual.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

READ_BEFORE = ["relay.cli.serve", "relay.runtime", "relay.store.sqlite.store", "relay.store.postgres.store"]

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(READ_BEFORE)


class Forked:
    """A process as `subprocess` has them. Fulfils `tests.acceptance.program.Process`."""

    def __init__(self, arguments: Sequence[str], log: IO[bytes], environment: Mapping[str, str]) -> None:
        assert not environment, "what is preloaded must be there before the code is read"
        self._process = _forks.Process(target=_serve, args=(list(arguments), log.name, dict(os.environ)))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Tell how it ended, or None while it runs."""
        return self._process.exitcode

    def send_signal(self, sig: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> object:
        """Come back once it has ended."""
        self._process.join(timeout)
        assert self.poll() is not None, "it does not end"
        return self.poll()


def _serve(arguments: list[str], log: str, environment: dict[str, str]) -> None:
    """Become the program. environment: the test's, which may be another than when the first was started."""
    from relay.cli import main  # noqa: PLC0415 - read before

    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Path(log).open("ab") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    sys.argv = ["relay", *arguments]
    main()
