"""Invoice-Collector, as it really is: its own client (axios), its own payloads, its three tries."""

import asyncio
import base64
import copy
import json
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

import pytest

from tests.acceptance.program import Program, configured, started
from tests.acceptance.sink import Sink, digest
from tests.patience import WAIT_S_MAX
from tests.storage import Storage

AXIOS = Path(__file__).with_name("axios")
PAUSE_MS = 50  # between tries; the vendor's are 10 s apart
TOKEN = "collector-token-0123456789"
USER, PASSWORD = "collector", "collector-password-0123456789"
DOCUMENT_BYTES = 30_000_000

INVOICE: dict[str, Any] = {
    "type": "invoice",
    "collector": {"id": "sliced_invoices", "name": "Sliced Invoices", "version": "12"},
    "remote_id": "R121439",
    "invoice": {
        "id": "INV-3337",
        "timestamp": 1735689600000,
        "link": "https://slicedinvoices.com/invoice/INV-3337",
        "collected_timestamp": 1735776000000,
        "amount": "$93.50",
        "mimetype": "application/pdf",
        "metadata": {"contract": "CON-1234"},
        "data": "JVBERi0xLjQK",
    },
}
NOTICE = {
    "type": "notification_disconnected",
    "collector": {"id": "sliced_invoices"},
    "credential_id": "6776b5258821de266afbc3f6",
    "user_id": "687108e5dce5050bc8ca53c1",
    "remote_id": "R121439",
}


@dataclass(frozen=True, slots=True)
class Collected:
    """What Invoice-Collector made of a callback."""

    tries: int
    status: int
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Collector:
    """An Invoice-Collector with callbacks to a relay, whose target is `sink`."""

    relay: Program
    folder: Path

    async def posts(self, payload: dict[str, Any], url: str = "") -> Collected:
        """Send one callback, with the vendor's client and tries."""
        file = self.folder / "payload.json"
        file.write_text(json.dumps(payload))
        command = ["node", str(AXIOS / "send.mjs"), url or self.url(f"/in/invoices/{TOKEN}"), str(file), str(PAUSE_MS)]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        process = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=WAIT_S_MAX, check=False, env={"PATH": path}
        )
        assert process.stdout, f"is axios there? tests/run installs it.\n{process.stderr}"
        return Collected(**json.loads(process.stdout))

    def url(self, path: str, user_part: str = "") -> str:
        return f"http://{user_part}127.0.0.1:{self.relay.port}{path}"


@pytest.fixture
async def collector(tmp_path: Path, storage: Storage, sink: Sink) -> AsyncIterator[Collector]:
    sources = {
        "invoices": {"preset": "invoice-collector", "token": TOKEN},
        "protected": {"preset": "invoice-collector", "verify": "basic", "secret": f"{USER}:{PASSWORD}"},
    }
    parts = {
        "sources": sources,
        "targets": {"erp": {"url": sink.url, "allow_private": True}},
        "routes": [{"from": list(sources), "to": "erp"}],
    }
    async with started(configured(tmp_path, parts, storage=storage)) as relay:
        yield Collector(relay, tmp_path)


def an_invoice(**fields: Any) -> dict[str, Any]:
    invoice = copy.deepcopy(INVOICE)
    invoice["invoice"].update(fields)
    return invoice


async def test_a_document_of_30_mb_arrives_byte_for_byte_in_one_try(collector: Collector, sink: Sink) -> None:
    """Whole documents stand in the body; a bound made for small webhooks would lose the largest invoices."""
    document = base64.b64encode(random.Random(1).randbytes(DOCUMENT_BYTES)).decode()
    payload = an_invoice(id="INV-LARGE", data=document)

    collected = await collector.posts(payload)
    arrival = await sink.has(collected.answer["id"])

    as_sent = json.dumps(payload, separators=(",", ":")).encode()  # as JSON.stringify writes it
    assert (1, 200, "accepted") == (collected.tries, collected.status, collected.answer["status"])
    assert (len(as_sent), digest(as_sent)) == (arrival.body_bytes, arrival.digest)


async def test_a_wrong_token_is_refused_each_of_the_three_times(collector: Collector, sink: Sink) -> None:
    """A stranger who found the relay, not the token, puts nothing into anybody's books."""
    collected = await collector.posts(INVOICE, collector.url("/in/invoices/wrong-token"))

    assert (3, 401) == (collected.tries, collected.status)
    assert set() == sink.ids
    assert [(0,)] == collector.relay.rows("SELECT count(*) FROM events")


async def test_the_token_is_taken_from_the_path_and_from_the_query(collector: Collector) -> None:
    """The URL is the only setting that Invoice-Collector has; both places in it work."""
    in_path = await collector.posts(an_invoice(id="INV-1"), collector.url(f"/in/invoices/{TOKEN}"))
    in_query = await collector.posts(an_invoice(id="INV-2"), collector.url(f"/in/invoices?token={TOKEN}"))

    assert [(1, 200), (1, 200)] == [(in_path.tries, in_path.status), (in_query.tries, in_query.status)]


async def test_user_and_password_in_the_url_are_proof_enough(collector: Collector) -> None:
    """The third way to protect an Invoice-Collector: its client sends the URL's user part as Basic."""
    right = await collector.posts(INVOICE, collector.url("/in/protected", f"{USER}:{PASSWORD}@"))
    wrong = await collector.posts(INVOICE, collector.url("/in/protected", f"{USER}:wrong@"))

    assert (1, 200) == (right.tries, right.status)
    assert (3, 401) == (wrong.tries, wrong.status)


async def test_a_collector_is_the_same_as_text_and_as_object(collector: Collector) -> None:
    """Servers before March 2026 send the collector's id alone: updating one sends no invoice twice."""
    as_object = await collector.posts(INVOICE)
    as_text = await collector.posts({**INVOICE, "collector": "sliced_invoices"})

    assert ("accepted", "duplicate") == (as_object.answer["status"], as_text.answer["status"])
    assert as_object.answer["id"] == as_text.answer["id"]


async def test_an_invoice_that_is_collected_again_is_one_event(collector: Collector, sink: Sink) -> None:
    """Where another callback failed, this one receives the invoice again, with another `collected_timestamp`."""
    first = await collector.posts(an_invoice(collected_timestamp=1735776000000))
    again = await collector.posts(an_invoice(collected_timestamp=1736000000000))
    await collector.relay.is_settled()

    assert (200, "duplicate", first.answer["id"]) == (again.status, again.answer["status"], again.answer["id"])
    assert [first.answer["id"]] == [arrival.event_id for arrival in sink.arrivals]


async def test_two_test_callbacks_a_minute_apart_are_two_events(collector: Collector) -> None:
    """The test callback is always INV-3337, with the time of now: whoever presses the button twice sees two."""
    now_ms = int(time() * 1000)
    first = await collector.posts(an_invoice(timestamp=now_ms))
    second = await collector.posts(an_invoice(timestamp=now_ms + 60_000))

    assert ["accepted", "accepted"] == [first.answer["status"], second.answer["status"]]
    assert first.answer["id"] != second.answer["id"]


async def test_the_same_disconnect_notice_thrice_is_one_event(collector: Collector, sink: Sink) -> None:
    """A notice has no id and no time; sent again within its tries it is the same."""
    collected = [await collector.posts(NOTICE) for _ in range(3)]
    await collector.relay.is_settled()

    assert ["accepted", "duplicate", "duplicate"] == [each.answer["status"] for each in collected]
    assert {collected[0].answer["id"]} == {each.answer["id"] for each in collected}
    assert 1 == len(sink.arrivals)
