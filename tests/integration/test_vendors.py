"""What a vendor is answered over the wire, where it does not take just any 2xx for a yes."""

from typing import Any

import pytest

from relay.presets import Preset
from tests.contract.vendor import ORIGIN, PRESETS, source_with, vectors_of
from tests.integration.door import BOUNDS, Door

Told = tuple[int, str | None, bytes]

PARTICULAR = [preset for preset in PRESETS if "answered" in vectors_of(preset)]


async def told(door: Door, preset: Preset, request: dict[str, Any]) -> Told:
    """Send a recorded request; return status, type and body of what is answered."""
    source = source_with(preset.name, vectors_of(preset)["secret"])
    door.inbound.adopt({"it": source}, ORIGIN, [], BOUNDS)
    url, headers = f"{door.url}/in/it", {"Content-Type": "application/json", **request["headers"]}
    query, body = request.get("query"), request["body"].encode()
    async with door.http.post(url, params=query, data=body, headers=headers) as answer:
        return answer.status, answer.headers.get("Content-Type"), await answer.read()


@pytest.mark.parametrize("preset", PARTICULAR, ids=[preset.name for preset in PARTICULAR])
async def test_a_vendor_is_answered_as_it_wants_to_be(door: Door, preset: Preset) -> None:
    """By that status and no body: one is shown to a person, or taken for an error or for a failure to be repeated."""
    vectors = vectors_of(preset)
    answers = [await told(door, preset, request) for request in vectors["requests"]]

    assert {(vectors["answered"], b"")} == {(status, body) for status, _, body in answers}
    assert 0 < await door.stored() <= len(answers)


async def test_what_discord_asks_an_url_for_events_is_answered_with_a_type_and_nothing_of_it(door: Door) -> None:
    """Its page wants 204 without a body, and a content type that its API knows all the same."""
    preset = next(preset for preset in PARTICULAR if preset.name == "discord")
    question = vectors_of(preset)["handshakes"][1]

    assert (204, "application/json", b"") == await told(door, preset, question)
