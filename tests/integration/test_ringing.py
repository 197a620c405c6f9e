"""What an operator is told: collected, stored as an event, and never to whom it is about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from relay.disuse import Disuse
from relay.domain import (
    Attempt,
    DeliveryStatus,
    Identification,
    Notice,
    NoticeKind,
    Notify,
    Outcome,
    Secret,
    Source,
    Target,
)
from relay.headroom import Headroom
from relay.lanes import Lanes
from relay.lookout import Lookout
from relay.notifying import NOTICES_MAX, Notifier
from relay.silence import Silence
from relay.singles import OLD, Singles
from relay.store.ports.minutes import Kind
from relay.store.protocol import Store
from relay.telemetry import Telemetry
from relay.verification.hmac import HmacVerifier
from relay.verification.none import NoVerifier
from tests.builders import a_lease, a_plan, an_event
from tests.conftest import START, ManualClock
from tests.senders import a_delivery

TARGETS = {"chat": Target("chat"), "mail": Target("mail"), "erp": Target("erp")}
ALL = frozenset(NoticeKind)
POLICY = Notify(("chat", "mail"), ALL, timedelta(seconds=30))


def a_notice(where: str = "erp", kind: NoticeKind = NoticeKind.DEAD, what: str = "given up") -> Notice:
    return Notice(kind, what, where, START, "mend it")


@pytest.fixture
def notifier(store: Store, clock: ManualClock) -> Notifier:
    numbers = iter(range(1, 100))
    return Notifier(POLICY, TARGETS, store, Lanes([]), clock, lambda count: next(numbers).to_bytes(count, "big"))


async def told(store: Store, *targets: str) -> dict[str, list[Mapping[str, Any]]]:
    """Return what each target is told."""
    found = {}
    for target in targets:
        claimed = await store.claim(target, a_lease(), START + timedelta(hours=1), 100, 10**6)
        assert {"relay"} >= {delivery.event.source for delivery in claimed}
        found[target] = [orjson.loads(delivery.event.body) for delivery in claimed]
    return found


async def test_what_happens_in_one_period_is_told_together(notifier: Notifier, store: Store) -> None:
    """A night in which a thousand deliveries die is one message, with its number."""
    for number in range(1000):
        notifier.tell(a_notice(what=f"evt_{number} was given up"))
    notifier.tell(a_notice("shop", NoticeKind.SILENT, "nothing came"))
    await notifier.flush()

    found = await told(store, "chat", "mail")
    assert found["chat"] == found["mail"]
    ((message),) = found["chat"]
    assert ("dead", "erp", "evt_999 was given up", 1000) == tuple(
        message[key] for key in ("kind", "where", "what", "count")
    )
    assert ["erp", "shop"] == [notice["where"] for notice in message["notices"]]
    assert "erp: evt_999 was given up. mend it\nshop: nothing came. mend it" == message["text"]
    assert "2026-07-01T12:00:00.000Z" == message["since"]


async def test_nobody_is_told_of_itself(notifier: Notifier, store: Store) -> None:
    """A chat that cannot be reached would only get more that cannot be delivered."""
    notifier.tell(a_notice("chat"))
    notifier.tell(a_notice("erp"))
    await notifier.flush()

    found = await told(store, "chat", "mail")
    assert [["erp"]] == [[each["where"] for each in message["notices"]] for message in found["chat"]]
    assert {"chat", "erp"} == {each["where"] for message in found["mail"] for each in message["notices"]}


async def test_who_is_alone_is_not_told_of_itself_either(store: Store, clock: ManualClock, notifier: Notifier) -> None:
    """Then there is nobody to tell, and nothing is stored."""
    notifier.adopt(replace(POLICY, targets=("chat",)), TARGETS)
    notifier.tell(a_notice("chat"))
    await notifier.flush()

    assert {"chat": []} == await told(store, "chat")


async def test_what_nobody_asked_for_is_not_told(notifier: Notifier, store: Store) -> None:
    """`on` says what rings."""
    notifier.adopt(replace(POLICY, kinds=frozenset({NoticeKind.DISK})), TARGETS)
    notifier.tell(a_notice())
    await notifier.flush()

    assert {"chat": []} == await told(store, "chat")


async def test_a_flood_of_different_things_is_bounded(notifier: Notifier, store: Store) -> None:
    """Of what is too much the number is told."""
    for number in range(NOTICES_MAX + 7):
        notifier.tell(a_notice(f"target-{number}"))
    await notifier.flush()

    (message,) = (await told(store, "chat"))["chat"]
    assert (NOTICES_MAX, 7) == (len(message["notices"]), message["unsaid"])
    assert message["text"].endswith("and 7 more")


def rung(clock: ManualClock) -> tuple[Telemetry, list[Notice]]:
    telemetry = Telemetry(clock, TARGETS)
    notices: list[Notice] = []
    telemetry.ring = notices.append
    return telemetry, notices


def test_a_breaker_rings_once_when_it_opens_and_once_when_it_closes(clock: ManualClock) -> None:
    """Each probe that fails is no news, and neither is a pause that ends."""
    telemetry, notices = rung(clock)
    for state in ("paused", "operating", "broken", "probing", "broken", "probing", "operating"):
        telemetry.target_changed("erp", state, "timed_out: 15 s", "look after it")

    assert [("breaker", "erp"), ("breaker", "erp")] == [(each.kind.value, each.where) for each in notices]
    assert ("left alone" in notices[0].what, "well again" in notices[1].what) == (True, True)


@pytest.mark.parametrize(("source", "count"), [("shop", 1), ("relay", 0)])
def test_a_dead_delivery_rings_unless_it_was_to_tell_something(clock: ManualClock, source: str, count: int) -> None:
    """Two targets that both fail would tell each other of it for ever."""
    telemetry, notices = rung(clock)
    attempt = Attempt(1, START, 0.1, Outcome.REJECTED, 410)
    telemetry.attempted(a_delivery(an_event(source=source)), attempt, DeliveryStatus.DEAD, next_in_s=None)

    assert count == len(notices)


def a_source(name: str, expect_every: timedelta | None) -> Source:
    return Source(name, (NoVerifier(),), Identification(None, {}, {}, needs_json=False), expect_every=expect_every)


def nothing_unused(clock: ManualClock) -> Disuse:
    return Disuse([], lambda _, __: None, clock)


def with_secrets(*secrets: str) -> Source:
    keyrings = tuple((HmacVerifier("X-Signature", (Secret(secret),)),) for secret in secrets)
    return replace(a_source("shop", None), keyrings=keyrings, has_secret=True)


def watched_secrets(clock: ManualClock, source: Source) -> tuple[Telemetry, Disuse, Lookout, list[Notice]]:
    telemetry, notices = rung(clock)
    disuse = Disuse([source], telemetry.key_used, clock)
    silence = Silence([], lambda _: None, clock)
    return telemetry, disuse, Lookout(silence, disuse, Headroom(10, 0), clock, notices.append), notices


def test_a_secret_that_is_no_longer_used_rings_once(clock: ManualClock) -> None:
    """A replaced secret that stays in the file is one more that can leak; nobody remembers it by himself."""
    telemetry, _, lookout, notices = watched_secrets(clock, with_secrets("new", "old"))
    telemetry.proven("shop", 2)
    for _ in range(40):
        clock.advance(86_400)
        telemetry.proven("shop", 1)
        lookout.look()

    (notice,) = notices
    assert (NoticeKind.KEY, "shop") == (notice.kind, notice.where)
    assert "its secret 2 has proven nothing for 30 days, while another has" == notice.what

    telemetry.proven("shop", 2)
    lookout.look()
    clock.advance(31 * 86_400)
    telemetry.proven("shop", 1)
    lookout.look()
    assert 2 == len(notices)


def test_a_silent_source_says_nothing_about_its_secrets(clock: ManualClock) -> None:
    """Where nothing comes at all, either may be the one in use."""
    _, _, lookout, notices = watched_secrets(clock, with_secrets("new", "old"))
    clock.advance(60 * 86_400)
    lookout.look()

    assert [] == notices


def test_secrets_that_change_are_watched_anew_and_others_go_on(clock: ManualClock) -> None:
    """What stood at a position before says nothing about what stands there now."""
    telemetry, disuse, lookout, notices = watched_secrets(clock, with_secrets("new", "old"))
    clock.advance(29 * 86_400)
    disuse.adopt([with_secrets("newer", "new")])
    clock.advance(2 * 86_400)
    telemetry.proven("shop", 1)
    lookout.look()
    assert [] == notices

    disuse.adopt([with_secrets("newer", "new")])
    clock.advance(29 * 86_400)
    telemetry.proven("shop", 1)
    lookout.look()
    assert 1 == len(notices)


def test_a_silent_source_rings_once_and_once_when_it_sends_again(clock: ManualClock) -> None:
    """Nobody else would notice that a vendor has stopped to send."""
    heard: dict[str, datetime] = {}
    sources = [a_source("daily", timedelta(days=1)), a_source("rare", None)]
    notices: list[Notice] = []
    lookout = Lookout(Silence(sources, heard.get, clock), nothing_unused(clock), Headroom(10, 0), clock, notices.append)

    for seconds in (86_000, 1_000, 1_000):
        clock.advance(seconds)
        lookout.look()
    heard["daily"] = clock.now()
    lookout.look()
    lookout.look()

    assert ["nothing came for too long", "sends again"] == [each.what for each in notices]
    assert START == notices[0].since


def test_a_reload_does_not_make_a_silent_source_a_fresh_one(clock: ManualClock) -> None:
    """Its time goes on, unless it is `expect_every` that changed."""
    silence = Silence([a_source("daily", timedelta(days=1))], lambda _: None, clock)
    clock.advance(90_000)
    silence.adopt([a_source("daily", timedelta(days=1))])
    assert START == silence.since("daily")

    silence.adopt([a_source("daily", timedelta(days=2))])
    assert silence.since("daily") is None


async def test_what_came_to_another_replica_or_before_a_restart_counts(store: Store, clock: ManualClock) -> None:
    """Behind a balancer each hears its share, and a restart is no sign of life of a vendor's."""
    silence = Silence([a_source("daily", timedelta(days=1))], lambda _: None, clock)
    clock.advance(90_000)
    assert START == silence.since("daily")
    await store.minutes.add(clock.now(), {Kind("event", "daily", "accepted"): (1, 0.0)}, START)
    await silence.look(store)
    assert silence.since("daily") is None

    came_at = clock.now() + timedelta(minutes=1)
    clock.advance(90_000)
    restarted = Silence([a_source("daily", timedelta(days=1))], lambda _: None, clock)
    assert restarted.since("daily") is None
    await restarted.look(store)
    assert came_at == restarted.since("daily")


