"""Objects in a bucket, as who reads them there finds them."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from relay.domain import Content, Outcome
from relay.expressions import compile_expression
from tests.builders import an_event
from tests.senders import a_delivery, opened
from tests.stages import Props
from tests.stages.s3 import serving


@pytest.mark.parametrize(
    ("settings", "body", "content", "media_type"),
    [
        ({}, b"\xff\x00", b"\xff\x00", "application/json"),
        (
            {"content": Content(compile_expression("x"), is_base64=True)},
            b'{"x": "JVBERg=="}',
            b"%PDF",
            "application/json",
        ),
        ({"media_type": "text/csv"}, b"a,b", b"a,b", "text/csv"),
    ],
    ids=["whole", "document", "of a type"],
)
async def test_an_object_is_what_the_event_holds(
    props: Props, settings: dict[str, Any], body: bytes, content: bytes, media_type: str
) -> None:
    """Byte for byte, under a key with spaces and letters of all sorts, which the signature covers."""
    event = an_event(body=body)
    async with serving(**settings)(props) as scene, opened(scene.sender) as sender:
        attempt = await sender.send(a_delivery(event))
        found = await asyncio.to_thread(props.servers.s3.get, f"{props.folder.name}/shop/{event.id} é+.json")

    assert Outcome.ACCEPTED == attempt.outcome
    assert (content, media_type) == (found["Body"].read(), found["ContentType"])


async def test_a_packed_body_is_told_to_be_packed(props: Props) -> None:
    """It is put as it came."""
    event = replace(an_event(body=b"\x1f\x8b"), headers=(("Content-Encoding", "gzip"),))
    async with serving()(props) as scene, opened(scene.sender) as sender:
        await sender.send(a_delivery(event))
        found = await asyncio.to_thread(
            props.servers.s3.client().head_object, Bucket="invoices", Key=f"{props.folder.name}/shop/{event.id} é+.json"
        )

    assert "gzip" == found["ContentEncoding"]
