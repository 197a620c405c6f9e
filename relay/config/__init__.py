"""A file and the environment, turned into a frozen configuration or into every fault at once."""

from relay.config.argument import database_named
from relay.config.doubts import doubts
from relay.config.leaves import changes, redacted
from relay.config.loading import files_named, load
from relay.config.models.fields import address
from relay.config.result import (
    Address,
    Admin,
    Config,
    Database,
    PostgresDatabase,
    QuarantineBounds,
    Server,
    SqliteDatabase,
    Storage,
)
from relay.config.schema import schema

__all__ = [
    "Address",
    "Admin",
    "Config",
    "Database",
    "PostgresDatabase",
    "QuarantineBounds",
    "Server",
    "SqliteDatabase",
    "Storage",
    "address",
    "changes",
    "database_named",
    "doubts",
    "files_named",
    "load",
    "redacted",
    "schema",
]
