"""The outbound journey: a delivery is claimed, sent, judged and settled, again and again until it is final.

Each target has a worker of its own, with its own lane and as many senders as its concurrency allows, so that one
slow or dead target delays no other.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from relay.clock import Clock
from relay.domain import Attempt, Delivery, DeliveryStatus, Outcome, RetryPolicy, Target
from relay.errors import StoreError, StoreRefused, StoreUnavailable
from relay.gate import Gate
from relay.lanes import Lane
from relay.observer import Observer
from relay.pacing import SlidingWindow
from relay.retry import Finish, Retry, decide
from relay.scheduler import Scheduler
from relay.store.protocol import Settlement, Store
from relay.targets.protocol import Sender

log = structlog.get_logger("relay.worker")

STUCK_S = 60.0  # beyond the target's time-out
PACE_PAUSE_S = 1.0  # before a store that has granted all it may is asked again, at the latest
STORE_PAUSE_S = 1.0  # before a store that is unavailable is asked again
LEASED = "it stays leased to this process; whoever runs after a restart tries to settle it as lost"


class Worker:
    """Carries one target's deliveries."""

    def __init__(
        self,
        lane: Lane,
        sender: Sender,
        store: Store,
        scheduler: Scheduler,
        clock: Clock,
        observer: Observer,
        draw: Callable[[], float],
    ) -> None:
        self._lane = lane
        self._sender = sender
        self._store = store
        self._scheduler = scheduler
        self._clock = clock
        self._observer = observer
        self._draw = draw
        rate = lane.target.rate
        self._sent = SlidingWindow(rate) if rate else None
        self._claimed = SlidingWindow(rate) if rate else None
        self._tasks: list[asyncio.Task[None]] = []
        self._turning_away: asyncio.Task[None] | None = None
        self._busy: dict[asyncio.Task[None], float] = {}  # since when each carries what it carries
        self._is_refused_claims = False
        self._is_stopping = False

    @property
    def lane(self) -> Lane:
        """Return what it holds."""
        return self._lane

    @property
    def gate(self) -> Gate:
        """Return what lets its deliveries go."""
        return self._lane.gate

    @property
    def target(self) -> Target:
        """Return whose deliveries it carries."""
        return self._lane.target

    @property
    def target_name(self) -> str:
        """Return whose deliveries it carries, by name."""
        return self._lane.target.name

    @property
    def is_well(self) -> bool:
        """Tell whether all of it turns, and nothing has been carried for longer than an attempt may take."""
        longest_s = self._lane.target.timeout_s + STUCK_S
        began_s = min(self._busy.values(), default=self._clock.monotonic())
        is_moving = self._clock.monotonic() - began_s < longest_s
        return is_moving and bool(self._tasks) and not any(task.done() for task in self._tasks)

    def start(self) -> list[asyncio.Task[None]]:
        """Begin to carry. The tasks returned end by `stop`, or by a fault of this program."""
        name = self._lane.target.name
        self._turning_away = asyncio.create_task(self._turn_away(), name=f"turn away {name}")
        self._tasks = [asyncio.create_task(self._feed(), name=f"feed {name}"), self._turning_away]
        for number in range(self._lane.target.concurrency):
            task = asyncio.create_task(self._carry_on(), name=f"carry {name} {number}")
            self._tasks.append(task)
        return self._tasks

    async def stop(self, grace_s: float) -> int:
        """Begin nothing more, give back what was not begun, let the rest finish. Tells how many were cut off."""
        self._is_stopping = True
        idle = [task for task in self._tasks if task not in self._busy]
        await _cancel(idle)
        await self._give_back()
        late: set[asyncio.Task[None]] = set()
        if self._busy:
            _, late = await asyncio.wait(list(self._busy), timeout=grace_s)
        await _cancel(list(late))
        await self._sender.close()
        return len(late)

    async def retire(self) -> None:
        """Begin nothing more, give back what was not begun, and come back once all that was begun is settled."""
        self._is_stopping = True
        self._lane.retire()
        await _cancel([task for task in self._tasks if task not in self._busy and task is not self._turning_away])
        await self._lane.until_empty()
        await _cancel(self._tasks)
        await self._sender.close()
        self._scheduler.expect(self._clock.now())  # what it gave back is for another

    async def _feed(self) -> None:
        """Claim what is due, whenever there is room for it."""
        while True:
            limit, bytes_max = await self._lane.hunger()
            now = self._clock.now()
            lease = self._lane.lease(now)
            target = self._lane.target
            claiming = self._store.claim(target.name, lease, now, limit, bytes_max, target.rate)
            try:
                await self._take(asyncio.ensure_future(claiming))
                self._tell_claims(None)
            except StoreError as error:
                self._tell_claims(error)
                self._lane.wake()
                await self._clock.sleep(STORE_PAUSE_S)

    def _tell_claims(self, error: StoreError | None) -> None:
        """Say once that nothing can be claimed, and once that it can again."""
        if error is not None and not self._is_refused_claims:
            next_step = f"trying again every {STORE_PAUSE_S:g} s"
            log.warning("claims_wait", target=self._lane.target.name, error=str(error), next_step=next_step)
        elif error is None and self._is_refused_claims:
            log.info("claims_go_on", target=self._lane.target.name)
        self._is_refused_claims = error is not None

    async def _take(self, claiming: asyncio.Future[list[Delivery]]) -> None:
        """Take what is being claimed, even if told to stop meanwhile: it is leased to us, and must be given back."""
        try:
            claimed = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            with suppress(StoreError):  # then nothing is leased
                self._lane.feed(await claiming)
            raise
        self._lane.feed(claimed)
        if self._claimed is not None:
            await self._keep_pace(self._claimed, len(claimed))

    async def _keep_pace(self, window: SlidingWindow, count: int) -> None:
        """Claim no more before the target's rate has room for it; the store has the last word on that."""
        for _ in range(count):
            window.take(self._clock.monotonic())
        if (wait_s := window.wait_s(self._clock.monotonic())) > 0:
            await self._clock.sleep(min(wait_s, PACE_PAUSE_S))  # what was given back meanwhile is granted again
            self._lane.wake()

    async def _turn_away(self) -> None:
        """Give back what a gate that shut leaves standing: in the store it waits without a lease, and for anyone."""
        while True:
            await self._return(await self._lane.turned_away())

    async def _carry_on(self) -> None:
        """Carry one delivery after the other."""
        me = asyncio.current_task()
        assert me is not None  # noqa: S101 - a coroutine runs in a task
        while not self._is_stopping:
            await self._carry_next(me)

    async def _carry_next(self, me: asyncio.Task[None]) -> None:
        """Carry the next delivery. What it holds is let go with it: a sender that waits holds no body."""
        lapses = self._lane.lapses
        delivery = await self._lane.next()
        if not await self._may_go(delivery):
            return
        if self._lane.lapses != lapses:  # this process stood still meanwhile: another one may be sending it
            self._lane.doubt(delivery)
            return
        self._busy[me] = self._clock.monotonic()
        try:
            await self._carry(delivery)
        finally:
            del self._busy[me]
            self._lane.done(delivery)

    async def _may_go(self, delivery: Delivery) -> bool:
        """Wait until the target's rate has room; put the delivery back if its gate has shut meanwhile."""
        if self._sent is None:
            return True
        try:
            while (wait_s := self._sent.take(self._clock.monotonic())) > 0:
                await self._clock.sleep(wait_s)
        except asyncio.CancelledError:
            self._lane.put_back(delivery)
            raise
        if self._lane.is_shut:
            self._lane.put_back(delivery)
            return False
        return True

    async def _carry(self, delivery: Delivery) -> None:
        attempt = await self._attempt(delivery)
        await self._lane.gate.learn(attempt)
        try:
            await self._conclude(delivery, attempt)
        except StoreRefused as error:  # else this one event would end the process, and after each start again
            await self._conclude_refused(delivery, error)

    async def _conclude(self, delivery: Delivery, attempt: Attempt) -> None:
        """Judge an attempt and settle what it leads to. Errors: StoreRefused."""
        now = self._clock.now()
        held = self._lane.gate.held(delivery.planned_at, now)
        settlement = judge(delivery, attempt, self._lane.target.retry, now, self._draw(), held)
        if await self._settle(settlement):
            self._tell(settlement)
        else:
            self._tell_lost(settlement)

    async def _conclude_refused(self, delivery: Delivery, error: StoreRefused) -> None:
        """Conclude an attempt whose result the store does not take: as lost, in words that are ours."""
        told = log.bind(target=delivery.target, event_id=delivery.event.id, attempt=delivery.attempt)
        next_step = "it counts as lost and is tried on its schedule; please report this: the relay made it so"
        told.error("settlement_refused", error=str(error), next_step=next_step)
        try:
            await self._conclude(delivery, lost(delivery, self._clock.now(), "the store refused to write its result"))
        except StoreRefused as again:
            tell_stuck(delivery, again, LEASED)

    async def _attempt(self, delivery: Delivery) -> Attempt:
        """Send once. Whatever goes wrong inside is this attempt's failure, and no other delivery's."""
        started_at, started_s = self._clock.now(), self._clock.monotonic()
        try:
            return await self._sender.send(delivery)
        except Exception as fault:  # an event that makes a sender fail must not stop its lane
            log.exception("sender_failed", target=delivery.target, event_id=delivery.event.id)
            duration_s = self._clock.monotonic() - started_s
            detail = f"the relay itself failed ({type(fault).__name__}); its log has the traceback"
            return Attempt(delivery.attempt, started_at, duration_s, Outcome.ERRORED, detail=detail)

    async def _settle(self, settlement: Settlement) -> bool:
        """Settle, however long the store needs. Tells whether the lease was still ours."""
        while True:
            try:
                return await self._store.settle(settlement)
            except StoreUnavailable as error:
                log.warning(
                    "settlement_waits",
                    target=settlement.delivery.target,
                    event_id=settlement.delivery.event.id,
                    error=str(error),
                    next_step=f"trying again in {STORE_PAUSE_S:g} s",
                )
                await self._clock.sleep(STORE_PAUSE_S)

    def _tell_lost(self, settlement: Settlement) -> None:
        """Say that another process took the delivery over while this one was held up."""
        log.warning(
            "lease_lost",
            target=settlement.delivery.target,
            event_id=settlement.delivery.event.id,
            outcome=settlement.attempt.outcome.value,
            next_step="the attempt is recorded; the delivery goes on with who took it over, and may arrive twice",
        )

    def _tell(self, settlement: Settlement) -> None:
        next_in_s = None
        if settlement.delivery.order is not None:
            self._lane.wake()  # the next with the same value has its turn
        if settlement.due_at is not None:
            self._scheduler.expect(settlement.due_at)
            next_in_s = (settlement.due_at - self._clock.now()).total_seconds()
        self._observer.attempted(settlement.delivery, settlement.attempt, settlement.status, next_in_s=next_in_s)

    async def _give_back(self) -> None:
        begun_by_none = self._lane.empty()
        if not begun_by_none:
            return
        try:
            await self._release(begun_by_none)
        except StoreError as error:  # the next start finds their leases without an owner
            log.warning("release_failed", target=self._lane.target.name, error=str(error))

    async def _return(self, begun_by_none: list[Delivery]) -> None:
        """Give deliveries back to the store, however long it needs; one that it refuses keeps its lease."""
        while begun_by_none:
            try:
                await self._release(begun_by_none)
            except StoreUnavailable:
                try:
                    await self._clock.sleep(STORE_PAUSE_S)
                except asyncio.CancelledError:
                    self._lane.restore(begun_by_none)
                    raise
            else:
                for delivery in begun_by_none:
                    self._lane.drop(delivery)
                self._lane.wake()
                return

    async def _release(self, begun_by_none: list[Delivery]) -> None:
        """Give back all that the store takes. To give one back once more does nothing. Errors: StoreUnavailable."""
        try:
            await self._store.release(begun_by_none)
        except StoreRefused as error:
            if len(begun_by_none) > 1:  # one spoils it for all
                for delivery in begun_by_none:
                    await self._release([delivery])
            else:
                tell_stuck(begun_by_none[0], error, LEASED)


def judge(
    delivery: Delivery, attempt: Attempt, policy: RetryPolicy, now: datetime, jitter: float, held: timedelta
) -> Settlement:
    """Turn an attempt into what it leads to. held: as for `decide`."""
    match decide(attempt, delivery, policy, now, jitter, held):
        case Finish(status):
            return Settlement(delivery, attempt, status)
        case Retry(due_at):
            return Settlement(delivery, attempt, DeliveryStatus.PENDING, due_at)


def lost(delivery: Delivery, now: datetime, why: str) -> Attempt:
    """Return the attempt of which nobody knows what came of it."""
    return Attempt(delivery.attempt, now, 0.0, Outcome.LOST, detail=f"{why}; whether the target got it is not known")


def tell_stuck(delivery: Delivery, error: StoreRefused, next_step: str) -> None:
    """Say that the store takes nothing of a delivery, neither what came of it nor that nothing was begun."""
    log.error(
        "delivery_stuck",
        target=delivery.target,
        event_id=delivery.event.id,
        attempt=delivery.attempt,
        error=str(error),
        next_step=next_step,
    )


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
