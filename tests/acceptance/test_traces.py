"""The real program tells a collector, where its environment names one."""

import asyncio
from pathlib import Path

import pytest

from tests.acceptance.program import configured, session, started
from tests.acceptance.sink import Sink
from tests.patience import WAIT_S_MAX
from tests.receiver import receiving, says
from tests.storage import Storage


async def test_a_collector_gets_both_spans_of_an_event(
    tmp_path: Path, storage: Storage, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named by OpenTelemetry's own variable, and by nothing else."""
    parts = {
        "sources": {"shop": {"verify": "none"}},
        "targets": {"erp": {"url": sink.url, "allow_private": True}},
        "routes": [{"from": "shop", "to": "erp"}],
    }
    async with receiving(says()) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.port}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        async with started(configured(tmp_path, parts, storage=storage)) as relay:
            async with session() as http, http.post(f"{relay.url}/in/shop", json={}) as answer:
                trace = bytes.fromhex((await answer.json())["id"].removeprefix("evt_"))
            async with asyncio.timeout(WAIT_S_MAX):
                while not _are_told(b"".join(request.body for request in collector.requests), trace):
                    await asyncio.sleep(0.02)


def _are_told(told: bytes, trace: bytes) -> bool:
    return 2 == told.count(trace) and b"accept" in told and b"deliver erp" in told
