"""Lanes under fire, with the real program: order whatever kills it, and a healthy target beside a dead one."""

import asyncio
import random
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, web

from tests.acceptance.program import Program, configured, session, started
from tests.acceptance.sink import Sink, receiving, receiving_by
from tests.acceptance.vendors import BETWEEN_S, every
from tests.storage import Storage

RENTALS = 4
KILLS = 8
SEED = 20261121
EVENTS = 200


def shop(**targets: dict[str, Any]) -> dict[str, Any]:
    return {
        "sources": {"shop": {"verify": "none", "key": "[rental, number]"}},
        "targets": {name: {"allow_private": True, **target} for name, target in targets.items()},
        "routes": [{"from": "shop", "to": list(targets)}],
    }


async def tell_one_after_the_other(relay: Program, http: ClientSession, rental: int, is_over: asyncio.Event) -> int:
    """Send what happens to a rental, each once the one before is acknowledged; return how many were."""
    number = 0
    while not is_over.is_set():
        number += 1
        while not await was_acknowledged(relay, http, rental, number):
            await asyncio.sleep(0.02)
        await asyncio.sleep(BETWEEN_S)
    return number


async def was_acknowledged(relay: Program, http: ClientSession, rental: int, number: int) -> bool:
    with suppress(ClientError, OSError):
        async with http.post(f"{relay.url}/in/shop", json={"rental": rental, "number": number}) as answer:
            return answer.status == 200
    return False


async def kill_again_and_again(relay: Program) -> None:
    moments = random.Random(SEED)
    for _ in range(KILLS):
        await relay.is_ready()
        await asyncio.sleep(moments.uniform(0.05, 0.5))
        relay.kill()
        relay.start()
    await relay.is_ready()


async def test_order_is_kept_though_the_relay_is_killed_again_and_again(tmp_path: Path, storage: Storage) -> None:
    """A target that fails now and then, and a relay that dies: no rental is ever told of its end before its begin."""
    arrived: defaultdict[int, list[int]] = defaultdict(list)
    fails = every(5)

    async def take(http: web.Request) -> web.Response:
        told = await http.json()
        if fails():
            return web.Response(status=500)
        arrived[told["rental"]].append(told["number"])
        return web.Response()

    retry = {"base": "50ms", "cap": "200ms", "max_age": "1h"}
    async with receiving_by(take) as url:
        parts = shop(erp={"url": url, "order_by": "rental", "retry": retry})
        async with started(configured(tmp_path, parts, storage=storage)) as relay, session() as http:
            is_over = asyncio.Event()
            async with asyncio.TaskGroup() as senders:
                sent = [
                    senders.create_task(tell_one_after_the_other(relay, http, rental, is_over))
                    for rental in range(RENTALS)
                ]
                await kill_again_and_again(relay)
                is_over.set()
            await relay.is_settled()

    for rental, task in enumerate(sent):
        assert list(range(1, task.result() + 1)) == sorted(set(arrived[rental]))
        assert sorted(arrived[rental]) == arrived[rental]  # one that came twice came before the next


async def test_a_target_that_never_answers_holds_up_no_other(tmp_path: Path, storage: Storage, sink: Sink) -> None:
    """Promise 6: a healthy target gets everything while all the senders of another one hang."""
    async with receiving() as silent:
        silent.gate.clear()
        parts = shop(erp={"url": silent.url, "timeout": "1h"}, chat={"url": sink.url})
        async with started(configured(tmp_path, parts, storage=storage)) as relay, session() as http:
            for number in range(EVENTS):
                assert await was_acknowledged(relay, http, 1, number)
            await sink.counts(EVENTS)

            assert [] == silent.arrivals
            silent.gate.set()
            await relay.is_settled()
        assert sink.ids == silent.ids
