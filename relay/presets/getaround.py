"""Getaround's Owner API, once Drivy's: bookings and what becomes of them.

The vendor numbers no events: type, data and time together are what makes two of them the same. It tries for three
days, backing off, and warns that events may come twice and in any order.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event_type: str, **data: object) -> Sample:
    return Sample(event_type, {"data": data, "type": event_type, "occurred_at": "{now}"})


PRESET = Preset(
    name="getaround",
    title="Getaround Owner API",
    page="https://rubydoc.info/gems/get_around_owner/1.0.8",  # the vendor's text; its own page needs a login
    verify=(
        {
            "scheme": "hmac",
            "header": "X-Drivy-Signature",
            "algorithm": "sha1",
            "encoding": "hex",
            "prefix": "sha1=",
            "signed": "{body}",
        },
    ),
    type="type",
    keys={ANY_TYPE: "[type, data, occurred_at]"},
    windows={ANY_TYPE: "7d"},
    needs_json=True,
    samples=(
        _sample("ping", ping="pong"),
        _sample("rental.booked", rental_id=2401853),
        _sample("rental.canceled", rental_id=2401853),
        _sample("rental.car_checked_in", rental_id=2401853),
        _sample("rental.car_checked_out", rental_id=2401853),
        _sample("rental.times_changed", rental_id=2401853),
        _sample("rental.car_switched", rental_id=2401853),
        _sample(
            "unavailability.created",
            car_id=715893,
            starts_at="2026-08-01T00:00:00Z",
            ends_at="2026-08-03T23:30:00Z",
            reason="other",
        ),
        _sample(
            "unavailability.deleted", car_id=715893, starts_at="2026-08-01T00:00:00Z", ends_at="2026-08-03T23:30:00Z"
        ),
        _sample("user.updated", user_id=1187204),
        _sample("message.sent", rental_id=2401853, message_id=9914027),
    ),
)
