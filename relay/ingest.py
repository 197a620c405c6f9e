"""The inbound journey: a request is proven, read, named, routed and stored with everything it must become."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from relay.batches import split
from relay.clock import Clock
from relay.domain import (
    ENTROPY_BYTES,
    UNREAD,
    Answer,
    Document,
    Event,
    InboundRequest,
    KeyWanted,
    Plan,
    Rate,
    Receipt,
    Refusal,
    Secret,
    Source,
    Verdict,
    new_event_id,
)
from relay.entropy import Entropy
from relay.errors import KeyUnavailable, StoreError, StoreUnavailable
from relay.headroom import Headroom
from relay.identity import identify, read
from relay.lanes import Lanes
from relay.observer import Observer
from relay.pacing import TokenBucket
from relay.quarantine import Quarantine
from relay.routing import plan
from relay.store.protocol import Store
from relay.verification import key_used, refuse_early, verify

Judged = tuple[Event, Plan]
Received = Sequence[Receipt] | Answer | Refusal

LARGE_BODY_BYTES = 256 * 1024  # hashed and parsed beside the event loop, so that others are not held up


def _forget(source: str, offered: Secret) -> None:
    """Keep nothing of what a vendor offers."""


async def _fetch_none(wanted: KeyWanted) -> None:
    """Have no key."""


class Ingest:
    """Turns requests into events. One for all sources of this process.

    entropy: ten random bytes each time; the system's, unless given.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        store: Store,
        lanes: Lanes,
        headroom: Headroom,
        clock: Clock,
        observer: Observer,
        entropy: Callable[[], bytes] | None = None,
        quarantine: Quarantine | None = None,
        keep_offer: Callable[[str, Secret], None] = _forget,
        fetch_key: Callable[[KeyWanted], Awaitable[bytes | None]] | None = None,
    ) -> None:
        self._store = store
        self._lanes = lanes
        self._headroom = headroom
        self._clock = clock
        self._observer = observer
        self._entropy = entropy or Entropy(ENTROPY_BYTES)
        self._quarantine = quarantine
        self._keep_offer = keep_offer
        self._fetch_key = fetch_key or _fetch_none
        self._limits: Mapping[str, tuple[Rate, TokenBucket]] = {}
        self.adopt(sources)

    def adopt(self, sources: Iterable[Source]) -> None:
        """Keep to the limits of these sources; one that has not changed goes on from where it is."""
        known = self._limits
        rates = {source.name: source.limit for source in sources if source.limit}
        self._limits = {
            name: known[name] if name in known and known[name][0] == rate else (rate, TokenBucket(rate))
            for name, rate in rates.items()
        }

    async def receive(self, request: InboundRequest, source: Source, came_at: datetime | None = None) -> Received:
        """Turn one HTTP request into one stored event, or into all that it carries, and tell the observer.

        No event is written for a refusal, nor for a handshake, which has its answer. The receipts exist only after
        commit, so a 2xx is a promise; they are never none.
        came_at: of one that was refused before and is admitted now: it is proven as of then, held against no limit, and
        not kept anew where it is refused again; None: it comes just now.
        Errors: StoreError, KeyUnavailable (the caller answers 503 and the sender tries again).
        """
        began_s = self._clock.monotonic()
        try:
            result = await self._receive(request, source, came_at)
        except (StoreError, KeyUnavailable) as error:
            self._observer.unavailable(source.name, str(error))
            raise
        self._tell(source, result, self._clock.monotonic() - began_s)
        if isinstance(result, Refusal) and came_at is None:
            self._keep(request, source, result, is_whole=True)
        return result

    def greet(self, request: InboundRequest, source: Source) -> Answer | Refusal | None:
        """Answer a handshake that has no body; None where the source's vendor asks no such question."""
        result = source.greeting.answer_head(request) if source.greeting is not None else None
        if result is not None:
            self._tell(source, result, 0.0)
        return result

    def _tell(self, source: Source, result: Received, duration_s: float) -> None:
        match result:
            case Refusal():
                self._observer.refused(source.name, result)
            case Answer():
                self._observer.greeted(source.name)
            case receipts:
                for receipt in receipts:
                    self._observer.accepted(
                        source.name, receipt.event_id, is_duplicate=receipt.is_duplicate, duration_s=duration_s
                    )

    def refuse(self, source: Source, refusal: Refusal) -> None:
        """Tell the observer of a request that was refused before it came here."""
        self._observer.refused(source.name, refusal)

    def turn_away(self, source: Source, reason: str) -> None:
        """Tell the observer of a request that there was no room for."""
        self._observer.unavailable(source.name, reason)

    def refuse_early(self, request: InboundRequest, source: Source) -> Refusal | None:
        """Refuse, before its body is read, a request that can be told to be forged without it."""
        refusal = refuse_early(request, source, self._clock.machine_now())
        if refusal is not None:
            self.refuse(source, refusal)
            self._keep(request, source, refusal, is_whole=False)
        return refusal

    def _keep(self, request: InboundRequest, source: Source, refusal: Refusal, *, is_whole: bool) -> None:
        if self._quarantine is not None:
            self._quarantine.take(request, source, refusal, is_whole=is_whole)

    async def _receive(self, request: InboundRequest, source: Source, came_at: datetime | None) -> Received:
        if len(request.body) <= LARGE_BODY_BYTES and "Content-Encoding" not in request.headers:
            judged = self._judge(request, source, came_at)
        else:  # beside the event loop, where the body is large or may unpack to be
            judged = await asyncio.to_thread(self._judge, request, source, came_at)
        match judged:
            case list():
                return await self._stored(judged)
            case KeyWanted():
                return await self._receive_by_key(judged, request, source, came_at)
            case Answer(offered=Secret() as offered):
                await asyncio.to_thread(self._keep_offer, source.name, offered)
        return judged

    async def _receive_by_key(
        self, wanted: KeyWanted, request: InboundRequest, source: Source, came_at: datetime | None
    ) -> Received:
        """Receive with the vendor's public key, once: what then wants another is not believed."""
        key = await self._fetch_key(wanted) if request.key is None else None
        return Refusal.MISMATCH if key is None else await self._receive(replace(request, key=key), source, came_at)

    def _judge(
        self, request: InboundRequest, source: Source, came_at: datetime | None
    ) -> list[Judged] | Answer | Refusal | KeyWanted:
        """Prove, read, name and route one request. Nothing is read before it is proven. came_at: None for just now."""
        proven_at = came_at or self._clock.machine_now()
        if (refusal := verify(request, source, proven_at)) is not None:
            return _answer_unproven(request, source, refusal)
        key = self._key_used(request, source, proven_at)
        if came_at is None and self._is_over_limit(source):
            return Refusal.LIMITED
        document = _read(request, source)
        if isinstance(document, Refusal):
            return document
        if source.greeting is not None and (answer := source.greeting.answer_proven(document, key or 1)) is not None:
            return answer
        now = self._clock.now()
        if source.batch is not None:
            return self._judge_each(request, source, document, now, key)
        judged = self._judge_one(request, source, document, now, key)
        return judged if isinstance(judged, Refusal) else [judged]

    def _judge_each(
        self, request: InboundRequest, source: Source, document: Document, now: datetime, key: int | None
    ) -> list[Judged] | Refusal:
        """Name and route everything that one request carries; what refuses one refuses all."""
        assert source.batch is not None  # noqa: S101 - only asked then
        parts = split(request, document, source.batch, source.body_bytes_max)
        if isinstance(parts, Refusal):
            return parts
        judged = []
        for part, item in parts:
            one = self._judge_one(part, source, item, now, key)
            if isinstance(one, Refusal):
                return one
            judged.append(one)
        return judged

    def _judge_one(
        self, request: InboundRequest, source: Source, document: Document, now: datetime, key: int | None
    ) -> Judged | Refusal:
        event = identify(request, source, document, now, new_event_id(now, self._entropy()), key)
        if isinstance(event, Refusal):
            return event
        return event, plan(event, document, source, now)

    def _key_used(self, request: InboundRequest, source: Source, now: datetime) -> int | None:
        """Return which secret was used, and note it: one that no sender uses any more can be taken away."""
        if not source.has_secret:
            return None
        key = key_used(request, source, now) if source.keyrings else 1
        self._observer.proven(source.name, key)
        return key

    def retry_after_s(self, source: Source) -> float:
        """Return the seconds until the source's limit has room again."""
        return source.limit.per_s / source.limit.count if source.limit else 1.0

    def _is_over_limit(self, source: Source) -> bool:
        """Only what is proven counts: a stranger cannot use up a sender's rate."""
        limit = self._limits.get(source.name)
        return limit is not None and limit[1].take(self._clock.monotonic()) > 0

    async def _stored(self, judged: list[Judged]) -> Sequence[Receipt]:
        """Store the events; their deliveries go from the commit straight to the workers, where these have room."""
        if (shortage := self._headroom.shortage) is not None:
            raise StoreUnavailable(shortage)
        placed = [self._lanes.reserve(event, planned, event.received_at) for event, planned in judged]
        try:
            if len(judged) == 1:  # as nearly always
                receipts = [await self._store.accept(*judged[0], placed[0].leases)]
            else:
                batch = [(*one, places.leases) for one, places in zip(judged, placed, strict=True)]
                receipts = await self._store.accept_all(batch)
        except BaseException:
            for places in placed:
                self._lanes.free(places)
            raise
        for places, (event, planned), receipt in zip(placed, judged, receipts, strict=True):
            self._lanes.fill(places, planned, receipt)
            if not receipt.is_duplicate:
                self._tell_failed_routes(event, planned)
        return receipts

    def _tell_failed_routes(self, event: Event, planned: Plan) -> None:
        for route, verdict in planned.verdicts:
            if verdict is Verdict.FAILED:
                self._observer.route_failed(event.source, event.id, route)


def _answer_unproven(
    request: InboundRequest, source: Source, refusal: Refusal | KeyWanted
) -> Answer | Refusal | KeyWanted:
    """Answer a question that need not be proven; else refuse, unless a key is yet to be had."""
    if source.greeting is None or isinstance(refusal, KeyWanted):
        return refusal
    return source.greeting.answer_unproven(request) or refusal


def _read(request: InboundRequest, source: Source) -> Document | Refusal:
    """Parse the body if some rule needs it; look into a packed one in any case, so that a broken one is refused."""
    encoding = request.headers.get("Content-Encoding")
    if not source.reads_body and encoding is None:
        return UNREAD
    return read(request.body, encoding, source.body_bytes_max, request.headers.get("Content-Type"))
