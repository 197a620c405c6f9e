"""The configuration over the admin API: read again when asked, and what became of that."""

from typing import Any

from tests.admin import FILE, KNOWN, Client, Office


async def reload(admin: Client) -> tuple[int, dict[str, Any]]:
    answer = await admin.post("/api/v1/config/reload", headers=KNOWN)
    return answer.status, await answer.json()


async def last_reload(admin: Client) -> Any:
    answer = await admin.get("/api/v1/config", headers=KNOWN)
    return (await answer.json())["last_reload"]


async def test_a_file_that_changed_is_taken_up_when_asked(admin: Client, office: Office) -> None:
    """The answer says in words what is different now, without a secret."""
    office.reload_when_asked()
    assert await last_reload(admin) is None
    office.write(FILE.replace("200/1s", "50/1s"), secret="another-secret")

    status, told = await reload(admin)

    assert (200, True, []) == (status, told["good"], told["faults"])
    assert ["source shop: secret changed, limit 200/1s → 50/1s"] == told["changes"]
    assert "another-secret" not in str(told)
    limit = office.config.sources["shop"].limit
    assert limit is not None
    assert 50 == limit.count
    assert told == await last_reload(admin)


async def test_a_faulty_file_is_refused_with_each_fault_and_changes_nothing(admin: Client, office: Office) -> None:
    """A deploy script that asks with `curl --fail` must not take this for a success."""
    office.reload_when_asked()
    before = office.config
    office.write(FILE.replace("limit: 200/1s", "limt: 200/1s").replace("to: erp", "to: epr"))

    status, problem = await reload(admin)

    assert 422 == status
    assert "nothing has changed" in problem["detail"]
    assert 3 == len(problem["detail"].splitlines())
    assert "sources.shop.limt" in problem["detail"]
    assert before is office.config
    last = await last_reload(admin)
    assert (False, []) == (last["good"], last["changes"])
    assert [(7, "sources.shop.limt"), (11, "routes[0].to")] == [(each["line"], each["key"]) for each in last["faults"]]


async def test_a_relay_without_a_file_says_so(admin: Client) -> None:
    """Nothing was read again, and asking once more would not help."""
    status, problem = await reload(admin)

    assert 409 == status
    assert "without a file" in problem["detail"]
    assert await last_reload(admin) is None


async def test_nobody_without_a_token_has_the_file_read(admin: Client, office: Office) -> None:
    """It costs the relay some work, and tells what is in it."""
    office.reload_when_asked()
    answer = await admin.post("/api/v1/config/reload")

    assert 401 == answer.status
    assert office.reloading is not None
    assert office.reloading.last is None
