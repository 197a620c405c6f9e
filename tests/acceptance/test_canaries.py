"""Promise 8 on every surface: each secret is a canary, everything is looked into, and no canary sings."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar

from tests.acceptance.program import Program, configured, run, session, started
from tests.acceptance.sink import Sink
from tests.patience import WAIT_S_MAX
from tests.ports import free_port
from tests.storage import SqliteStorage, Storage

CANARY = "canary"
SECRETS = {
    name: f"{CANARY}-{name.lower()}-73190"
    for name in (
        "HMAC_OLD",
        "HMAC_NEW",
        "URL_TOKEN",
        "BASIC",
        "STRIPE",
        "BEARER",
        "HEADER",
        "QUERY",
        "CLIENT",
        "ADMIN",
    )
}
ADMIN_PORT = free_port()
LINK = re.compile(r'href="(/[^"#]*)')
PARAMETER = re.compile(r"(?<=/)([a-z]+)/\{[a-z_]+\}")
KEY = base64.b64encode(f"{CANARY}-signing-key-7319".encode()).decode()
SENT = f"{CANARY}-of-a-stranger"  # kept with the refused request, to prove it by again, and shown to nobody
CANARIES = (CANARY, KEY, base64.b64encode(f"user:{SECRETS['BASIC']}".encode()).decode()[:-4])


def everything(sink: Sink) -> dict[str, Any]:
    """Use a secret in each place that takes one."""
    impatient = {"allow_private": True, "retry": {"base": "50ms", "max_age": "1s"}}
    nowhere = f"http://127.0.0.1:{free_port()}"
    targets: dict[str, Any] = {
        "bearer": {"url": f"{sink.url}?key=${{QUERY}}", "auth": {"scheme": "bearer", "token": "${BEARER}"}},
        "named": {"url": f"{nowhere}/hooks", "headers": {"X-Api-Key": "${HEADER}"}},
        "basic": {"url": nowhere, "auth": {"scheme": "basic", "user": "user", "password": "${BASIC}"}},
        "client": {
            "url": nowhere,
            "auth": {"scheme": "oauth2", "token_url": nowhere, "client_id": "us", "client_secret": "${CLIENT}"},
        },
        "signed": {"url": nowhere, "sign": {"secrets": [f"whsec_{KEY}"]}},
    }
    return {
        "sources": {
            "shop": {
                "verify": {"scheme": "hmac", "header": "X-Signature"},
                "secrets": ["${HMAC_NEW}", "${HMAC_OLD}"],
            },
            "invoices": {"preset": "invoice-collector", "token": "${URL_TOKEN}"},
            "office": {"verify": "basic", "secret": "user:${BASIC}"},
            "payments": {"preset": "stripe", "secret": "${STRIPE}"},
            "hooks": {"preset": "standard-webhooks", "secret": f"whsec_{KEY}"},
        },
        "targets": {name: {**target, **impatient} for name, target in targets.items()},
        "routes": [{"from": "invoices", "to": list(targets)}, {"from": "office", "to": "bearer"}],
        "admin": {"listen": f"127.0.0.1:{ADMIN_PORT}", "tokens": ["${ADMIN}"]},
        "notify": {"to": "bearer"},
    }


@asynccontextmanager
async def busy(folder: Path, storage: Storage, sink: Sink) -> AsyncIterator[Program]:
    """Run a relay that has taken, refused, delivered and given up."""
    program = configured(folder, everything(sink), "--verbose", storage=storage, environment=SECRETS)
    program.admin_port = ADMIN_PORT
    async with started(program) as relay, session() as http:
        basic = base64.b64encode(f"user:{SECRETS['BASIC']}".encode()).decode()
        for path, headers in (
            (f"/in/invoices/{SECRETS['URL_TOKEN']}", {}),
            (f"/in/invoices?token={SECRETS['URL_TOKEN']}", {}),
            ("/in/office", {"Authorization": f"Basic {basic}"}),
            ("/in/shop", {"X-Signature": SENT, "Authorization": f"Bearer {SENT}"}),
            (f"/in/shop?token={SENT}", {"Cookie": f"a={SENT}"}),
            (f"/in/invoices/{SENT}", {}),
            ("/in/payments", {"Stripe-Signature": f"t=1,v1={SENT}"}),
        ):
            await (await http.post(relay.url + path, data=b'{"id": 1}', headers=headers)).read()
        await relay.has_said('"status":"dead"')
        yield relay


def sings(text: str) -> list[str]:
    """Return the lines in which a secret stands."""
    return [line[:300] for line in text.splitlines() if any(canary in line for canary in CANARIES)]


async def test_no_secret_is_shown_by_log_api_dashboard_metrics_commands_processes_or_database(
    tmp_path: Path, storage: Storage, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads any of these learns what happened, and nothing by which it could be done again."""
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    async with busy(tmp_path, storage, sink) as relay:
        shown = {f"GET {path}": text async for path, text in _pages(relay)}
        shown |= {" ".join(command): text async for command, text in _commands(relay)}
        shown |= {f"the command line of {pid}": text for pid, text in _command_lines(relay)}
        await relay.stop()
        shown["the log"] = relay.log.read_text()
    if isinstance(storage, SqliteStorage):
        files = [path for path in tmp_path.iterdir() if path.name.startswith(storage.path.name) and path.is_file()]
        shown["the database"] = "".join(path.read_bytes().decode("latin-1") for path in files).replace(SENT, "")

    assert 40 < len(shown)
    assert {} == {where: lines for where, text in shown.items() if (lines := sings(text))}


