"""The API's own description: valid, whole, and kept to whatever is asked."""

import asyncio
import re
import warnings
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate

from relay.web.admin.schemas import SCHEMAS
from tests.admin import KNOWN, Client, Office
from tests.builders import a_lease, a_plan, an_event, dead

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of its own dependencies
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
EXAMPLES = 15  # of each operation
PROMISED = {
    "GET /api/v1/events",
    "GET /api/v1/events/{id}",
    "GET /api/v1/events/{id}/body",
    "POST /api/v1/events/{id}/replay",
    "POST /api/v1/replays",
    "GET /api/v1/replays",
    "GET /api/v1/replays/{id}",
    "DELETE /api/v1/replays/{id}",
    "GET /api/v1/deliveries",
    "POST /api/v1/deliveries/{id}/retry",
    "POST /api/v1/deliveries/{id}/cancel",
    "GET /api/v1/targets",
    "POST /api/v1/targets/{name}/pause",
    "POST /api/v1/targets/{name}/resume",
    "GET /api/v1/rejections",
    "GET /api/v1/rejections/{id}",
    "POST /api/v1/rejections/{id}/admit",
    "GET /api/v1/stats",
    "GET /api/v1/sources",
    "GET /api/v1/config",
    "POST /api/v1/config/reload",
    "GET /api/v1/openapi.json",
}


async def described(admin: Client) -> dict[str, Any]:
    answer = await admin.get("/api/v1/openapi.json")
    document: dict[str, Any] = await answer.json()
    return document


async def test_the_description_is_valid_and_needs_no_token(admin: Client) -> None:
    """OpenAPI 3.1, as a validator reads it; it tells nothing of what is kept."""
    document = await described(admin)

    assert document["openapi"].startswith("3.1")
    validate(document)


async def test_all_that_is_promised_is_described(admin: Client) -> None:
    """The contract's list, and each answer by a schema that there is."""
    document = await described(admin)

    told = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert set() == PROMISED - told
    identifiers = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(identifiers) == len(set(identifiers))


async def test_every_schema_describes_something(admin: Client) -> None:
    """What no answer refers to is left over from one that is gone; what is missing describes nothing."""
    text = orjson.dumps(await described(admin)).decode()

    referred = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert set(SCHEMAS) <= referred
    assert referred <= set((await described(admin))["components"]["schemas"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_every_operation_keeps_to_its_description(admin: Client, office: Office) -> None:
    """Whatever is asked within the description or beside it: no fault of ours, and no answer that was not described."""
    for _ in range(3):
        event = an_event()
        receipt = await office.store.accept(event, a_plan("erp"), {0: a_lease()})
        await office.store.settle(dead(receipt.deliveries[0]))
    document = await described(admin)
    schema = schemathesis.openapi.from_dict(document)
    base_url = f"http://127.0.0.1:{admin.port}"

    await asyncio.to_thread(_try_all, schema, base_url)


def _try_all(schema: Any, base_url: str) -> None:
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def try_one(case: Any) -> None:
            case.call_and_validate(base_url=base_url, headers=KNOWN, checks=CHECKS)

        try_one()
