"""Statements of many rows: one costs a fraction of as many single ones."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from relay.store.tallying import Change, summed

T = TypeVar("T")

ROWS_MAX = 64  # in one statement. Each size up to it is compiled once and kept


def tally(connection: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Keep each lane's numbers true. They are told, not relied on: no sum, however wrong, stops a delivery."""
    sums = summed(changes)
    connection.executemany("INSERT OR IGNORE INTO lanes (target) VALUES (?)", [(target,) for target in sums])
    connection.executemany(
        "UPDATE lanes SET unfinished = max(0, unfinished + ?), dead = max(0, dead + ?) WHERE target = ?",
        [(unfinished, dead, target) for target, (unfinished, dead) in sums.items()],
    )


def insert(connection: sqlite3.Connection, columns: str, values: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows. columns: "table (column, …)"."""
    write(connection, f"INSERT INTO {columns}", values)


def write(connection: sqlite3.Connection, head: str, values: Sequence[tuple[Any, ...]]) -> None:
    """Run `head VALUES (…), (…), …` over all rows."""
    for chunk in chunks(values):
        connection.execute(_write_sql(head, len(chunk), len(chunk[0])), flat(chunk))


@cache
def _write_sql(head: str, count: int, width: int) -> str:
    return f"{head} VALUES {tuples(count, width)}"


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut into pieces of at most `ROWS_MAX`: one statement each.

    The fewer statements, the better for those who receive meanwhile: each takes Python's lock from them, twice.
    """
    for start in range(0, len(items), ROWS_MAX):
        yield items[start : start + ROWS_MAX]


def flat(values: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Return all values of all rows, as a statement's parameters."""
    return [value for row in values for value in row]


def tuples(count: int, width: int) -> str:
    """Return "(?, ?), (?, ?)" for `count` rows of `width` values."""
    return ", ".join([f"({marks(width)})"] * count)


def marks(count: int) -> str:
    """Return "?, ?, ?"."""
    return ", ".join("?" * count)
