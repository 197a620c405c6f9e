"""Who begins now, and who in the next turn of the event loop.

Of sixty requests that are read at once, all would be proven and named before the first of them is on its way to the
store, and then all would wait for it. A few at a time, one lot is written while the next one is judged.
"""

import asyncio
from collections import deque

IN_ONE_TURN = 16

Turn = asyncio.Future[None]  # what somebody waits for


class Turns:
    """Lets so many begin in one turn of the event loop; the others follow in the order in which they came."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._begun = 0  # in this turn
        self._waiting: deque[Turn] = deque()
        self._is_counting = False

    def queue(self, turn: Turn) -> None:
        """Let somebody begin: now, if there is room and nobody waits, or else later."""
        if self._waiting or self._begun == IN_ONE_TURN:
            self._waiting.append(turn)
            return
        turn.set_result(None)
        self._begun += 1
        if not self._is_counting:
            self._is_counting = True
            self._loop.call_soon(self._begin_anew)

    def _begin_anew(self) -> None:
        self._begun = 0
        while self._waiting and self._begun < IN_ONE_TURN:
            turn = self._waiting.popleft()
            if not turn.done():  # whoever waited may have gone
                turn.set_result(None)
                self._begun += 1
        self._is_counting = self._begun > 0
        if self._is_counting:
            self._loop.call_soon(self._begin_anew)
