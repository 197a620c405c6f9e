"""The API described in OpenAPI 3.1, from the endpoints themselves: what is checked is what is written."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from relay.web.admin.access import COOKIE, CSRF_HEADER
from relay.web.admin.asking import Endpoint
from relay.web.admin.schemas import SCHEMAS

PROBLEM = "#/components/schemas/Problem"
TEXT = {"type": "string"}
COMMON = {
    400: "A parameter or field is unknown or wrong; `where` names it.",
    401: "No token, or not one of ours.",
    403: "A browser's session, used from elsewhere than our own page.",
    421: "Asked under a name that is not ours.",
    503: "The store does not answer now.",
}
ABOUT = (
    "What a relay has received and what became of it. Lists are pages: `next` goes into `cursor`, unchanged. Errors "
    "are `application/problem+json`. Browsers use the cookie of /login, and send "
    f"{CSRF_HEADER} with whatever changes something."
)


def describe(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Return the whole document."""
    paths: dict[str, dict[str, Any]] = {}
    models: dict[str, Any] = {}
    for endpoint in endpoints:
        if endpoint.body is not None:
            model = endpoint.body.model_json_schema(ref_template="#/components/schemas/{model}")
            models |= model.pop("$defs", {})
            models[endpoint.body.__name__] = model
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "callback-relay", "version": version("callback-relay"), "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": {**SCHEMAS, **models},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": TEXT} for name in re.findall(r"{(\w+)}", endpoint.path)
    ]
    in_query = [
        {"name": each.name, "in": "query", "description": each.text, "schema": dict(each.schema)}
        for each in endpoint.query
    ]
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}{re.sub(r'[^a-z]+', '_', endpoint.path.removeprefix('/api/v1'))}",
        "summary": endpoint.summary,
        "parameters": [*in_path, *in_query],
        "responses": _responses(endpoint),
    }
    if not endpoint.path.startswith("/api/"):
        operation["security"] = []
    if endpoint.body is not None:
        schema = {"$ref": f"#/components/schemas/{endpoint.body.__name__}"}
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return operation


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    kind = "application/octet-stream" if endpoint.answer == "Bytes" else "application/json"
    schema = {"$ref": f"#/components/schemas/{endpoint.answer}"}
    problems = {**COMMON, **({413: "Too large.", 415: "Not JSON."} if endpoint.body else {}), **endpoint.problems}
    return {
        str(endpoint.status): {
            "description": HTTPStatus(endpoint.status).phrase,
            "content": {kind: {"schema": schema}},
        },
        **{
            str(status): {
                "description": text,
                "content": {"application/problem+json": {"schema": {"$ref": PROBLEM}}},
            }
            for status, text in sorted(problems.items())
        },
    }


def _response(text: str, kind: str, schema: dict[str, str]) -> dict[str, Any]:
    return {"description": text, "content": {kind: {"schema": schema}}}
