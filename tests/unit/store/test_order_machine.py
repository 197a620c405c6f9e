"""Order as a state machine: the writer's verbs on a real file, driven by whatever history Hypothesis thinks of."""

import sqlite3
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from relay.clock import to_ms
from relay.store.sqlite import accepting, carrying, rows
from relay.store.sqlite.carrying import Claim
from relay.store.sqlite.columns import NEVER_MS
from relay.store.sqlite.connection import connect
from relay.store.sqlite.schema import prepare
from tests.builders import a_lease, a_plan, again, an_event, dead, delivered
from tests.conftest import START

TARGET, BYTES = "erp", 10**9
values = st.sampled_from(["rental-1", "rental-2", "rental-3", None])
UNFINISHED = "SELECT id, order_value, due_at, status FROM deliveries WHERE finished_at IS NULL ORDER BY id"


class Order(RuleBasedStateMachine):
    """Of each value one delivery at a time; of what was never replayed, in order of arrival."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "relay.db"
        prepare(path, 1.0)
        self.connection: sqlite3.Connection = connect(path, 1.0)
        self.connection.execute("PRAGMA synchronous = OFF")  # what is tested here is order, not the disk
        self.held: list[Any] = []
        self.now_ms = to_ms(START)
        self.finished: dict[str, list[int]] = defaultdict(list)
        self.replayed: set[str] = set()
        self.events: list[str] = []

    def teardown(self) -> None:
        self.connection.close()
        self.folder.cleanup()

    @rule(wanted=st.lists(values, min_size=1, max_size=3), leased=st.booleans())
    def accept(self, wanted: list[str | None], leased: bool) -> None:
        leases = {0: a_lease()} if leased else {}
        events = [(an_event(), a_plan(TARGET, order=value)) for value in wanted]
        stored = accepting.accept(self.connection, [rows.acceptance(*event, leases) for event in events])
        self.events += [event.id for event, _ in events]
        for (event, plan), (_, first_id, queued) in zip(events, stored, strict=True):
            self.held += rows.born(event, plan, [index for index in leases if index not in queued], first_id)

    @rule(limit=st.integers(1, 5), later_ms=st.integers(0, 5000))
    def claim(self, limit: int, later_ms: int) -> None:
        self.now_ms += later_ms
        claim = Claim(TARGET, "worker-a", self.now_ms + 60_000, self.now_ms, limit, BYTES, None)
        self.held += rows.deliveries(carrying.claim(self.connection, [claim])[0])

    @precondition(lambda self: self.held)
    @rule(data=st.data(), end=st.sampled_from(["delivered", "dead", "again", "released"]))
    def end(self, data: st.DataObject, end: str) -> None:
        delivery = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        if end == "released":
            carrying.release(self.connection, [("worker-a", TARGET, [(delivery.id, delivery.attempt)])])
            return
        settlement = again(delivery, START) if end == "again" else {"delivered": delivered, "dead": dead}[end](delivery)
        assert [True] == carrying.settle(self.connection, [rows.settled(settlement)])
        if end != "again" and delivery.order is not None:
            self.finished[delivery.order].append(delivery.id)

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        event_id = data.draw(st.sampled_from(self.events))
        accepting.replay(self.connection, [accepting.Revival(event_id, self.now_ms)])
        (value,) = self.connection.execute(
            "SELECT d.order_value FROM deliveries d JOIN events e ON e.seq = d.event_seq WHERE e.id = ?", (event_id,)
        ).fetchone()
        self.replayed.add(value)

    @invariant()
    def one_of_each_value_has_its_turn(self) -> None:
        """Never two at once, and never none: then the value would wait for ever."""
        turns: dict[str, int] = defaultdict(int)
        for _, value, due_at, _ in self.connection.execute(UNFINISHED):
            turns[value] += due_at < NEVER_MS
        assert all(count == 1 for value, count in turns.items() if value is not None)

    @invariant()
    def none_is_overtaken(self) -> None:
        assert all(sorted(order) == order for value, order in self.finished.items() if value not in self.replayed)


TestOrder = Order.TestCase
TestOrder.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
