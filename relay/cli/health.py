"""`relay health`: ask a running relay whether it can accept and deliver."""

import sys
from pathlib import Path
from typing import Any

import click
import orjson

from relay.cli.asking import Said, ask
from relay.cli.options import config_option, json_option, load_or_exit, no_answer, url_option

ANSWER_S_MAX = 4.0


@click.command()
@url_option
@json_option
@config_option
def health(config_path: Path, url: str | None, as_json: bool) -> None:
    """Ask a running relay whether it can accept and deliver.

    Tells it in one line, and by the exit code: 0 ready, 1 not ready or no answer. Containers are watched by it.
    """
    base_url = url.rstrip("/") if url else f"http://{load_or_exit(config_path).server.listen.reachable}"
    status, answer = _readiness(base_url)
    is_ready = status == 200
    if as_json:
        click.echo(orjson.dumps({"ready": is_ready, "checks": _checks(answer)}))
    else:
        click.echo(f"ready: {base_url}" if is_ready else f"not ready: {_shortages(status, answer)}")
    sys.exit(0 if is_ready else 1)


def _readiness(base_url: str) -> Said:
    try:
        return ask(f"{base_url}/readyz", ANSWER_S_MAX)
    except OSError as error:
        raise no_answer(base_url, error) from error


def _checks(answer: bytes) -> dict[str, Any]:
    """Return what was looked at, by name; nothing where it is no relay that answers."""
    try:
        told = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return {}
    match told:
        case {"status": "ready" | "unready", "checks": dict(checks)}:
            return checks
        case _:
            return {}


def _shortages(status: int, answer: bytes) -> str:
    failed = [f"{name}: {check['detail']}" for name, check in _checks(answer).items() if not check["ok"]]
    return "; ".join(failed) or f"/readyz was answered {status}; is this a relay?"
