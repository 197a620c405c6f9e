"""The real program, forked from a process that has read its code before: a start then costs a third.

What runs is the same; only the reading of some hundred modules is not repeated a thousand times. Where the start itself
is the story, or the environment has to be there from the first instruction, it is started as usual.
"""

import atexit
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from pkgutil import iter_modules
from tempfile import NamedTemporaryFile
from typing import IO

from relay import cli
from tests.patience import WAIT_S_MAX

READ_BEFORE = [
    *(module.name for module in iter_modules(cli.__path__, "relay.cli.")),
    "relay.runtime",
    "relay.store.sqlite.store",
    "relay.store.postgres.store",
]

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(READ_BEFORE)


class Forked:
    """A process as `subprocess` has them. Fulfils `tests.acceptance.program.Process`."""

    def __init__(
        self,
        arguments: Sequence[str],
        log: IO[bytes],
        environment: Mapping[str, str],
        complaints: IO[bytes] | None = None,
    ) -> None:
        """Start it. complaints: where its errors go, if not into the log."""
        assert not environment, "what is preloaded must be there before the code is read"
        said = (log.name, (complaints or log).name)
        self._process = _forks.Process(target=_become, args=(list(arguments), said, dict(os.environ), Path.cwd()))
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

    def wait(self, timeout: float | None = None) -> int:
        """Come back once it has ended; return how."""
        self._process.join(timeout)
        code = self.poll()
        assert code is not None, "it does not end"
        return code


def ended(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Run a command of the program to its end; return exit code, output and errors."""
    with NamedTemporaryFile() as output, NamedTemporaryFile() as errors:
        process = Forked(arguments, output, {}, errors)
        code = process.wait(WAIT_S_MAX)
        return code, output.read().decode(), errors.read().decode()


def _become(arguments: list[str], said: tuple[str, str], environment: dict[str, str], folder: Path) -> None:
    """Become the program. environment, folder: the test's; others may have been there when the first was started."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor, path in enumerate(said, 1):
        with Path(path).open("ab") as file:
            os.dup2(file.fileno(), descriptor)
    sys.argv = ["relay", *arguments]
    try:
        cli.main()
    finally:
        atexit._run_exitfuncs()  # the last lines of the log are written by them; a fork would end without
