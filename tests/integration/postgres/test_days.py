"""A delivery's day is in its number: what is done with it looks into that day alone."""

import re
from collections.abc import Sequence

import pytest

from relay.store.postgres import carrying
from relay.store.postgres.days import Days
from relay.store.postgres.dialling import Connection, Server
from relay.store.postgres.groups import Groups
from relay.store.postgres.numbers import day_of, span, span_of
from relay.store.postgres.session import BY_INDEX, Session
from relay.store.postgres.unfinished import Unfinished
from relay.store.postgres.way import Way
from tests.conftest import START
from tests.storage import OpenStore, PostgresStorage

DAYS = 5
SCANNED = re.compile(r"Scan using \S+ on \w+_([0-9]{8})")
NUMBER, NOW = span(day_of(START))[0], f"'{START}'"
DAY = span_of([NUMBER])
STATEMENTS = {
    "due": (carrying._due(Unfinished(day_of(START))), ("'erp'", NOW, 10)),
    "lease": (carrying._lease(DAY), (f"'{{{NUMBER}}}'", "'worker-a'", NOW)),
    "release": (carrying._release(DAY), (f"'{{{NUMBER}}}'", "'{1}'", "'worker-a'")),
    "load": (carrying._load(DAY), (f"'{{{NUMBER}}}'",)),
    "apply": (
        carrying._apply_in(DAY),
        (f"'{{{NUMBER}}}'", "'{1}'", "'{dead}'", "'{NULL}'", f"'{{{START}}}'", "'{x}'"),
    ),
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_delivery_on_its_way_costs_the_same_however_many_days_are_kept(
    storage: PostgresStorage, open_store: OpenStore, name: str
) -> None:
    """Plans are made once for all numbers: one that is not told the day opens every day's tables, each time anew."""
    await open_store("worker-a")
    session = Session(Server(storage.url, 5.0), "testing", BY_INDEX)
    statement, values = STATEMENTS[name]
    async with session.used() as connection:
        await Days().make(connection, range(day_of(START) - DAYS + 1, day_of(START) + 1))
        await connection.execute(f"PREPARE asked AS {statement}")
        plan = await connection.fetch(f"EXPLAIN EXECUTE asked ({', '.join(map(str, values))})")
    await session.close()

    assert {f"{START:%Y%m%d}"} == {day for (line,) in plan for day in SCANNED.findall(line)}


async def test_a_day_that_another_process_drops_at_this_moment_is_looked_for_again(
    storage: PostgresStorage, open_store: OpenStore
) -> None:
    """One replica drops old days for all: the others, who were about to look into one, have nothing to complain of."""
    await open_store("worker-a")
    days, looks = Days(), list[int]()

    async def look(connection: Connection, _asked: Sequence[None]) -> list[int]:
        looks.append(len(days.missing([0])))
        if len(looks) == 1:
            await connection.execute("SELECT FROM deliveries_19700101")
        return [looks[-1]]

    session = Session(Server(storage.url, 5.0), "testing", {})
    groups = Groups([Way(session, {"look": look}, days)], 1024)

    assert 1 == await groups.do("look", None)
    assert 2 == len(looks)
    await groups.close()
    await session.close()
