"""Sanity: documents. What is sent of them is chosen there, so what happened and which event it is stand in headers.

Its library looks at no time. An event is tried for half an hour, and whether it is signed anew is not documented: a
time is believed for an hour.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample

DOCUMENT = "0f0c7a7e-6d1f-4a3c-a5f0-0d6f0f8f3d6a"


def _sample(operation: str) -> Sample:
    headers = {
        "sanity-operation": operation,
        "sanity-document-id": DOCUMENT,
        "sanity-project-id": "zp7mbokg",
        "sanity-dataset": "production",
        "idempotency-key": "{uuid}",
    }
    return Sample(operation, {"_id": DOCUMENT, "_type": "post", "title": "Hello"}, headers)


PRESET = Preset(
    name="sanity",
    title="Sanity",
    page="https://www.sanity.io/docs/content-lake/webhook-best-practices",
    verify=(
        {
            "scheme": "hmac",
            "header": "sanity-webhook-signature",
            "encoding": "base64url",
            "separator": ",",
            "prefix": "v1=",
            "timestamp_prefix": "t=",
            "time": "milliseconds",
            "signed": "{timestamp}.{body}",
            "tolerance": "1h",
        },
    ),
    type="header:sanity-operation",
    keys={ANY_TYPE: "header:idempotency-key"},
    max_body="5MiB",
    samples=(_sample("create"), _sample("update"), _sample("delete")),
)
