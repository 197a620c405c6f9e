"""One history: what a seed makes happen to the relay, and whether it kept its promises."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any
from unittest.mock import patch

import orjson

from relay import maintenance, scheduler
from relay.domain import DeliveryStatus, Identification, Rate, RetryPolicy, Route, Source, Target
from relay.domain.targets import BreakerPolicy
from relay.errors import StoreError
from relay.expressions import compile_expression, compile_term
from relay.verification.none import NoVerifier
from tests.simulation.database import Database
from tests.simulation.loop import NothingMoves, TimelessLoop
from tests.simulation.network import Arrival, Mood, Network
from tests.simulation.process import Process

TROUBLE_S = 40.0  # from then on nothing bad happens any more
PATIENCE_S = 900.0  # and after so long everything must be final
EVENTS_MAX = 14
FAULTS_MAX = 7
KEEP = timedelta(days=1)
POLL_S = 8.0  # looking now and then must mend what a lost hint leaves; seldom, so that little else is mended by it

_RETRY = RetryPolicy(base_s=0.5, factor=2, cap_s=10, max_age=timedelta(hours=1))
_ERP = Target(
    "erp", timeout_s=5, concurrency=2, retry=_RETRY, breaker=BreakerPolicy(3, 4, 20), order_by=compile_expression("of")
)
_CHAT = Target("chat", timeout_s=5, concurrency=3, retry=_RETRY, breaker=BreakerPolicy(4, 4, 20))
_BOOKS = Target("books", timeout_s=5, concurrency=2, retry=RetryPolicy(1, 2, 5, timedelta(seconds=20)), rate=Rate(4, 3))
TARGETS = (_ERP, _CHAT, _BOOKS)
SOURCE = Source(
    "shop",
    (NoVerifier(),),
    Identification(compile_term("kind"), {"*": compile_term("id")}, {"*": timedelta(days=7)}),
    routes=(
        Route("all", "shop", (_ERP, _CHAT)),
        Route("invoices", "shop", (_BOOKS,), compile_expression("kind == 'invoice'")),
    ),
)


@dataclass
class Sent:
    """One event, as its sender knows it."""

    key: str
    body: bytes
    acknowledged: list[str] = field(default_factory=list)

    @property
    def targets(self) -> set[str]:
        """Return where it must go."""
        return {"erp", "chat"} | ({"books"} if orjson.loads(self.body)["kind"] == "invoice" else set())


@dataclass(frozen=True)
class Story:
    """What happened, and what of it never should have. attempts: at all targets, by whatever reached them."""

    seed: int
    happened: Sequence[str]
    broken: Sequence[str]
    events: int
    arrivals: int


def play(seed: int) -> Story:
    """Play a seed's history, always in the same way."""
    loop = TimelessLoop()
    asyncio.set_event_loop(loop)
    with patch.object(scheduler, "POLL_S", POLL_S), patch.object(maintenance, "SEE_EVERY_S", POLL_S):
        return _played(seed, loop)


def _played(seed: int, loop: TimelessLoop) -> Story:
    try:
        history = History(seed)
        try:
            loop.run_until_complete(history.run())
        except NothingMoves:
            history.broken.append("everybody waits for somebody else")
        history.bury()
        loop.run_until_complete(_let_go())
        return history.story()
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _let_go() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.wait(others, timeout=1) if others else None


