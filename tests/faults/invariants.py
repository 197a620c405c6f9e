"""What must hold when a fault is over: every breach is told in a line, and none is expected."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from tests.acceptance.program import Program
from tests.faults.ledger import Ledger
from tests.faults.receivers import Receiver
from tests.faults.site import Site, processes
from tests.storage import SqliteStorage

DEAD = """
    SELECT e.id, d.target FROM deliveries d JOIN events e ON e.seq = d.event_seq
    WHERE d.status = 'dead' AND d.reason <> ''"""
STORED = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM deliveries)"
HALF = "SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM contents c WHERE c.event_seq = e.seq)"
FILES_MAX, THREADS_MAX, MEMORY_BYTES_MAX = 300, 80, 600 * 1024 * 1024
TOLD_MAX = 5

Place = tuple[str, str]  # an event's id and a target


async def dead(site: Site) -> set[Place]:
    """Return what stands dead, with a reason."""
    return {(event_id, target) for event_id, target in await site.rows(DEAD)}


def arrived(site: Site) -> set[Place]:
    """Return what was taken by a target, unaltered."""
    return {
        (event_id, name)
        for name, receiver in site.receivers.items()
        for event_id, digest in site.senders.ledger.due_at(name).items()
        if (arrival := receiver.arrivals.get(event_id)) is not None and arrival.digest == digest
    }


def promised(ledger: Ledger) -> set[Place]:
    """Return what every target was to get."""
    return {(event_id, name) for event_id, sent in ledger.promises.items() for name in sent.targets}


async def breaches(site: Site, *, keeps_all: bool) -> list[str]:
    """Tell what does not hold. keeps_all: nothing was purged."""
    told = list(_in_answers(site.senders.ledger))
    for name, receiver in site.receivers.items():
        told += _at_target(name, receiver, site.senders.ledger)
    told += await _in_database(site, keeps_all=keeps_all)
    if isinstance(site.storage, SqliteStorage):
        told += await asyncio.to_thread(_faults_of_file, site.storage.path)
    for relay in site.relays:
        told += _excess(relay)
    return [*told, *_left_behind(site)]


def _in_answers(ledger: Ledger) -> Iterator[str]:
    if ledger.renamed:
        yield f"a repeat was another event: {sorted(ledger.renamed)[:TOLD_MAX]}"
    if strange := ledger.statuses.keys() - {200, 503}:
        yield f"some were answered neither 200 nor 503: {[(status, ledger.statuses[status]) for status in strange]}"


async def _in_database(site: Site, *, keeps_all: bool) -> list[str]:
    """Tell of what is half there, or there and promised to nobody."""
    ledger, told = site.senders.ledger, []
    ((events, deliveries),) = await site.rows(STORED)
    if keeps_all and events != len(ledger.promises):
        told.append(f"{events} events are stored, {len(ledger.promises)} were promised")
    if keeps_all and deliveries != ledger.deliveries:
        told.append(f"{deliveries} deliveries are stored, {ledger.deliveries} were promised")
    ((half,),) = await site.rows(HALF)
    return [*told, f"{half} events are stored without their bodies"] if half else told


def _at_target(name: str, receiver: Receiver, ledger: Ledger) -> Iterator[str]:
    """Tell of what a target got that nobody sent, or sent otherwise."""
    due, had = ledger.due_at(name), receiver.arrivals
    altered = [key for key, one in had.items() if one.is_altered or due.get(key, one.digest) != one.digest]
    if altered:
        yield f"{name} got other bytes than were sent: {altered[:TOLD_MAX]}"
    if unknown := had.keys() - due.keys():
        yield f"{name} got what was not acknowledged or not routed there: {sorted(unknown)[:TOLD_MAX]}"


def _faults_of_file(path: Path) -> list[str]:
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
        return [f"the database file: {fault}" for fault in found]


def _excess(relay: Program) -> Iterator[str]:
    """Tell of a relay that holds more than it may when nothing is to be done."""
    if relay.process is None or relay.process.poll() is not None:
        return
    pids = processes(relay)
    files = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)
    threads = sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids)
    memory = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 for pid in pids)
    for what, held, most in (
        ("files", files, FILES_MAX),
        ("threads", threads, THREADS_MAX),
        ("bytes of memory", memory, MEMORY_BYTES_MAX),
    ):
        if held > most:
            yield f"{relay.config.stem} holds {held:,} {what}, of at most {most:,}"


def _left_behind(site: Site) -> Iterator[str]:
    """Tell of processes that should have ended with their relay."""
    known = {pid for relay in site.relays for pid in processes(relay)}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) not in known and _names(folder, site.folder):
            yield f"a process was left behind: {_command(folder)}"


def _names(process: Path, folder: Path) -> bool:
    return str(folder) in _command(process)


def _command(process: Path) -> str:
    """Return how a process was started; nothing, where it has ended meanwhile."""
    with suppress(OSError):
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""
