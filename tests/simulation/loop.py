"""An event loop without time: whoever sleeps is woken at once, in the order in which they would have been."""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any


class NothingMoves(Exception):
    """Everybody waits for somebody else: in a real process, for ever."""


class _NoFiles(selectors.BaseSelector):
    """A selector of a world without files: waiting for one is only waiting."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}  # the loop's own pipe to itself, which nobody uses

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self._keys[fileobj] = selectors.SelectorKey(fileobj, fileobj, events, data)
        return self._keys[fileobj]

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingMoves
        self.elapsed_s += max(0.0, timeout)
        return []


class TimelessLoop(asyncio.SelectorEventLoop):
    """Runs its tasks in an order that is always the same, and lets hours pass in no time."""

    def __init__(self) -> None:
        self._files = _NoFiles()
        super().__init__(self._files)

    def time(self) -> float:
        return self._files.elapsed_s
