"""The two probes, which every door answers: the process lives; the process can do its work."""

from collections.abc import Mapping

from aiohttp import web
from multidict import MultiMapping

from relay.config.misfits import nearest
from relay.errors import StoreError
from relay.health import Check, Health
from relay.singles import Singles
from relay.web import answers

NOUNS = ("source", "target")


def alive() -> web.Response:
    """Say that the process lives."""
    return answers.data({"status": "alive"})


async def readiness(health: Health, singles: Singles, query: MultiMapping[str]) -> web.Response:
    """Say whether the process can do its work, having tried; or how the source and target are that the query names."""
    wanted = {noun: query[noun] for noun in NOUNS if noun in query}
    if near := _meant(query):
        return answers.problem(400, f"Unknown parameter; did you mean `{near}`?")
    if not wanted:
        return _told(await health.checks())
    found = {f"{noun} {name}": await _check(singles, noun, name) for noun, name in wanted.items()}
    checks = {name: check for name, check in found.items() if check is not None}
    if len(checks) < len(found):
        return answers.problem(404, "There is no source or target of that name.")
    return _told(checks)


def _meant(query: MultiMapping[str]) -> str | None:
    """Return what was probably meant by a parameter: who watches one target must not be told of all."""
    strays = [name for name in query if name not in NOUNS] if len(query) <= len(NOUNS) else []
    return next((near for stray in strays if (near := nearest(stray, NOUNS))), None)


async def _check(singles: Singles, noun: str, name: str) -> Check | None:
    if noun == "source":
        return singles.source(name)
    try:
        return await singles.target(name)
    except StoreError as error:
        return Check(ok=False, detail=str(error))


def _told(checks: Mapping[str, Check]) -> web.Response:
    is_ready = all(check.ok for check in checks.values())
    told = {name: {"ok": check.ok, "detail": check.detail} for name, check in checks.items()}
    status = "ready" if is_ready else "unready"
    return answers.data({"status": status, "checks": told}, 200 if is_ready else 503)