async def _pages(relay: Program) -> AsyncIterator[tuple[str, str]]:
    """Read every page and answer that links lead to, and what programs read."""
    async with ClientSession(relay.admin_url, cookie_jar=CookieJar(unsafe=True)) as http:
        async with http.post("/login", json={"token": SECRETS["ADMIN"]}) as answer:
            assert 200 == answer.status
        waiting = ["/", "/metrics", "/readyz", "/login", *await _asked_by_programs(http)]
        seen = set(waiting)
        while waiting:
            path = waiting.pop()
            async with http.get(path) as answer:
                text = await answer.text(errors="replace")
                yield path, f"{dict(answer.headers)}\n{text}"
            links = {link for link in LINK.findall(text) if not link.startswith("//")} - seen
            seen |= links
            waiting += links


async def _asked_by_programs(http: ClientSession) -> list[str]:
    """List every GET of the API's description, with what there is in the place of each parameter."""
    async with http.get("/api/v1/openapi.json") as answer:
        described = (await answer.json())["paths"]
    kinds = ("events", "rejections", "deliveries")
    there_is = {"targets": "bearer", "replays": "x"} | {kind: await _first(http, kind) for kind in kinds}
    reading = [path for path, methods in described.items() if "get" in methods]
    return [PARAMETER.sub(lambda found: f"{found[1]}/{there_is[found[1]]}", path) for path in reading]


async def _first(http: ClientSession, kind: str) -> str:
    """Return the name of the newest of a kind, as soon as there is one."""
    async with asyncio.timeout(WAIT_S_MAX):
        while True:
            async with http.get(f"/api/v1/{kind}") as answer:
                if items := (await answer.json())["items"]:
                    return str(items[0]["id"])
            await asyncio.sleep(0.1)


async def _commands(relay: Program) -> AsyncIterator[tuple[Sequence[str], str]]:
    """Call every command that tells something."""
    event_id = relay.rows("SELECT id FROM events ORDER BY id LIMIT 1")[0][0]
    number = str(relay.rows("SELECT max(number) FROM rejections")[0][0])
    body = relay.config.with_name("body.json")
    body.write_text("{}")
    for command in (
        ("check",),
        ("urls",),
        ("urls", "--json"),
        ("presets",),
        ("events",),
        ("events", "--json"),
        ("show", event_id),
        ("show", event_id, "--json"),
        ("why", event_id),
        ("try", "1", "--event", event_id),
        ("explain", "shop", "--rejection", number),
        ("targets",),
        ("rejections",),
        ("rejections", "show", number),
        ("stats",),
        ("replay", event_id, "--dry-run"),
        ("migrate-schema", "--check"),
        ("health",),
    ):
        _, output, errors = (
            await run(*command, "-c", str(relay.config)) if command[0] != "presets" else await run(*command)
        )
        yield command, output + errors


def _command_lines(relay: Program) -> Iterator[tuple[int, str]]:
    """Read what any user of the machine sees of the relay and its children."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            told, command = status.read_text(), status.with_name("cmdline").read_text()
        except OSError:
            continue
        parent = re.search(r"^PPid:\t(\d+)$", told, re.MULTILINE)
        pid = int(status.parent.name)
        if relay.running.pid in (pid, int(parent[1]) if parent else 0):
            yield pid, command