def test_a_disk_that_is_nearly_full_rings_and_so_does_room_again(clock: ManualClock) -> None:
    """Until somebody makes room, nothing is accepted."""
    headroom = Headroom(10, 1000)
    notices: list[Notice] = []
    silence = Silence([], lambda _: None, clock)
    lookout = Lookout(silence, nothing_unused(clock), headroom, clock, notices.append)
    for free_bytes in (5000, 10, 10, 5000):
        headroom.see({}, free_bytes)
        lookout.look()

    assert ["disk", "disk"] == [each.kind.value for each in notices]


async def test_each_source_and_target_can_be_asked_for_by_itself(store: Store, clock: ManualClock) -> None:
    """A monitor rings the one whose target it is, and lets the others sleep."""
    sources = [a_source("daily", timedelta(days=1))]
    singles = Singles(sources, TARGETS, Silence(sources, lambda _: None, clock), store, clock)

    async def is_well(name: str) -> bool:
        clock.advance(1)
        check = await singles.target(name)
        assert check is not None
        return check.ok

    assert (True, True) == (await is_well("erp"), await is_well("chat"))
    await store.pause("erp", clock.now(), is_paused=True)
    assert (False, True) == (await is_well("erp"), await is_well("chat"))
    await store.pause("erp", clock.now(), is_paused=False)
    await store.accept(an_event(at=clock.now()), a_plan("erp", at=clock.now()), {})
    assert await is_well("erp")
    clock.advance(OLD.total_seconds())
    assert not await is_well("erp")

    clock.advance(86_400)
    assert (check := singles.source("daily")) is not None
    assert not check.ok
    assert singles.source("unknown") is None
    assert await singles.target("unknown") is None
