"""Another configuration for the real program while it runs: what changes, what does not, and that nothing is lost."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.program import Program, configured, session, started
from tests.acceptance.sink import Sink, digest, receiving
from tests.patience import WAIT_S_MAX
from tests.storage import Storage

TOKEN, OTHER_TOKEN = "a-token-of-the-admin", "another-token-of-the-admin"


def to(sink: Sink, **more: Any) -> dict[str, Any]:
    return {"url": sink.url, "allow_private": True, "retry": {"base": "100ms"}, **more}


def parts(**targets: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sources": {"shop": {"verify": "none", "key": "id"}},
        "targets": targets,
        "routes": [{"from": "shop", "to": list(targets)}] if targets else [],
    }


def rewrite(relay: Program, **sections: Any) -> None:
    """Replace sections of the file, as an editor does: beside it, then over it."""
    document = {**json.loads(relay.config.read_text()), **sections}
    draft = relay.config.with_suffix(".draft")
    draft.write_text(json.dumps(document, indent=2))
    draft.replace(relay.config)


async def reloads(relay: Program, count: int) -> None:
    """Come back once so many files were taken up."""
    async with asyncio.timeout(WAIT_S_MAX):
        while relay.log.read_text().count("config_reloaded") < count:
            await asyncio.sleep(0.02)


async def metrics(relay: Program) -> str:
    async with session() as http, http.get(f"{relay.admin_url}/metrics") as answer:
        return await answer.text()


async def post(relay: Program, key: str, source: str = "shop") -> tuple[int, str]:
    async with session() as http, http.post(f"{relay.url}/in/{source}", json={"id": key}) as answer:
        return answer.status, (await answer.json(content_type=None)).get("id", "")


@pytest.fixture
async def other() -> AsyncIterator[Sink]:
    async with receiving() as sink:
        yield sink


@asynccontextmanager
async def running(folder: Path, storage: Storage, document: Mapping[str, Any]) -> AsyncIterator[Program]:
    async with started(configured(folder, document, storage=storage)) as relay:
        yield relay


async def test_a_file_that_changes_is_used_from_then_on(
    tmp_path: Path, storage: Storage, sink: Sink, other: Sink
) -> None:
    """A source comes, a target goes elsewhere, and the log says in words what happened."""
    async with running(tmp_path, storage, parts(erp=to(sink))) as relay:
        changed = parts(erp=to(other, rate="50/1s"))
        changed["sources"]["till"] = {"verify": "none"}
        rewrite(relay, **changed)
        await reloads(relay, 1)

        status, event_id = await post(relay, "1")
        await other.has(event_id)
        assert 200 == status
        assert 200 == (await post(relay, "2", "till"))[0]
        log = relay.log.read_text()
        assert "source till added; target erp: url" in log
        assert "rate 50/1s added" in log
        assert "relay_config_last_reload_success 1.0" in await metrics(relay)
        assert [] == sink.arrivals


async def test_a_faulty_file_changes_nothing_and_is_told_fault_by_fault(
    tmp_path: Path, storage: Storage, sink: Sink
) -> None:
    """A slip of the pen at night stops nothing; the metric rings, and the corrected file is read by itself."""
    async with running(tmp_path, storage, parts(erp=to(sink))) as relay:
        rewrite(relay, targets={"erp": to(sink, tiemout="5s", concurrency=0)})
        await relay.has_said("config_not_reloaded")

        told = await metrics(relay)
        assert "relay_config_last_reload_success 0.0" in told
        assert 'relay_config_reloads_total{result="failure"} 1.0' in told
        log = relay.log.read_text()
        assert "did you mean `timeout`?" in log
        assert "targets.erp.concurrency" in log
        _, event_id = await post(relay, "1")
        await sink.has(event_id)

        rewrite(relay, targets={"erp": to(sink)})
        await reloads(relay, 1)
        assert "relay_config_last_reload_success 1.0" in await metrics(relay)


async def test_what_only_a_restart_can_change_is_a_fault_of_the_reload(
    tmp_path: Path, storage: Storage, sink: Sink
) -> None:
    """Half of a file in use, and half of it waiting for a restart, would be the worst of both."""
    async with running(tmp_path, storage, parts(erp=to(sink))) as relay:
        rewrite(relay, server={"listen": "127.0.0.1:1"}, storage={"url": f"sqlite:///{tmp_path}/other.db"})
        relay.running.send_signal(signal.SIGHUP)
        await relay.has_said("config_not_reloaded")

        log = relay.log.read_text()
        assert "server.listen: this cannot change while the relay runs" in log
        assert "storage.url: this cannot change while the relay runs" in log


async def test_what_is_under_way_finishes_as_it_began(
    tmp_path: Path, storage: Storage, sink: Sink, other: Sink
) -> None:
    """A target that is replaced gets what it was being sent, once; its successor gets what comes after."""
    async with running(tmp_path, storage, parts(erp=to(sink, concurrency=1), log=to(other))) as relay:
        sink.gate.clear()
        _, under_way = await post(relay, "under-way")
        await sink.keeps_somebody_waiting()
        _, waiting = await post(relay, "waiting")
        rewrite(relay, **parts(erp=to(other, concurrency=1), log=to(other)))
        await reloads(relay, 1)
        _, later = await post(relay, "later")
        sink.gate.set()
        await relay.is_settled()

    assert [under_way] == [arrival.event_id for arrival in sink.arrivals]
    assert {under_way: 1, waiting: 2, later: 2} == {
        event_id: sum(arrival.event_id == event_id for arrival in other.arrivals)
        for event_id in (under_way, waiting, later)
    }


async def test_a_target_that_is_gone_keeps_its_deliveries_until_it_is_back(
    tmp_path: Path, storage: Storage, sink: Sink
) -> None:
    """What was accepted under the old file is not lost by the new one."""
    async with running(tmp_path, storage, parts(erp=to(sink, retry={"base": "500ms"}))) as relay:
        sink.fails = lambda: True
        _, event_id = await post(relay, "1")
        await relay.has_said("delivery_attempted")
        rewrite(relay, **parts())
        await relay.has_said("target_not_configured")
        assert [("pending",)] == relay.rows("SELECT status FROM deliveries")
        assert 'relay_backlog{target="erp"} 1.0' in await metrics(relay)
        sink.fails = lambda: False

        rewrite(relay, **parts(erp=to(sink)))
        await sink.has(event_id)


async def test_the_admin_port_takes_the_new_tokens_and_no_other(tmp_path: Path, storage: Storage, sink: Sink) -> None:
    """A token that leaked is taken back without a restart."""
    document = parts(erp=to(sink))
    async with running(tmp_path, storage, document) as relay, session() as http:
        admin = json.loads(relay.config.read_text())["admin"]

        async def statuses() -> list[int]:
            found = []
            for token in (TOKEN, OTHER_TOKEN):
                headers = {"Authorization": f"Bearer {token}"}
                async with http.get(f"{relay.admin_url}/api/v1/targets", headers=headers) as answer:
                    found.append(answer.status)
            return found

        for count, (token, expected) in enumerate([(TOKEN, [200, 401]), (OTHER_TOKEN, [401, 200])], start=1):
            rewrite(relay, admin={**admin, "tokens": [token]})
            await reloads(relay, count)
            assert expected == await statuses()
        assert TOKEN not in relay.log.read_text()


async def test_who_has_a_token_can_have_the_file_read_at_once(
    tmp_path: Path, storage: Storage, sink: Sink, other: Sink
) -> None:
    """The answer comes when the file is in use: a script that deploys one need not guess when."""
    async with running(tmp_path, storage, parts(erp=to(sink))) as relay, session() as http:
        admin = json.loads(relay.config.read_text())["admin"]
        rewrite(relay, admin={**admin, "tokens": [TOKEN]})
        await reloads(relay, 1)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        rewrite(relay, **parts(erp=to(other)))
        async with http.post(f"{relay.admin_url}/api/v1/config/reload", headers=headers) as answer:
            told = await answer.json()
        async with http.get(f"{relay.admin_url}/api/v1/config", headers=headers) as answer:
            shown = await answer.json()
        _, event_id = await post(relay, "1")
        await other.has(event_id)

        assert (True, []) == (told["good"], told["faults"])
        assert shown["last_reload"]["good"]


async def test_reloads_under_load_lose_nothing_and_double_nothing(
    tmp_path: Path, storage: Storage, sink: Sink, other: Sink
) -> None:
    """Targets change, go and come back while events stream in: each acknowledged one reaches each target once."""
    files = [
        parts(erp=to(sink, concurrency=2), log=to(other)),
        parts(erp=to(sink, rate="500/1s"), log=to(other)),
        parts(erp=to(sink, timeout="9s"), log=to(other, order_by="group")),
        parts(erp=to(sink), log=to(other)),
    ]
    ledger: dict[str, str] = {}
    is_over = False

    async with running(tmp_path, storage, files[0]) as relay, session() as http:

        async def send(sender: int) -> None:
            number = 0
            while not is_over:
                number += 1
                body = json.dumps({"id": f"{sender}-{number}", "group": number % 5}).encode()
                async with http.post(f"{relay.url}/in/shop", data=body) as answer:
                    assert 200 == answer.status
                    ledger[(await answer.json())["id"]] = digest(body)
                await asyncio.sleep(0.002)

        senders = [asyncio.create_task(send(number)) for number in range(4)]
        gone = {**files[0], "targets": {"erp": to(sink)}, "routes": [{"from": "shop", "to": "erp"}]}
        count = 0
        for document in [files[1], files[2], files[3], files[1], files[0]]:
            count += 1
            rewrite(relay, **document)
            await reloads(relay, count)
        is_over = True
        await asyncio.gather(*senders)
        rewrite(relay, **gone)
        await reloads(relay, count + 1)
        rewrite(relay, **files[3])
        await reloads(relay, count + 2)
        await relay.is_settled()

        for target in (sink, other):
            assert ledger == {arrival.event_id: arrival.digest for arrival in target.arrivals}
            assert 0 == target.doubled
        assert [] == relay.rows("SELECT * FROM deliveries WHERE status <> 'delivered'")
        assert "lease_lost" not in relay.log.read_text()


async def test_a_faulty_file_rings(tmp_path: Path, storage: Storage, sink: Sink, other: Sink) -> None:
    """Who is told of it need not look at a metric; and the probes tell of one source and one target."""
    document = parts(erp=to(sink), chat=to(other))
    document |= {"routes": [{"from": "shop", "to": "erp"}], "notify": {"to": "chat", "every": "1s"}}
    async with running(tmp_path, storage, document) as relay, session() as http:
        rewrite(relay, targets={"erp": {}})
        await other.counts(1)

        ((body,),) = relay.rows(
            "SELECT body FROM contents c JOIN events e ON e.seq = c.event_seq WHERE e.source = 'relay'"
        )
        assert b'"kind":"reload"' in body
        assert b"targets.erp.url: missing" in body
        statuses = []
        for query in ("source=shop", "target=erp", "source=nobody", "source=shop&target=chat"):
            async with http.get(f"{relay.url}/readyz?{query}") as answer:
                statuses.append(answer.status)
        assert [200, 200, 404, 200] == statuses
