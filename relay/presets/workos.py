"""WorkOS: directories and logins of companies. Its libraries believe a signed time for three minutes."""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event: str, **data: object) -> Sample:
    return Sample(event, {"object": "event", "id": "event_{uuid}", "event": event, "data": data, "created_at": "{now}"})


PRESET = Preset(
    name="workos",
    title="WorkOS",
    page="https://workos.com/docs/events/data-syncing/webhooks",
    verify=(
        {
            "scheme": "hmac",
            "header": "WorkOS-Signature",
            "separator": ",",
            "prefix": "v1=",
            "timestamp_prefix": "t=",
            "time": "milliseconds",
            "signed": "{timestamp}.{body}",
            "tolerance": "3m",
        },
    ),
    type="event",
    keys={ANY_TYPE: "id"},
    needs_json=True,
    samples=(
        _sample("dsync.user.updated", id="directory_user_01E1X1B89NH8Z3SDFJR4H7RGX7", state="active"),
        _sample("connection.activated", id="conn_01EHWNC0FCBHZ3BJ7EGKYXK0E6", state="active"),
    ),
)
