"""Secrets that vendors choose and tell once, by an unsigned request: kept where only the operator can read them.

Anybody can send such a request, so nothing is believed because of it: the last one is kept in a file, and it is the
operator who carries it to the vendor, where a forged one is refused, and into the configuration.
"""

import os
import secrets
import tempfile
from pathlib import Path
from threading import Lock

import structlog

from relay.clock import Clock
from relay.config import Database, SqliteDatabase
from relay.domain import Rate, Secret
from relay.pacing import TokenBucket

KEPT = Rate(10, 60.0)  # a flood of offers is no flood of files

log = structlog.get_logger("relay.offers")


class Offers:
    """Keeps what vendors offer: one file a source."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._bucket = TokenBucket(KEPT)
        self._lock = Lock()

    def keep(self, source: str, offered: Secret) -> None:
        """Keep an offer in place of the last one, and tell where; never what it is."""
        path = place_of_offer(self._database, source)
        with self._lock:
            if self._bucket.take(self._clock.monotonic()) > 0:
                return
            try:
                _write(path, offered.reveal() + b"\n")
            except OSError as error:
                step = "make the folder writable, and let the vendor send it again"
                log.warning("offer_not_kept", source=source, path=str(path), reason=error.strerror, next_step=step)
                return
        step = (
            "read it there, enter it where the vendor asks for it, make it the source's `secret`; then remove the file"
        )
        log.info("secret_offered", source=source, path=str(path), next_step=step)


def place_of_offer(database: Database, source: str) -> Path:
    """Return the file for a source's offer: beside the database, or among temporary files where that is elsewhere."""
    folder = database.path.parent if isinstance(database, SqliteDatabase) else Path(tempfile.gettempdir())
    return folder / f"{source}.offered"


def _write(path: Path, content: bytes) -> None:
    """Write a file whole, readable by its owner alone, in place of the one that is there."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
