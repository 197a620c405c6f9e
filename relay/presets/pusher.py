"""Pusher Channels: who listens to which channel. With batches enabled, one request tells of several changes.

A change has neither id nor time of its own, so a channel that is left and joined again says the same twice: a request
is one event, known by its bytes, and of type `batch` where it holds several changes. It is tried for five minutes with
the time at which it was made, so twice that is believed.
"""

from relay.presets import Preset, Sample


def _sample(event_type: str, *names: str) -> Sample:
    events = [{"name": name, "channel": "presence-{uuid}"} for name in names]
    return Sample(event_type, {"time_ms": "{now_ms}", "events": events}, {"X-Pusher-Key": "278d425bdf160c739803"})


PRESET = Preset(
    name="pusher",
    title="Pusher Channels",
    page="https://pusher.com/docs/channels/server_api/webhooks/",
    verify=(
        {
            "scheme": "hmac",
            "header": "X-Pusher-Signature",
            "timestamp_field": "time_ms",
            "time": "milliseconds",
            "tolerance": "10m",
        },
    ),
    type="length(events) > `1` && 'batch' || events[0].name",
    samples=(
        _sample("channel_occupied", "channel_occupied"),
        _sample("batch", "channel_occupied", "channel_vacated"),
    ),
)
