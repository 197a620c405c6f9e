"""A machine that misbehaves, for one program and its children: a library that is preloaded, compiled where needed."""

import mmap
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.patience import WAIT_S_MAX

SOURCE = Path(__file__).with_suffix(".c")
COMPILERS = ("cc", "gcc", "clang")
# In the order of the library's own.
FIELDS = ("sync_us", "sync_errno", "write_errno", "clock_s", "slept_s", "logs_held")


class NotBuilt(Exception):
    """There is no compiler, or it failed."""


class Panel:
    """What is wrong with the machine; it can be changed while the program runs. folder: where it is kept."""

    def __init__(self, folder: Path) -> None:
        self._library = folder / "preloaded.so"
        self._path = folder / "panel"
        if not self._library.exists():
            build(self._library)
        self._path.write_bytes(bytes(8 * len(FIELDS)))
        with self._path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 0)

    def open_to_all(self) -> None:
        """Let programs feel it that run as another user."""
        self._path.parent.chmod(0o711)
        self._path.chmod(0o666)

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the environment in which a program feels it."""
        return {"LD_PRELOAD": str(self._library), "PRELOADED_PANEL": str(self._path)}

    def set(self, **values: int) -> None:
        """Change what is wrong, at once: `sync_us`, `sync_errno`, `write_errno`, `clock_s`, `slept_s`."""
        for name, value in values.items():
            struct.pack_into("q", self._shared, 8 * FIELDS.index(name), value)

    @property
    def logs_held(self) -> int:
        """Return how many commits are being held up in their fsync now."""
        (held,) = struct.unpack_from("q", self._shared, 8 * FIELDS.index("logs_held"))
        return int(held)


def build(library: Path) -> None:
    """Compile the library. Errors: NotBuilt."""
    compiler = next((path for name in COMPILERS if (path := shutil.which(name))), None)
    if compiler is None:
        raise NotBuilt("no C compiler (apt-get install gcc)")
    command = (compiler, "-O2", "-Wall", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl")
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S_MAX, check=False)
    if done.returncode:
        raise NotBuilt(f"the C compiler failed: {done.stderr.strip().splitlines()[-1]}")
