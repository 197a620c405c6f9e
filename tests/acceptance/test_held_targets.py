"""Targets that are held, in order, or at a pace: the real program, as its operator meets it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.acceptance.program import Program, call, configured, session, started
from tests.acceptance.sink import Sink, receiving, receiving_by
from tests.patience import WAIT_S_MAX
from tests.ports import free_port
from tests.storage import Storage

QUICK: dict[str, Any] = {"allow_private": True, "retry": {"base": "50ms", "factor": 1, "jitter": 0}}
TOKEN = "a-token-of-the-admin"


def shop(**targets: Mapping[str, Any]) -> dict[str, Any]:
    """Configure a source from which every event goes to each of these targets."""
    return {
        "admin": {"listen": f"127.0.0.1:{free_port()}", "tokens": [TOKEN]},
        "sources": {"shop": {"verify": "none", "key": "id"}},
        "targets": {name: {**QUICK, **settings} for name, settings in targets.items()},
        "routes": [{"from": "shop", "to": list(targets)}],
    }


def a_program(folder: Path, storage: Storage, parts: dict[str, Any]) -> Program:
    program = configured(folder, parts, storage=storage)
    program.admin_port = int(parts["admin"]["listen"].rpartition(":")[2])
    return program


async def post(relay: Program, **body: object) -> str:
    """Send an event; return its id."""
    async with session() as http, http.post(f"{relay.url}/in/shop", json=body) as answer:
        told = await answer.json()
    assert "accepted" == told["status"]
    return str(told["id"])


async def targets(relay: Program, *arguments: str) -> tuple[int, str]:
    """Call `relay targets`; return exit code and output."""
    code, output, errors = await call("targets", *arguments, "-c", str(relay.config))
    assert "" == errors
    return code, output


async def state_of(relay: Program, name: str) -> dict[str, Any]:
    _, output = await targets(relay, "--json")
    return next(target for target in json.loads(output) if target["name"] == name)


async def metric(relay: Program, line: str) -> float:
    async with session() as http, http.get(f"{relay.admin_url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(float(told.rpartition(" ")[2]) for told in lines if told.startswith(line))


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        while not await is_so():
            await asyncio.sleep(0.05)


async def until_state_is(relay: Program, name: str, state: int) -> None:
    """Come back once the relay's own metrics show a state."""

    async def is_so() -> bool:
        return state == await metric(relay, f'relay_target_state{{target="{name}"}}')

    await until(is_so)


def attempts(relay: Program, target: str) -> list[tuple[str, int]]:
    """Return status and number of attempts of each delivery to a target, in order of arrival."""
    return relay.rows(f"SELECT status, attempts FROM deliveries WHERE target = '{target}' ORDER BY id")


# ── breaker ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_target_that_refuses_connections_is_left_alone_and_shown_as_broken(
    tmp_path: Path, storage: Storage, sink: Sink
) -> None:
    """Its deliveries use up no attempts meanwhile, and no other target notices; a restart does not begin anew."""
    down = {"url": f"http://127.0.0.1:{free_port()}/", "breaker": {"failures": 3, "probe": "1d", "probe_cap": "1d"}}
    async with started(a_program(tmp_path, storage, shop(down=down, up={"url": sink.url}))) as relay:
        await post(relay, id=1)
        await until_state_is(relay, "down", 2)
        shown = await state_of(relay, "down")
        table = await targets(relay)
        await relay.stop()

        relay.start()
        await relay.is_ready()
        state_at_start = await metric(relay, 'relay_target_state{target="down"}')
        second = await post(relay, id=2)
        await sink.has(second)

        assert ("broken", 1) == (shown["state"], shown["unfinished"])
        assert "unreachable: 127.0.0.1:" in shown["reason"]
        assert shown["held_since"] < shown["next_probe_at"]
        assert 0 == table[0]
        assert f"{shown['reason']}; next try in 23h" in table[1]
        assert 2.0 == state_at_start
        assert [("pending", 3), ("pending", 0)] == attempts(relay, "down")


async def test_a_target_that_comes_back_gets_what_waited(tmp_path: Path, storage: Storage) -> None:
    """One delivery tries it; once it is taken the others follow, without a hand."""
    async with receiving() as sink:
        sink.fails = lambda: True
        settings = {"url": sink.url, "breaker": {"failures": 2, "probe": "1s", "probe_cap": "1s"}}
        async with started(a_program(tmp_path, storage, shop(erp=settings))) as relay:
            first = await post(relay, id=0)
            await until_state_is(relay, "erp", 2)
            waiting = {await post(relay, id=number) for number in range(1, 6)}
            sink.fails = lambda: False
            await relay.is_settled()

            assert waiting | {first} == sink.ids
            assert "operating" == (await state_of(relay, "erp"))["state"]
            await until_state_is(relay, "erp", 0)


