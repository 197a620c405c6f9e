"""Where lines of the log go, and in which form: for a person on a terminal, as JSON elsewhere."""

import asyncio
import atexit
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, TextIO, cast

import orjson
import structlog
from structlog.typing import Processor

LOG_DELAY_S = 0.1


def configure_logging(level: int = logging.INFO, stream: TextIO | None = None) -> Callable[[], None]:
    """Log for a person on a terminal, and as JSON lines otherwise; what libraries log goes the same way.

    Returns what writes the lines that still wait, for an end that leaves no time for it.
    """
    stream = stream or sys.stderr
    lines = LogStream(stream.buffer)
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    level_name = structlog.processors.add_log_level
    processors: list[Processor]
    factory: Any
    if stream.isatty():
        processors = [
            level_name,
            stamp,
            _without_nothing,
            structlog.dev.ConsoleRenderer(pad_event_to=20, sort_keys=False),
        ]
        factory = structlog.WriteLoggerFactory(stream)
    else:
        processors = [stamp, structlog.processors.format_exc_info, _as_json]
        factory = structlog.BytesLoggerFactory(cast(BinaryIO, lines))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    _lead_libraries_here()
    return lines.drain


class LogStream:
    """Where lines of the log go: written together, at most a tenth of a second late, and never at anyone's cost.

    A line for each delivery need not cost a system call of its own. And a log that cannot be written must not stop
    what it tells of.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines: list[bytes] = []
        atexit.register(self.drain)

    def write(self, line: bytes) -> None:
        """Take a line."""
        self._lines.append(line)

    def flush(self) -> None:
        """Have it written soon; at once where nothing turns that could do it later."""
        if len(self._lines) > 1:
            return
        try:
            asyncio.get_running_loop().call_later(LOG_DELAY_S, self.drain)
        except RuntimeError:
            self.drain()

    def drain(self) -> None:
        """Write what waits."""
        lines, self._lines = self._lines, []
        with suppress(OSError, ValueError):
            self._stream.write(b"".join(lines))
            self._stream.flush()


class _Bridge(logging.Handler):
    """Hands what libraries log to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or None)


def _lead_libraries_here() -> None:
    root = logging.getLogger()
    root.handlers = [_Bridge()]
    root.setLevel(logging.WARNING)


def _without_nothing(_: Any, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: value for key, value in entry.items() if value is not None}


def _as_json(_: Any, level: str, entry: structlog.typing.EventDict) -> bytes:
    """Write when, how grave and what before all else, as a person reads a line; what is not known is left out."""
    line = {"timestamp": entry.pop("timestamp"), "level": level, "event": entry.pop("event")}
    line.update({key: value for key, value in entry.items() if value is not None})
    return orjson.dumps(line, default=repr)
