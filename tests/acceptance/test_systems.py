"""Whole stories, by the real program and the shipped examples: from a vendor's webhook to the system that wanted it."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from ruamel.yaml import YAML

from relay import presets
from tests.acceptance.program import Program, configured, session, started
from tests.conftest import START
from tests.patience import WAIT_S_MAX
from tests.storage import Storage
from tests.systems import Chat, Siwapp, System, running

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"


class Erp(System):
    """An API of PUTs with a bearer token."""

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        return {("PUT", "/api/rentals/2401853"): self.take}

    def judge(self, request: web.Request) -> str | None:
        return None if request.headers.get("Authorization") == "Bearer a-token-of-the-erp" else "token"


def an_example(folder: Path, storage: Storage, name: str) -> Program:
    """Take an example as it is shipped, but for ports, and for targets that stand on this machine."""
    document = YAML(typ="safe").load((EXAMPLES / f"{name}.yaml").read_text())
    for target in document["targets"].values():
        target["allow_private"] = True
    return configured(folder, {key: document[key] for key in ("sources", "targets", "routes")}, storage=storage)


async def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    async with session() as http, http.post(url, data=body, headers=headers) as answer:
        return answer.status


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        while not is_so():
            await asyncio.sleep(0.02)


async def test_an_invoice_of_invoice_collector_becomes_one_of_siwapp(
    tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`$93.50` arrives as 93.50, once, however often the collector sends it."""
    body = presets.find("invoice-collector").samples[0].render(START, "uuid")
    async with running(Siwapp()) as siwapp:
        monkeypatch.setenv("INVOICES_TOKEN", "a-token-of-ours")
        monkeypatch.setenv("SIWAPP_TOKEN", "abc-123")
        monkeypatch.setenv("SIWAPP_HOOK_TOKEN", "another-token-of-ours")
        monkeypatch.setenv("SIWAPP_URL", f"{siwapp.origin}/api/v1")
        async with started(an_example(tmp_path, storage, "siwapp")) as relay:
            url = f"{relay.url}/in/invoices/a-token-of-ours"
            statuses = [await post(url, body, {"Content-Type": "application/json"}) for _ in range(3)]
            await until(lambda: siwapp.accepted or siwapp.refused)
            await relay.is_settled()
            log = relay.log.read_text()

    assert ([200, 200, 200], []) == (statuses, siwapp.refused)
    (invoice,) = siwapp.accepted
    assert {
        "name": "Sliced Invoices",
        "identification": "INV-3337",
        "issue_date": "2026-07-01",
        "series_id": 1,
        "currency": "usd",
    } == invoice["data"]["attributes"]
    assert "R121439" == invoice["data"]["meta"]["remote_id"]
    (item,) = invoice["data"]["relationships"]["items"]["data"]
    assert "93.50" == item["attributes"]["unitary_cost"]
    assert "abc-123" not in log


async def test_a_booking_of_getaround_reaches_the_chat_and_the_erp(
    tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in its own form, from one signed webhook; the chat's URL stands in no log."""
    booking: dict[str, Any] = {
        "type": "rental.booked",
        "data": {"rental_id": 2401853},
        "occurred_at": "2019-04-18T08:30:05Z",
    }
    body = json.dumps(booking).encode()
    signature = "sha1=" + hmac.new(b"a-secret-of-theirs", body, hashlib.sha1).hexdigest()
    async with running(Chat()) as chat, running(Erp()) as erp:
        monkeypatch.setenv("GETAROUND_SECRET", "a-secret-of-theirs")
        monkeypatch.setenv("SLACK_URL", chat.origin + Chat.path)
        monkeypatch.setenv("ERP_URL", f"{erp.origin}/api")
        monkeypatch.setenv("ERP_TOKEN", "a-token-of-the-erp")
        async with started(an_example(tmp_path, storage, "chat")) as relay:
            assert 200 == await post(f"{relay.url}/in/getaround", body, {"X-Drivy-Signature": signature})
            await until(lambda: chat.accepted and erp.accepted)
            await relay.is_settled()
            log = relay.log.read_text()

    assert [{"text": "Booked: rental 2401853, 18.04.2019 08:30"}] == chat.accepted
    (written,) = erp.accepted
    assert ("booked", "2019-04-18T08:30:05Z") == (written["state"], written["at"])
    assert written["event"].startswith("evt_")
    assert "s3cretpath" not in log
    assert "a-token-of-the-erp" not in log


class Inbox(System):
    """An ERP that takes what comes."""


SENT_TO_US = [
    ("siwapp", "/in/recurring/another-token-of-ours"),
    ("factpulse", "/in/factpulse"),
]


@pytest.mark.parametrize(("system", "path"), SENT_TO_US)
async def test_what_a_system_sends_reaches_the_erp(
    system: str, path: str, tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its preset and nothing else: Siwapp's generated invoice by the token in its URL, FactPulse's result signed."""
    secrets = ("INVOICES_TOKEN", "FACTPULSE_USER", "FACTPULSE_PASSWORD", "SIWAPP_TOKEN", "FACTPULSE_SECRET")
    for name in secrets:
        monkeypatch.setenv(name, "a-secret-of-theirs")
    monkeypatch.setenv("SIWAPP_HOOK_TOKEN", "another-token-of-ours")
    body = presets.find(system).samples[0].render(START, "uuid")
    signature = "sha256=" + hmac.new(b"a-secret-of-theirs", body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Webhook-Signature": signature}
    async with running(Inbox()) as inbox:
        monkeypatch.setenv("ERP_URL", f"{inbox.origin}/")
        async with started(an_example(tmp_path, storage, system)) as relay:
            statuses = [await post(f"{relay.url}{path}", sent, headers) for sent in (body, body, body[:-1])]
            await until(lambda: inbox.accepted)
            await relay.is_settled()

    assert [200, 200] == statuses[:2]
    assert statuses[2] in {400, 401}
    assert [json.loads(body)] == inbox.accepted