# ── pause ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_pause_holds_what_comes_until_it_is_lifted_whatever_happens_between(
    tmp_path: Path, storage: Storage, sink: Sink
) -> None:
    """`relay targets pause` beside a running relay: nothing is tried, not even after a restart, and nothing is lost."""
    async with started(a_program(tmp_path, storage, shop(erp={"url": sink.url}, chat={"url": sink.url}))) as relay:
        paused = await targets(relay, "pause", "erp")
        await until_state_is(relay, "erp", 3)
        first = await post(relay, id=1)
        await sink.has(first)
        before = attempts(relay, "erp")
        await relay.stop()

        relay.start()
        await relay.is_ready()
        state_at_start = await metric(relay, 'relay_target_state{target="erp"}')
        second = await post(relay, id=2)
        await sink.has(second)
        after = attempts(relay, "erp")

        resumed = await targets(relay, "resume", "erp")
        await relay.is_settled()

        assert [0, 0] == [paused[0], resumed[0]]
        assert "erp goes on\n" == resumed[1]
        assert [("pending", 0)] == before
        assert 3.0 == state_at_start
        assert [("pending", 0)] * 2 == after
        assert [("delivered", 1)] * 2 == attempts(relay, "erp")
        assert sorted([first, first, second, second]) == sorted(arrival.event_id for arrival in sink.arrivals)
        assert '"event":"target_changed","target":"erp","state":"paused"' in relay.log.read_text()


async def test_a_pause_before_the_first_delivery_holds_even_that(tmp_path: Path, storage: Storage, sink: Sink) -> None:
    """With no relay running: an operator prepares a start at which nothing must go out."""
    program = a_program(tmp_path, storage, shop(erp={"url": sink.url}, chat={"url": sink.url}))
    async with started(program) as relay:
        await relay.stop()
        assert 0 == (await targets(relay, "pause", "erp"))[0]

        relay.start()
        await relay.is_ready()
        await sink.has(await post(relay, id=1))

        assert [("pending", 0)] == attempts(relay, "erp")


async def test_the_api_pauses_and_lets_go_on(tmp_path: Path, storage: Storage, sink: Sink) -> None:
    """The same by HTTP, for whoever has a token of the admin."""
    known = {"Authorization": f"Bearer {TOKEN}"}
    async with started(a_program(tmp_path, storage, shop(erp={"url": sink.url}))) as relay, session() as http:
        erp = f"{relay.admin_url}/api/v1/targets/erp"
        async with http.post(f"{erp}/pause", headers=known) as answer:
            paused = await answer.json()
        await until_state_is(relay, "erp", 3)
        event_id = await post(relay, id=1)
        async with http.post(f"{erp}/resume", headers=known) as answer:
            resumed = await answer.json()
        await sink.has(event_id)

    assert [("paused", True), ("operating", False)] == [(told["state"], told["paused"]) for told in (paused, resumed)]
    assert 1 == resumed["unfinished"]


# ── order, rate, farewell ───────────────────────────────────────────────────────────────────────────────────────────


async def test_what_belongs_together_arrives_in_order_and_holds_up_nothing_else(
    tmp_path: Path, storage: Storage
) -> None:
    """The first of a rental fails until another rental has passed it; its second waits for it all the while."""
    taken: list[int] = []

    async def take(http: web.Request) -> web.Response:
        number = (await http.json())["id"]
        if number == 1 and not {3, 4} <= set(taken):
            return web.Response(status=500)
        taken.append(number)
        return web.Response()

    async with receiving_by(take) as url:
        settings = {"url": url, "order_by": "data.rental_id", "breaker": {"failures": 1_000_000}}
        async with started(a_program(tmp_path, storage, shop(erp=settings))) as relay:
            await post(relay, id=1, data={"rental_id": 7})
            await post(relay, id=2, data={"rental_id": 7})
            await post(relay, id=3, data={"rental_id": 8})
            await post(relay, id=4)
            await relay.is_settled()

    assert [1, 2] == taken[2:]
    assert {3, 4} == set(taken[:2])


async def test_no_more_is_sent_in_a_period_than_its_rate_allows_not_even_after_a_restart(
    tmp_path: Path, storage: Storage, sink: Sink
) -> None:
    """A vendor that counts calls by the hour counts ours, whichever process made them."""
    async with receiving() as witness:
        parts = shop(erp={"url": sink.url, "rate": "2/1h"}, chat={"url": witness.url})
        async with started(a_program(tmp_path, storage, parts)) as relay:
            first, second, third = [await post(relay, id=number) for number in range(3)]
            await sink.has(second)
            await witness.has(third)
            await relay.stop()

            relay.start()
            await relay.is_ready()
            await witness.has(await post(relay, id=4))

            assert [("delivered", 1), ("delivered", 1), ("pending", 0), ("pending", 0)] == attempts(relay, "erp")
            assert {first, second} == sink.ids


async def test_a_target_that_is_gone_for_good_is_believed_and_told_of(tmp_path: Path, storage: Storage) -> None:
    """410: the delivery is dead at once, to be replayed, and the log says what to do."""

    async def gone(_: web.Request) -> web.Response:
        return web.Response(status=410)

    async with receiving_by(gone) as url, started(a_program(tmp_path, storage, shop(erp={"url": url}))) as relay:
        await post(relay, id=1)
        await relay.is_settled()
        await relay.has_said("target_gone")

        assert [("dead", 1)] == attempts(relay, "erp")
        (line,) = [line for line in relay.log.read_text().splitlines() if '"target_gone"' in line]
        assert "`relay targets pause erp`" in json.loads(line)["next_step"]