class History:
    """The world of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = Random(seed)
        self.database = Database(self.chance)
        self.network = Network(self.chance, KEEP)
        self.happened: list[str] = []
        self.broken: list[str] = self.network.faults
        self.sent: list[Sent] = []
        self.processes: list[Process] = []
        self.is_replayed = False
        self._names = 0

    async def run(self) -> None:
        """Let things happen, then let everything heal, then look."""
        for _ in range(self.chance.choice((1, 1, 2))):
            self.start_process()
        senders = [asyncio.ensure_future(self.send_one(number)) for number in range(self.chance.randint(1, EVENTS_MAX))]
        faults = [asyncio.ensure_future(fault) for fault in self.draw_faults()]
        await asyncio.sleep(TROUBLE_S)
        await asyncio.gather(*faults)
        await self.heal()
        await asyncio.gather(*senders)
        if await self.settles():
            self.look()
            await self.run_empty()

    def story(self) -> Story:
        """Tell what happened."""
        return Story(self.seed, self.happened, self.broken, len(self.sent), len(self.network.arrivals))

    def tell(self, what: str) -> None:
        """Note what happened."""
        self.happened.append(f"{asyncio.get_running_loop().time():9.3f}  {what}")

    def bury(self) -> None:
        """Take away what is left of all processes."""
        for process in self.processes:
            process.life.bury()

    # ── who sends ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def send_one(self, number: int) -> None:
        """Send an event until it is acknowledged; now and then once more, as senders do."""
        body = {"id": f"key-{number}", "kind": self.chance.choice(("invoice", "note")), "of": self.chance.choice("abc")}
        sent = Sent(f"key-{number}", orjson.dumps(body))
        self.sent.append(sent)
        await asyncio.sleep(self.chance.uniform(0, TROUBLE_S * 0.8))
        for _ in range(self.chance.choice((1, 1, 1, 2, 3))):
            while (event_id := await self._answer(sent)) is None:
                await asyncio.sleep(self.chance.uniform(0.2, 4))
            sent.acknowledged.append(event_id)
            self.tell(f"{sent.key} is acknowledged as {event_id}")
            await asyncio.sleep(self.chance.uniform(0, 10))

    async def _answer(self, sent: Sent) -> str | None:
        up = [process for process in self.processes if process.is_up]
        if not up:
            return None
        answering = self.chance.choice(up).post(sent.body)
        done, _ = await asyncio.wait([answering], timeout=10)
        return answering.result() if done and not answering.cancelled() else None

    # ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────────

    def draw_faults(self) -> Iterator[Awaitable[None]]:
        """Choose what goes wrong, when and for how long."""
        kinds: list[Callable[[float], Awaitable[None]]] = [
            self.kill,
            self.kill,
            self.stop,
            self.shut_down,
            self.set_clock,
            self.lose_database,
            self.slow_database,
            self.upset_target,
            self.upset_target,
            self.pause_target,
            self.replay,
        ]
        for _ in range(self.chance.randint(0, FAULTS_MAX)):
            yield self._later(self.chance.choice(kinds), self.chance.uniform(0, TROUBLE_S), self.chance.uniform(0, 20))

    async def _later(self, fault: Callable[[float], Awaitable[None]], at_s: float, lasting_s: float) -> None:
        await asyncio.sleep(at_s)
        await fault(min(lasting_s, TROUBLE_S - at_s))

    def start_process(self) -> None:
        """Start a process, as a service manager does."""
        self._names += 1
        process = Process(f"relay-{self._names}", SOURCE, TARGETS, self.database, self.network)
        self.processes.append(process)
        process.start()
        self.tell(f"{process.name} starts")

    def _one_up(self) -> Process | None:
        up = [process for process in self.processes if process.is_up]
        return self.chance.choice(up) if up else None

    async def kill(self, lasting_s: float) -> None:
        """Kill a process; another starts after a while."""
        if (process := self._one_up()) is not None:
            process.wound()
            process.kill()
            self.tell(f"{process.name} is killed")
            await asyncio.sleep(lasting_s / 4)
            self.start_process()

    async def stop(self, lasting_s: float) -> None:
        """Stop a process, perhaps for longer than its leases last."""
        if (process := self._one_up()) is not None:
            process.wound()
            process.life.stop()
            self.tell(f"{process.name} is stopped")
            await asyncio.sleep(self.chance.choice((lasting_s, 70.0)))
            process.life.go_on()
            self.tell(f"{process.name} goes on")

    async def shut_down(self, lasting_s: float) -> None:
        """End a process in good order; another starts after a while."""
        if (process := self._one_up()) is not None:
            self.tell(f"{process.name} is told to end")
            if await process.shut_down():
                process.wound()
            self.tell(f"{process.name} has ended")
            await asyncio.sleep(lasting_s / 4)
            self.start_process()

    async def set_clock(self, lasting_s: float) -> None:
        """Set a process's wall clock ahead, or back, for a while: others may take its leases for run out."""
        if (process := self._one_up()) is not None:
            for other in self.processes:
                other.wound()
            process.life.clock_is_off_s = self.chance.choice((-90.0, -5.0, 5.0, 90.0))
            self.tell(f"{process.name}'s clock is set by {process.life.clock_is_off_s} s")
            await asyncio.sleep(lasting_s)
            process.life.clock_is_off_s = 0.0

    async def lose_database(self, lasting_s: float) -> None:
        """Let nobody commit or read for a while."""
        self.database.is_out = True
        self.tell("the database is out")
        await asyncio.sleep(lasting_s)
        self.database.is_out = False
        self.tell("the database is back")

    async def slow_database(self, lasting_s: float) -> None:
        """Let each commit take long for a while."""
        self.database.is_slow = True
        self.tell("the disk is slow")
        await asyncio.sleep(lasting_s)
        self.database.is_slow = False

    async def upset_target(self, lasting_s: float) -> None:
        """Let a target behave badly for a while."""
        target, mood = self.chance.choice(TARGETS).name, self.chance.choice(list(Mood))
        self.network.moods[target] = mood
        self.tell(f"{target} is {mood.name.lower()}")
        await asyncio.sleep(lasting_s)
        self.network.moods[target] = Mood.WELL

    async def pause_target(self, lasting_s: float) -> None:
        """Pause a target, as an operator does, and let it go on later."""
        if (process := self._one_up()) is not None:
            target = self.chance.choice(TARGETS).name
            process.life.live(self._pause(process, target, is_paused=True), "pause")
            await asyncio.sleep(lasting_s)

    async def replay(self, _: float) -> None:
        """Replay an event, as an operator does."""
        known = [sent for sent in self.sent if sent.acknowledged]
        process = self._one_up()
        if known and process is not None:
            self.is_replayed = True
            event_id = self.chance.choice(known).acknowledged[0]
            self.tell(f"{event_id} is replayed")
            process.life.live(self._replay(process, event_id), "replay")

    # ── what must be so in the end ──────────────────────────────────────────────────────────────────────────────────

    async def heal(self) -> None:
        """End all that is wrong: from here on the relay needs nobody's hand."""
        self.tell("everything heals")
        self.database.is_out = self.database.is_slow = False
        self.network.moods.clear()
        for process in self.processes:
            process.life.clock_is_off_s = 0.0
            process.life.go_on()
        if self._one_up() is None:
            self.start_process()
        await asyncio.sleep(5)  # what was asked of a stopped process is done by then, a pause perhaps
        healer = next(process for process in self.processes if process.is_up)
        for target in TARGETS:
            healer.life.live(self._pause(healer, target.name, is_paused=False), "resume")

    async def settles(self) -> bool:
        """Wait until every delivery is final."""
        for _ in range(int(PATIENCE_S / 5)):
            if not self._rows("SELECT 1 FROM deliveries WHERE finished_at IS NULL LIMIT 1"):
                return True
            await asyncio.sleep(5)
        left = self._rows(
            "SELECT id, target, status, attempts, due_at, leased_by FROM deliveries WHERE finished_at IS NULL"
        )
        self.broken.append(f"not final after {PATIENCE_S:g} s without trouble: {left}")
        return False

    def look(self) -> None:
        """See what was promised."""
        self._see_events()
        self._see_deliveries()
        self._see_doubles()
        self._see_order()
        self._see_lanes()

    async def run_empty(self) -> None:
        """Let every process that lives come to an end: one that counts what it no longer holds never does."""
        up = [process for process in self.processes if process.is_up]
        _, late = await asyncio.wait([process.life.live(process.retire(), "retire") for process in up], timeout=60)
        if late:
            self.broken.append("a lane that should hold nothing does not run empty")

    def _see_events(self) -> None:
        """An acknowledged event is there once, under one id, with the bytes that were sent."""
        stored = self._rows("SELECT e.id, e.key, c.body FROM events e JOIN contents c ON c.event_seq = e.seq")
        by_id = {event_id: (bytes(key).decode(), bytes(body)) for event_id, key, body in stored}
        for sent in self.sent:
            if len(set(sent.acknowledged)) != 1:
                self.broken.append(f"{sent.key} was acknowledged as {sent.acknowledged}")
            elif by_id.get(sent.acknowledged[0]) != (sent.key, sent.body):
                self.broken.append(f"{sent.key} was acknowledged, and is stored as {by_id.get(sent.acknowledged[0])}")
        if len(by_id) != len(self.sent):
            self.broken.append(f"{len(self.sent)} events were sent, and {len(by_id)} are stored")

    def _see_deliveries(self) -> None:
        """Each event goes to each routed target once: it has arrived there whole, or stands as dead with a reason."""
        bodies = {sent.acknowledged[0]: sent for sent in self.sent}
        arrived = {(arrival.delivery.id, arrival.delivery.event.body) for arrival in self.network.arrivals}
        planned: dict[str, list[str]] = defaultdict(list)
        for delivery_id, event_id, target, status, reason in self._rows(
            "SELECT d.id, e.id, d.target, d.status, d.reason FROM deliveries d JOIN events e ON e.seq = d.event_seq"
        ):
            planned[event_id].append(target)
            if status == DeliveryStatus.DEAD and not reason:
                self.broken.append(f"delivery {delivery_id} is dead without a reason")
            if status == DeliveryStatus.DELIVERED and (delivery_id, bodies[event_id].body) not in arrived:
                self.broken.append(f"delivery {delivery_id} of {event_id} is delivered, and {target} has not got it")
        for event_id, sent in bodies.items():
            if sorted(planned[event_id]) != sorted(sent.targets):
                self.broken.append(f"{sent.key} must go to {sent.targets}, and is planned for {planned[event_id]}")

    def _see_doubles(self) -> None:
        """A target gets a delivery twice only if its answer was lost, or something happened to one who sent it."""
        for delivery_id, arrivals in self._arrivals_by_delivery().items():
            arrivals.sort(key=lambda arrival: arrival.sent_s)
            for first, second in pairwise(arrivals):
                is_excused = first.process.is_wounded or second.process.is_wounded or not first.is_answered
                if not is_excused and not self.is_replayed:
                    self.broken.append(
                        f"delivery {delivery_id} was sent twice, at {first.sent_s:.3f}, {second.sent_s:.3f}"
                    )

    def _see_order(self) -> None:
        """Of one value a target gets one after the other, in the order in which they were accepted."""
        has_died = self._rows("SELECT 1 FROM deliveries WHERE status = 'dead' AND target = 'erp' LIMIT 1")
        if has_died or self.is_replayed or any(process.is_wounded for process in self.processes):
            return
        last: dict[str | None, int] = {}
        for arrival in self.network.arrivals:
            delivery = arrival.delivery
            if delivery.target == "erp" and arrival.is_answered:  # one that timed out may get there at any time
                if delivery.id < last.get(delivery.order, 0):
                    self.broken.append(
                        f"delivery {delivery.id} of {delivery.order!r} came after {last[delivery.order]}"
                    )
                last[delivery.order] = delivery.id

    def _see_lanes(self) -> None:
        """What is counted as it changes is what a count finds."""
        counted = "SELECT target, sum(finished_at IS NULL), sum(status = 'dead') FROM deliveries GROUP BY target"
        kept = {
            target: (unfinished, dead)
            for target, unfinished, dead in self._rows("SELECT target, unfinished, dead FROM lanes")
        }
        for target, unfinished, dead in self._rows(counted):
            if kept.get(target) != (unfinished, dead):
                self.broken.append(
                    f"{target} has {unfinished} unfinished and {dead} dead; it is kept as {kept[target]}"
                )

    def _arrivals_by_delivery(self) -> dict[int, list[Arrival]]:
        found: dict[int, list[Arrival]] = defaultdict(list)
        for arrival in self.network.arrivals:
            found[arrival.delivery.id].append(arrival)
        return found

    def _rows(self, question: str) -> list[tuple[Any, ...]]:
        return self.database.connection.execute(question).fetchall()

    async def _pause(self, process: Process, target: str, *, is_paused: bool) -> None:
        with suppress(StoreError):
            await process.store.pause(target, process.clock.now(), is_paused=is_paused)
            self.tell(f"{target} is {'paused' if is_paused else 'let go on'}")

    async def _replay(self, process: Process, event_id: str) -> None:
        with suppress(StoreError):
            await process.store.replay(event_id, process.clock.now())
