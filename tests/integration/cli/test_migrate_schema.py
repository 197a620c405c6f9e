"""`relay migrate-schema`: what is applied, what is pending, and what waits for whom."""

import asyncio
import json
from collections.abc import Callable

import pytest
from click.testing import Result

from relay.store.migrations import Step, steps_of
from tests.storage import Storage

Call = Callable[..., Result]


@pytest.fixture
def upgraded(kept: Storage, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make this program one that knows a step more."""
    engine = kept.database().engine
    now = steps_of(engine)
    table, index = "CREATE TABLE later (id bigint)", "CREATE INDEX later_id ON later (id)"
    later = Step(98, "0098_later", now[-1].number, table, index)

    def upgrade() -> None:
        monkeypatch.setattr(f"relay.store.{engine}.schema.steps_of", lambda _: (*now, later))

    return upgrade


def states(result: Result) -> dict[str, str]:
    return {f"{row['step']} {row['half']}": row["state"] for row in json.loads(result.stdout)}


def test_a_check_changes_nothing_and_ends_with_1_where_something_is_pending(call: Call, kept: Storage) -> None:
    """A deployment asks before it lets the new version start."""
    result = call("migrate-schema", "--check", "--json")

    assert 1 == result.exit_code
    assert {"pending"} == set(states(result).values())
    assert asyncio.run(kept.is_untouched())


@pytest.mark.usefixtures("kept")
def test_what_may_run_is_run_and_told(call: Call) -> None:
    """Then nothing is pending any more."""
    assert {"applied now"} == set(states(call("migrate-schema", "--json")).values())
    result = call("migrate-schema", "--check")

    assert 0 == result.exit_code
    assert ["STEP            HALF    STATE", "0001_spine      before  applied"] == result.stdout.splitlines()[:2]


def test_what_waits_for_an_older_program_names_it(call: Call, kept: Storage, upgraded: Callable[[], None]) -> None:
    """The half that the older one cannot live with is run once it is stopped."""

    async def beside_an_older_one() -> Result:
        store = kept.store("worker-old")
        await store.open()
        upgraded()
        try:
            return await asyncio.to_thread(call, "migrate-schema", "--json")
        finally:
            await store.close()

    told = states(asyncio.run(beside_an_older_one()))

    assert "applied now" == told["0098_later before"]
    assert "pending, until no older program runs (worker-old)" == told["0098_later after"]
    assert 1 == call("migrate-schema", "--check").exit_code
    assert "applied now" == states(call("migrate-schema", "--json"))["0098_later after"]


def test_a_newer_database_is_told_with_2(call: Call, kept: Storage) -> None:
    """Nothing can be said of what this program does not know."""
    call("migrate-schema")
    asyncio.run(kept.execute("INSERT INTO migrations VALUES (99, '0099_newer', 99, true)"))
    result = call("migrate-schema", "--check")

    assert 2 == result.exit_code
    assert "of a newer version of the relay (its schema has step 0099_newer)" in result.stderr
