"""Shaped deliveries, by the real program: a slip in an expression costs no event."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.acceptance.program import Program, configured, session, started
from tests.acceptance.sink import Sink, digest
from tests.storage import Storage

EVENT = json.dumps({"kind": "invoice", "number": "INV-1", "amount": "1,234"}).encode()


def parts(sink: Sink, body: str) -> Mapping[str, Any]:
    return {
        "sources": {"shop": {"verify": "none", "type": "kind"}},
        "targets": {"erp": {"url": sink.url, "allow_private": True}},
        "routes": [{"from": "shop", "to": "erp", "body": body}],
    }


async def post(url: str, body: bytes = b"") -> dict[str, Any]:
    async with session() as http, http.post(url, data=body) as answer:
        told: dict[str, Any] = await answer.json()
        return told


async def told(program: Program, event_id: str, token: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    async with session() as http, http.get(f"{program.admin_url}/api/v1/events/{event_id}", headers=headers) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def test_a_replay_uses_the_corrected_expression(tmp_path: Path, storage: Storage, sink: Sink) -> None:
    """The amount can be read in two ways: the delivery is dead and says why; told the decimal sign, it arrives."""
    token = "a-token-of-the-admin"
    program = configured(tmp_path, {**parts(sink, "money(amount)"), "admin": {}}, storage=storage)
    document = json.loads(program.config.read_text())
    document["admin"] = {"listen": f"127.0.0.1:{program.admin_port}", "tokens": [token]}
    program.config.write_text(json.dumps(document))
    async with started(program):
        event_id = (await post(f"{program.url}/in/shop", EVENT))["id"]
        await program.is_settled()
        (delivery,) = (await told(program, event_id, token))["deliveries"]
        await program.stop()

    assert ("dead", "blocked") == (delivery["status"], delivery["attempts"][0]["outcome"])
    assert "`body` of the route shop→erp failed: money(amount): money() was given" in delivery["attempts"][0]["detail"]
    assert [] == sink.arrivals

    document["routes"][0]["body"] = "money(amount, '.')"
    program.config.write_text(json.dumps(document))
    async with started(program), session() as http:
        headers = {"Authorization": f"Bearer {token}"}
        async with http.post(f"{program.admin_url}/api/v1/events/{event_id}/replay", headers=headers) as answer:
            assert 200 <= answer.status < 300
        arrival = await sink.has(event_id)

    assert digest(b'{"amount":"1234","currency":null}') == arrival.digest
    assert "application/json" == arrival.headers["Content-Type"]
