"""By what the presets tell events apart: an event is never refused for what its vendor may leave out."""

import json
from dataclasses import replace

import pytest

from relay import presets
from relay.domain import Event
from relay.presets import Sample
from tests.contract.vendor import PRESETS, a_source, genuine, named, rendered

FORM = "application/x-www-form-urlencoded"
ANY = Sample("any", {})

objects = pytest.mark.parametrize(
    ("name", "sample"),
    [
        pytest.param(preset.name, sample, id=f"{preset.name} {sample.type}")
        for preset in PRESETS
        for sample in preset.samples
        if isinstance(sample.body, dict) and not sample.headers.get("Content-Type", "").startswith(FORM)
    ],
)


@objects
def test_an_event_with_an_empty_field_is_no_less_of_one(name: str, sample: Sample) -> None:
    """Vendors write null for whatever they do not know: no request is refused for that, nor alike because of it."""
    source = a_source(presets.find(name))
    request = genuine(source, sample)
    body = json.dumps({**json.loads(request.body), "unknown_yet": None}).encode()

    assert isinstance(named(replace(request, body=body), source), Event)


@pytest.mark.parametrize("name", ["meta", "discord", "slack", "intercom"])
def test_events_without_an_id_are_told_apart_by_all_that_they_say(name: str) -> None:
    """With an empty field, too: a second event that was taken for the first would be lost."""
    source = a_source(presets.find(name))
    bodies = [b'{"unknown_yet":null,"type":7,"said":"%s"}' % word for word in (b"one", b"one", b"two")]
    first, again, other = (named(replace(rendered(ANY), body=body), source).key for body in bodies)

    assert first == again
    assert first != other


def test_a_gitlab_too_old_to_number_its_requests_is_known_by_its_bodies() -> None:
    """`Idempotency-Key` came with 17.4; before, an event was refused with 400 and not sent again."""
    preset = presets.find("gitlab-token")
    source = a_source(preset)
    push, again, issue = (replace(preset.samples[number], headers={}) for number in (0, 0, 1))
    keys = [named(genuine(source, sample), source).key for sample in (push, again, issue)]

    assert keys[0] == keys[1]
    assert keys[0] != keys[2]
    assert keys[0] != named(genuine(source, preset.samples[0]), source).key
