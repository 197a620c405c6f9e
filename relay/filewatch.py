"""Whether files have changed, however they are replaced: written in place, renamed over, or behind a symbolic link."""

import os
from pathlib import Path

from relay.config import files_named

Sight = tuple[str, int, int, int, int]  # where it really is, inode, size, times


class ConfigFiles:
    """A configuration, and the files that it takes values from. Fulfils `relay.reloading.Files`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = self._last = self._seen()

    def look(self) -> bool:
        """Tell whether they have changed and come to rest: two looks see the same, and it is not what is known."""
        before, self._last = self._last, self._seen()
        return self._last != self._known and self._last == before

    def take_note(self) -> None:
        """Take them as they are now for known."""
        self._known = self._last = self._seen()

    def _seen(self) -> dict[Path, Sight | None]:
        return {path: _sight(path) for path in (self._path, *files_named(self._path))}


def _sight(path: Path) -> Sight | None:
    """Look at a file; None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return os.path.realpath(path), found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
