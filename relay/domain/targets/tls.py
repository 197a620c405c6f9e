"""Whom we believe over TLS, and who we are."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificates in PEM. ca: who is believed, in place of the system's. cert, key: our own; key None: in cert."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
