"""`relay check`, and what every command does with a faulty configuration."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from relay.system_clock import SystemClock
from tests.builders import a_plan, an_event
from tests.storage import Storage

Call = Callable[..., Result]

FAULTS = [
    "faulty.yaml:2:3: sources.shop.verify: missing; expected `preset` or `verify`, which is `none` where everybody is "
    "to be believed",
    "faulty.yaml:3:10: server.graze: unknown key; did you mean `grace`?",
]

SHAPING = """
sources: {shop: {verify: none}}
targets: {lake: {url: "https://lake.example.com"}}
routes: [{from: shop, to: lake, name: route, body: "{FIELD: event_id}"}]
"""


def test_a_good_file_is_summed_up_and_what_is_doubtful_is_warned_of(call: Call) -> None:
    """Standard output tells what is there; a warning stops nothing."""
    result = call("check")

    assert 0 == result.exit_code
    assert "config/relay.yaml is good: 3 sources, 1 target, 1 route, 3 warnings\n" == result.stdout
    warnings = result.stderr.splitlines()
    assert [
        "config/relay.yaml:5:3: sources.shop: no route begins here: events are kept, and go nowhere (warning)",
        "config/relay.yaml:5:10: sources.shop.verify: everybody who reaches the port is believed (warning)",
    ] == warnings[:2]
    assert warnings[2].startswith("config/relay.yaml:7:14: targets.erp.url: every delivery would be blocked: 127.0.0.1")


def test_a_faulty_file_is_told_line_by_line(call: Call) -> None:
    """Every fault at once, on standard error, and exit code 2."""
    result = call("check", "-c", "faulty.yaml")

    assert 2 == result.exit_code
    assert "" == result.stdout
    assert [*FAULTS, "2 faults, nothing started"] == result.stderr.splitlines()


def test_the_file_may_be_named_by_the_environment(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-c` falls back to $RELAY_CONFIG, and then to config/relay.yaml."""
    monkeypatch.setenv("RELAY_CONFIG", "faulty.yaml")

    assert 2 == call("check").exit_code
    assert 0 == call("check", "-c", "config/relay.yaml").exit_code


def test_a_missing_file_is_one_fault(call: Call) -> None:
    """The name of the file is the first thing to go wrong."""
    result = call("check", "-c", "nowhere.yaml")

    assert 2 == result.exit_code
    assert [
        "nowhere.yaml:1:1: there is no such file; expected a configuration, as config/relay.yaml is one",
        "1 fault, nothing started",
    ] == result.stderr.splitlines()


def test_faults_and_warnings_can_be_read_by_programs(call: Call) -> None:
    """An editor or a pipeline takes them apart without a pattern."""
    faulty = json.loads(call("check", "--json", "-c", "faulty.yaml").stdout)
    good = json.loads(call("check", "--json").stdout)

    assert not faulty["ok"]
    assert {
        "file": "faulty.yaml",
        "line": 3,
        "column": 10,
        "key": "server.graze",
        "message": "unknown key; did you mean `grace`?",
    } == faulty["faults"][1]
    assert good["ok"]
    assert ["sources.shop", "sources.shop.verify", "targets.erp.url"] == [told["key"] for told in good["warnings"]]


@pytest.mark.parametrize(
    "command", [["urls"], ["targets"], ["send", "shop"], ["health"], ["serve"]], ids=lambda command: command[0]
)
def test_every_command_tells_a_faulty_file_alike(call: Call, command: list[str]) -> None:
    """Nothing is half started."""
    result = call(*command, "-c", "faulty.yaml")

    assert 2 == result.exit_code
    assert [*FAULTS, "2 faults, nothing started"] == result.stderr.splitlines()


def test_the_program_itself_exits_with_2(folder: Path) -> None:
    """Supervisors and scripts see the exit code of the real program."""
    arguments = [sys.executable, "-c", "from relay.cli import main; main()", "check", "-c", "faulty.yaml"]

    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)

    assert 2 == done.returncode
    assert [*FAULTS, "2 faults, nothing started"] == done.stderr.splitlines()


def stored_before(storage: Storage) -> str:
    """Store an event of the shop, delivered to a target that is no more; return its id."""
    event = an_event(at=SystemClock().now())

    async def store_it() -> None:
        store = storage.store("worker-a")
        await store.open()
        await store.accept(event, a_plan("lake", at=event.received_at), {})
        await store.close()

    asyncio.run(store_it())
    return event.id


def test_a_file_is_compared_with_what_has_come_already(call: Call, kept: Storage) -> None:
    """What would go elsewhere is told before it does, with an event to look at."""
    event_id = stored_before(kept)

    told = call("check", "--against-history", "24h").stdout.splitlines()[1:]
    assert [
        f"route route: no longer sent to lake: 1 event, such as {event_id}",
        "1 stored event looked at: 1 difference",
    ] == told
    history = json.loads(call("check", "--against-history", "24h", "--json").stdout)["history"]
    difference = {"route route: no longer sent to lake": {"count": 1, "examples": [event_id]}}
    assert {"events": 1, "is_whole": True, "differences": difference} == history


def test_what_another_file_would_shape_differently_is_told(call: Call, folder: Path, storage: Storage) -> None:
    """What the ERP gets of an order changes silently otherwise, until somebody misses a field."""
    event_id = stored_before(storage)
    former, shaping = folder / "former.yaml", f"storage: {{url: '{storage.url}'}}{SHAPING}"
    former.write_text(shaping.replace("FIELD", "id"))
    (folder / "config" / "relay.yaml").write_text(shaping.replace("FIELD", "number"))

    told = call("check", "--against-history", "24h", "--instead-of", str(former)).stdout.splitlines()[1:]

    assert [
        f"route route: what lake gets has another body: 1 event, such as {event_id}",
        "1 stored event looked at: 1 difference",
    ] == told
    assert 2 == call("check", "--instead-of", str(former)).exit_code


def test_a_history_needs_a_time_and_a_database(call: Call) -> None:
    """A slip of the pen is told as one, and no database is made."""
    assert 2 == call("check", "--against-history", "yesterday").exit_code
    assert "there is no database" in call("check", "--against-history", "1h").stderr
