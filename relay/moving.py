"""Moving an installation from one database to another, as often as it takes, and proving that it arrived.

Both are read batch by batch in the same order. What differs is written, what is gone is removed, and each batch that
was written is read back. So whatever ended a pass, the next goes on from what it left; and a pass during which nobody
changed the origin proves that both hold the same.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from relay.clock import Clock
from relay.errors import StoreError, StoreUnusable
from relay.store.records import DIGEST_BYTES, Place, Record
from relay.store.transfer import FIRST, Bounds, Queues, Section, Size, Span, Standing, Transfer

BATCH = Bounds(500, 16 * 1024 * 1024)
RECORD_BYTES = 1024  # what a record takes beside its body, roughly


@dataclass(frozen=True, slots=True)
class Tally:
    """What one pass found of a section. Counts and checksums are of what both databases were read to hold."""

    section: Section
    count: int
    count_there: int
    written: int
    removed: int
    checksum: bytes
    checksum_there: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a pass. relay: the one that kept it from being the last; None: all is there, and proven."""

    tallies: tuple[Tally, ...]
    queues: Queues
    relay: str | None
    was_finished: bool = False  # by an earlier pass: nothing was done


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pass is."""

    section: Section
    done: int
    of: int


Tell = Callable[[Progress], None]


async def move(origin: Transfer, destination: Transfer, clock: Clock, tell: Tell) -> Report:
    """Make the destination hold what the origin does. Finished only if no relay runs on the origin meanwhile.

    Errors: StoreUnusable, before anything is changed: one of the two cannot be used for this. StoreError: it broke off.
    """
    standing = await destination.look()
    await origin.open()
    await _require_fit(origin, destination, standing)
    if standing.mark is not None and standing.mark.is_finished:
        return Report((), Queues(0, b""), None, was_finished=True)
    size = await origin.size()
    _require_room(size, standing)
    await destination.begin(origin.place, clock.now())
    relay = await origin.hold_still()
    tallies = tuple([await _carry(section, origin, destination, size, tell) for section in Section])
    relay = relay or await origin.relay()
    queues = await destination.queues()
    if relay is None:
        await _require_order(origin, queues)
        await destination.finish(clock.now())
    return Report(tallies, queues, relay)


async def _require_fit(origin: Transfer, destination: Transfer, standing: Standing) -> None:
    """Insist that the destination is another database, and empty or filled from this origin. Errors: StoreUnusable."""
    where = destination.place
    if await origin.identity() == await destination.identity():
        raise StoreUnusable(f"{origin.place} and {where} are the same database: name another one to move to")
    if standing.relay is not None:
        raise StoreUnusable(
            f"a relay runs on {where} ({standing.relay}): stop it, or name an empty database to move to"
        )
    if standing.mark is not None and standing.mark.origin != origin.place:
        raise StoreUnusable(
            f"{where} was filled from {standing.mark.origin}, and not from {origin.place}: "
            "name that one, or an empty database to move to"
        )
    if standing.mark is None and not standing.is_empty:
        raise StoreUnusable(f"{where} is not empty: name an empty database to move to; nothing was changed")


def _require_room(size: Size, standing: Standing) -> None:
    """Insist that all fits on the disk, where nothing of it is there yet. Errors: StoreUnusable."""
    needed = size.bytes + RECORD_BYTES * sum(size.records.values())
    if standing.mark is None and standing.free_bytes is not None and needed > standing.free_bytes:
        raise StoreUnusable(
            f"there is no room: about {needed:,} bytes are to be moved, and {standing.free_bytes:,} are free; "
            "nothing was changed"
        )


async def _require_order(origin: Transfer, queues: Queues) -> None:
    if await origin.queues() != queues:
        raise StoreError("who waits for whom is not the same in both databases; run it again, and report this")


async def _carry(section: Section, origin: Transfer, destination: Transfer, size: Size, tell: Tell) -> Tally:
    """Make a section of the destination what it is in the origin, batch by batch."""
    total = size.records[section]
    here, there = Sum(), Sum()
    written = removed = 0
    span = Span(FIRST)
    tell(Progress(section, 0, total))
    while records := await origin.read(section, span, BATCH):
        span = Span(span.after, records[-1].place)
        counts = await _bring(section, destination, span, records, here, there)
        written, removed = written + counts[0], removed + counts[1]
        tell(Progress(section, here.count, max(total, here.count)))
        span = Span(records[-1].place)
    _, gone = await _compare(section, destination, span, {})
    return Tally(section, here.count, there.count, written, removed + gone, here.digest(), there.digest())


async def _bring(
    section: Section, destination: Transfer, span: Span, records: Sequence[Record], here: "Sum", there: "Sum"
) -> tuple[int, int]:
    """Write what differs in a span and read it back; tell how many were written, and removed."""
    wanted = {record.place: record.digest() for record in records}
    found, removed = await _compare(section, destination, span, wanted)
    differing = [record for record in records if found.get(record.place) != wanted[record.place]]
    if differing:
        await destination.write(section, differing, ())
        found, _ = await _compare(section, destination, span, wanted)
    if found != wanted:
        raise StoreError(f"what was written of {section.value} was read back different: look at the disk, run it again")
    here.add(wanted)
    there.add(found)
    return len(differing), removed


async def _compare(
    section: Section, destination: Transfer, span: Span, wanted: Mapping[Place, bytes]
) -> tuple[dict[Place, bytes], int]:
    """Return the digests of what is wanted and there, in order; remove what is not wanted, and tell how much."""
    found: dict[Place, bytes] = {}
    removed = 0
    async for records in _batches(section, destination, span):
        gone = [record.place for record in records if record.place not in wanted]
        if gone:
            await destination.write(section, (), gone)
        removed += len(gone)
        found.update((record.place, record.digest()) for record in records if record.place in wanted)
    return found, removed


async def _batches(section: Section, database: Transfer, span: Span) -> AsyncIterator[Sequence[Record]]:
    while records := await database.read(section, span, BATCH):
        yield records
        span = Span(records[-1].place, span.until)


class Sum:
    """How many records there are, and one checksum of all of them, in order."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = blake2b(digest_size=DIGEST_BYTES)

    def add(self, digests: Mapping[Place, bytes]) -> None:
        """Take the next ones."""
        self.count += len(digests)
        for digest in digests.values():
            self._sum.update(digest)

    def digest(self) -> bytes:
        """Return the checksum."""
        return self._sum.digest()
