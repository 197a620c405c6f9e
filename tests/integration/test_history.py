"""A changed file is asked about what has come already, before it is used."""

from datetime import timedelta
from typing import Any

import pytest

from relay.domain import Identification, Route, Shape, Source, Target
from relay.expressions import compile_expression
from relay.history import EXAMPLES_MAX, Shaping, compare
from relay.store.protocol import Store
from relay.verification.none import NoVerifier
from tests.builders import a_plan, an_event
from tests.conftest import START, ManualClock

ERP, LAKE = Target("erp"), Target("lake")
DAY = timedelta(days=1)


def shop(*routes: Route) -> dict[str, Source]:
    return {"shop": Source("shop", (NoVerifier(),), Identification(), routes=routes)}


async def test_ids_follow_each_other_in_order_of_arrival(store: Store) -> None:
    """History is walked in steps, whatever its length."""
    events = [an_event(at=START + timedelta(seconds=number)) for number in range(5)]
    for event in events:
        await store.accept(event, a_plan("erp"), {})
    ids = [event.id for event in events]

    assert ids[:2] == await store.event_ids("evt_", 2)
    assert ids[2:4] == await store.event_ids(ids[1], 2)
    assert [] == await store.event_ids(ids[-1], 2)


async def test_what_would_go_elsewhere_is_told_by_route_with_examples(store: Store, clock: ManualClock) -> None:
    """An expression that misses a field is found before it costs an event."""
    events = [an_event(at=START, body=b'{"kind": "%d"}' % (number % 2)) for number in range(8)]
    for event in events:
        await store.accept(event, a_plan("erp"), {})
    sources = shop(
        Route("odd", "shop", (ERP,), compile_expression("kind == '1'")),
        Route("all", "shop", (LAKE,)),
        Route("bad", "shop", (LAKE,), compile_expression("starts_with(missing, 'x')")),
    )

    found = await compare(store, sources, START - DAY, clock.now())

    assert (8, True) == (found.events, found.is_whole)
    counts = {words: difference.count for words, difference in found.differences.items()}
    assert {
        "route route: no longer sent to erp": 4,
        "route all: now sent to lake": 8,
        "route bad: its expression fails": 8,
    } == counts
    gone = found.differences["route route: no longer sent to erp"]
    assert [event.id for event in events if b'"0"' in event.body][:EXAMPLES_MAX] == gone.examples


def shaped(**expressions: str) -> Shape:
    parts: dict[str, Any] = {}
    for name, text in expressions.items():
        compiled = compile_expression(text)
        parts[name] = {"X-Number": compiled} if name == "headers" else {"no": compiled} if name == "query" else compiled
    return Shape(**parts)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (Shape(), Shape(), []),
        (shaped(body="{n: no}"), shaped(body="{n: body.no}"), []),
        (shaped(body="{n: no}"), shaped(body="{m: no}"), ["what erp gets has another body"]),
        (Shape(), shaped(body="{m: no}"), ["what erp gets has another body"]),
        (Shape(), shaped(query="no"), ["what erp gets has another query"]),
        (shaped(path="'/a'"), shaped(path="'/b'", method="'PUT'"), ["what erp gets has another method and path"]),
        (shaped(headers="no"), shaped(headers="no", query="no"), ["what erp gets has another query"]),
        (Shape(), shaped(body="missing"), ["nothing could be sent to erp: its `body` fails"]),
        (shaped(body="missing"), Shape(), ["what erp gets can be shaped: its `body` fails no more"]),
        (shaped(body="missing"), shaped(body="gone"), []),
    ],
)
async def test_what_would_be_shaped_differently_is_told_by_its_parts(
    store: Store, clock: ManualClock, before: Shape, after: Shape, told: list[str]
) -> None:
    """A body that lacks a field is found by looking, before the ERP refuses it."""
    event = an_event(at=START, body=b'{"no": 7}')
    await store.accept(event, a_plan("erp"), {})
    old, new = (shop(Route("route", "shop", (ERP,), shape=shape)) for shape in (before, after))

    shaping, former = (Shaping(sources, {"erp": ERP}) for sources in (new, old))
    found = await compare(store, new, START - DAY, clock.now(), shaping, former)

    assert [f"route route: {words}" for words in told] == list(found.differences)
    assert all([event.id] == difference.examples for difference in found.differences.values())


async def test_what_could_not_be_shaped_is_told_without_another_file(store: Store, clock: ManualClock) -> None:
    """Only the comparison needs two."""
    await store.accept(an_event(at=START), a_plan("erp"), {})
    sources = shop(Route("route", "shop", (ERP,), shape=shaped(body="missing")))

    found = await compare(store, sources, START - DAY, clock.now(), Shaping(sources, {"erp": ERP}))

    assert ["route route: nothing could be sent to erp: its `body` fails"] == list(found.differences)


async def test_a_new_route_is_not_compared_with_one_that_was_not_there(store: Store, clock: ManualClock) -> None:
    """It is told as new, once."""
    await store.accept(an_event(at=START), a_plan("erp"), {})
    old = shop(Route("route", "shop", (ERP,)))
    new = shop(Route("route", "shop", (ERP,)), Route("more", "shop", (LAKE,), shape=shaped(body="event_id")))
    targets = {"erp": ERP, "lake": LAKE}

    found = await compare(store, new, START - DAY, clock.now(), Shaping(new, targets), Shaping(old, targets))

    assert ["route more: now sent to lake"] == list(found.differences)


async def test_the_same_file_makes_no_difference_and_old_events_do_not_count(store: Store, clock: ManualClock) -> None:
    """Only what is asked about is looked at."""
    await store.accept(an_event(at=START - 2 * DAY), a_plan("lake"), {})
    await store.accept(an_event(at=START), a_plan("erp"), {})
    same = await compare(store, shop(Route("route", "shop", (ERP,))), START - DAY, clock.now())

    assert (1, {}) == (same.events, same.differences)


async def test_a_source_that_would_be_gone_is_told(store: Store, clock: ManualClock) -> None:
    """Its vendor would be answered 404."""
    await store.accept(an_event(at=START), a_plan("erp"), {})

    found = await compare(store, {}, START - DAY, clock.now())
    assert ["source shop: it would not be there to receive"] == list(found.differences)
