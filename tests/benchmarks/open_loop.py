"""Load that does not wait: each request is sent at its planned time, whatever became of those before it.

One thread of its own and `select`, whose time-outs are exact to some 50 µs; an event loop's are to a millisecond. Where
every connection still waits for an answer, a request waits for the next free one, and that counts as its latency.
"""

import gc
import select
import socket
import time
from collections import Counter, deque
from contextlib import ExitStack

from tests.benchmarks.figures import latencies_ms, planned_times
from tests.benchmarks.load import answered, require_accepted

CONNECTIONS = 256
LEAD_S = 0.3  # in which the server takes the connections
PATIENCE_S = 15.0  # for what is still unanswered when the last request is due
ANSWER_BYTES_MAX = 65536


def send_on_schedule(port: int, requests: list[bytes], per_s: float) -> list[float]:
    """Send requests evenly, so many a second; return each one's latency since its planned time, in milliseconds.

    Errors: RuntimeError, where one was not answered 200.
    """
    with ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(CONNECTIONS)]
        gc.collect()
        gc.disable()  # a collection between two requests would be told as the server's latency
        stack.callback(gc.enable)
        return OpenLoop(idle, requests, per_s).run()


class OpenLoop:
    """One flow of requests, and what is known about each by its number."""

    def __init__(self, connections: list[socket.socket], requests: list[bytes], per_s: float) -> None:
        self._requests = requests
        self._planned_s = planned_times(per_s, len(requests), time.perf_counter() + LEAD_S)
        self._answered_s = [0.0] * len(requests)
        self._next = 0
        self._idle = deque(connections)
        self._busy: dict[socket.socket, int] = {}
        self._received: dict[socket.socket, bytes] = {}
        self._statuses: Counter[bytes] = Counter()

    def run(self) -> list[float]:
        """Send all, and wait for all answers."""
        give_up_s = self._planned_s[-1] + PATIENCE_S
        while self._next < len(self._requests) or self._busy:
            now_s = time.perf_counter()
            if now_s > give_up_s:
                break
            self._send_due(now_s)
            readable, _, _ = select.select(list(self._busy), (), (), self._pause_s(give_up_s))
            for connection in readable:
                self._receive(connection)
        require_accepted(self._statuses, len(self._requests))
        return latencies_ms(self._planned_s, self._answered_s)

    def _send_due(self, now_s: float) -> None:
        while self._idle and self._next < len(self._requests) and self._planned_s[self._next] <= now_s:
            connection = self._idle.popleft()
            connection.sendall(self._requests[self._next])
            self._busy[connection] = self._next
            self._received[connection] = b""
            self._next += 1

    def _pause_s(self, give_up_s: float) -> float:
        """Say how long there is nothing to send."""
        can_send = self._idle and self._next < len(self._requests)
        return max(0.0, (self._planned_s[self._next] if can_send else give_up_s) - time.perf_counter())

    def _receive(self, connection: socket.socket) -> None:
        data = connection.recv(ANSWER_BYTES_MAX)
        if not data:
            raise RuntimeError("the server hung up before it had answered")
        self._received[connection] += data
        if (answer := answered(self._received[connection])) is None:
            return
        self._answered_s[self._busy.pop(connection)] = time.perf_counter()
        self._statuses[answer[0]] += 1
        self._idle.append(connection)
