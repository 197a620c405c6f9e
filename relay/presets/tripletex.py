"""Tripletex: a fixed value in a header, whose name you choose when you subscribe: let `authHeaderName` be
`X-Tripletex-Token`, or write `verify: {scheme: header, header: NAME}` beside the preset.

Events have no id. The object's version tells its changes apart, and some are skipped; where there is none, all of the
object does. A deleted object is null, and is deleted once.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event: str, value: object) -> Sample:
    return Sample(event, {"subscriptionId": 1, "event": event, "id": "{now_ms}", "value": value})


PRESET = Preset(
    name="tripletex",
    title="Tripletex",
    page="https://github.com/Tripletex/tripletex-api2/blob/master/docs/webhooks/README.md",
    verify=({"scheme": "header", "header": "X-Tripletex-Token"},),
    type="event",
    keys={ANY_TYPE: "[subscriptionId, event, id, value.version || value || 'deleted']"},
    needs_json=True,
    samples=(
        _sample("product.create", {"id": "{now_ms}", "version": 1, "name": "Hello {uuid}"}),
        _sample("product.update", {"id": "{now_ms}", "version": 2, "name": "Hello {uuid}"}),
        _sample("product.delete", None),
    ),
)
