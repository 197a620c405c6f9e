"""What a file comes to: the frozen configuration that the program is built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import ClassVar

from relay.config.leaves import Written
from relay.config.origin import Origin
from relay.domain import Bounds, Heartbeat, Notify, Secret, Source, Target

Network = IPv4Network | IPv6Network

_EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @property
    def reachable(self) -> str:
        """Return where this machine itself can call it."""
        return str(Address(_EVERY_INTERFACE.get(self.host, self.host), self.port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Server:
    """The public port."""

    listen: Address
    public_url: str | None  # without a slash at its end
    trusted_proxies: tuple[Network, ...]
    grace: timedelta
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Admin:
    """The admin port."""

    listen: Address
    tokens: tuple[Secret, ...]
    hosts: tuple[str, ...] = ()  # names by which browsers reach it


@dataclass(frozen=True, slots=True)
class SqliteDatabase:
    """A file on this machine."""

    engine: ClassVar[str] = "sqlite"
    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A database on one server, or on several of which one is the primary."""

    engine: ClassVar[str] = "postgres"
    url: Secret  # it has a password in it
    shown: str  # without user and password

    def __str__(self) -> str:
        return self.shown


Database = SqliteDatabase | PostgresDatabase


@dataclass(frozen=True, slots=True)
class Storage:
    """The database, and how full it may become."""

    database: Database
    keep: timedelta
    backlog_max: int  # deliveries
    disk_free_min: int  # bytes


@dataclass(frozen=True, slots=True)
class QuarantineBounds:
    """How much of what is refused is kept, and for how long. count: 0 for nothing."""

    keep: timedelta
    count: int
    body_bytes: int


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that a file says, checked and ready."""

    server: Server
    admin: Admin
    storage: Storage
    quarantine: QuarantineBounds
    sources: Mapping[str, Source]
    targets: Mapping[str, Target]
    notify: Notify | None
    heartbeat: Heartbeat | None
    origin: Origin = field(repr=False, compare=False)
    written: Written = field(repr=False, compare=False)
