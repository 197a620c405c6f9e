"""Contentful: method, path, body, time and the headers that it lists are signed; for 30 seconds, as its SDK has it.

Its `X-Contentful-Idempotency-Key` is told to compare very recent requests only, so the raw body is the key. A query in
the URL would be signed in a form of Contentful's own: register the URL without one.
"""

from relay.presets import Preset, Sample


def _sample(topic: str, **fields: object) -> Sample:
    headers = {
        "X-Contentful-Topic": topic,
        "X-Contentful-Signed-Headers": "x-contentful-signed-headers,x-contentful-timestamp,x-contentful-topic",
        "Content-Type": "application/vnd.contentful.management.v1+json",
    }
    system = {"type": "Entry", "id": "{uuid}", "version": 1, "updatedAt": "{now}"}
    return Sample(topic, {"sys": system, "fields": fields}, headers)


PRESET = Preset(
    name="contentful",
    title="Contentful",
    page="https://www.contentful.com/developers/docs/extensibility/app-framework/request-verification/",
    verify=(
        {
            "scheme": "hmac",
            "header": "X-Contentful-Signature",
            "timestamp_header": "X-Contentful-Timestamp",
            "time": "milliseconds",
            "signed": "{method}\n{path}\n{listed_headers}\n{body}",
            "tolerance": "30s",
        },
    ),
    type="header:X-Contentful-Topic",
    needs_json=True,
    samples=(
        _sample("ContentManagement.Entry.publish", title={"en-US": "Hello"}),
        _sample("ContentManagement.Entry.save", title={"en-US": "Hello"}),
    ),
)
