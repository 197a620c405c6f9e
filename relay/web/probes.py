"""The two probes, which every door answers: the process lives; the process can do its work."""

from aiohttp import web

from relay.health import Health
from relay.web import answers


def alive() -> web.Response:
    """Say that the process lives."""
    return answers.data({"status": "alive"})


async def readiness(health: Health) -> web.Response:
    """Say whether the process can do its work, having tried."""
    checks = await health.checks()
    is_ready = all(check.ok for check in checks.values())
    told = {name: {"ok": check.ok, "detail": check.detail} for name, check in checks.items()}
    status = "ready" if is_ready else "unready"
    return answers.data({"status": status, "checks": told}, 200 if is_ready else 503)
