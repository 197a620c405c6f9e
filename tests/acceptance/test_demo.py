"""The first five minutes: the demo, the command that plays a vendor, and help that is there."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from relay import presets
from tests.acceptance.program import RELAY, Program, configured, run, session, started
from tests.acceptance.sink import Sink, digest
from tests.patience import WAIT_S_MAX
from tests.storage import Storage

SOURCES: dict[str, Any] = {
    "invoices": {"preset": "invoice-collector", "token": "demo-token-0123456789"},
    "getaround": {"preset": "getaround", "secrets": ["demo-secret-0123456789"]},
}


def parts(sink: Sink, **sources: Any) -> dict[str, Any]:
    return {
        "sources": {**SOURCES, **sources},
        "targets": {"erp": {"url": sink.url, "allow_private": True}},
        "routes": [{"from": list(SOURCES), "to": "erp"}],
    }


@pytest.fixture
async def relay(tmp_path: Path, storage: Storage, sink: Sink) -> AsyncIterator[Program]:
    async with started(configured(tmp_path, parts(sink), storage=storage)) as program:
        yield program


async def test_the_demo_shows_that_a_sample_of_every_vendor_arrives() -> None:
    """A stranger's first command: it needs nothing, and says what it does."""
    code, output, _ = await run("demo", "--exit")

    titles = [presets.find(name).title for name in presets.names()]
    assert 0 == code
    assert titles == [
        title for title in titles if any(title in line and "arrived" in line for line in output.splitlines())
    ]
    assert f"{len(titles)} of {len(titles)} samples arrived" in output


async def test_the_demo_stays_up_with_a_dashboard() -> None:
    """It says where, and what opens it."""
    demo = await asyncio.create_subprocess_exec(*RELAY, "demo", stdout=asyncio.subprocess.PIPE)
    assert demo.stdout is not None
    try:
        async with asyncio.timeout(WAIT_S_MAX), session() as http:
            while not (line := (await demo.stdout.readline()).decode()).startswith("dashboard "):
                assert line
            _, url, *_, token = line.split()
            form = {"token": token.rstrip(")")}
            async with http.post(f"{url}sign-in", data=form, allow_redirects=False) as answer:
                assert (303, "/") == (answer.status, answer.headers["Location"])
    finally:
        demo.terminate()
        await demo.communicate()


@pytest.mark.parametrize("source", SOURCES)
async def test_an_event_can_be_sent_as_its_vendor_would(relay: Program, sink: Sink, source: str) -> None:
    """Whoever sets this up tries the whole way with one command, before the vendor is told the URL."""
    code, output, _ = await run("send", source, "-c", str(relay.config), "--json")
    answer = json.loads(json.loads(output)["answer"])

    assert (0, "accepted") == (code, answer["status"])
    assert source == (await sink.has(answer["id"])).headers["X-Relay-Source"]


async def test_a_file_of_ones_own_can_be_sent(relay: Program, sink: Sink, tmp_path: Path) -> None:
    """A body that made trouble is sent again as it was, signed."""
    body = b'{"type": "ping",  "data": {"ping": "pong"}, "occurred_at": "2019-04-18T08:30:05Z"}\n'
    (tmp_path / "body.json").write_bytes(body)
    file = str(tmp_path / "body.json")
    code, output, _ = await run("send", "getaround", "-c", str(relay.config), "--json", "--body", file)
    answer = json.loads(json.loads(output)["answer"])

    assert 0 == code
    assert digest(body) == (await sink.has(answer["id"])).digest


async def test_sending_with_another_secret_than_the_relays_fails(relay: Program, sink: Sink, tmp_path: Path) -> None:
    """Exit 1, and the relay's answer: what a vendor would see."""
    other = json.loads(relay.config.read_text())
    other["sources"]["getaround"]["secrets"] = ["another-secret-0123456789"]
    (tmp_path / "other.yaml").write_text(json.dumps(other))
    code, output, _ = await run("send", "getaround", "-c", str(tmp_path / "other.yaml"))

    assert 1 == code
    assert output.startswith("401 ")


async def test_sending_to_a_relay_that_is_not_there_fails_in_one_line(tmp_path: Path, sink: Sink) -> None:
    """The commonest mistake: it was not started."""
    code, output, errors = await run("send", "getaround", "-c", str(configured(tmp_path, parts(sink)).config))

    (line,) = errors.splitlines()
    assert (1, "") == (code, output)
    assert "relay serve" in line


async def test_help_is_there() -> None:
    """It needs nothing to be set up, and says nothing else."""
    code, output, errors = await run("--help")

    assert (0, "") == (code, errors)
    assert output.startswith("Usage: ")
