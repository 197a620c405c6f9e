"""Mollie's older webhooks: a form with the id of what has changed, and no signature. Fetch it from Mollie's API to
learn what became of it; never believe the request alone. A token in the URL keeps strangers out: `verify: token`.

The same id comes whenever something has changed, so nothing is ever a duplicate. What stands before the id's
underscore is the type: `tr` for payments, `ord` for orders.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

PRESET = Preset(
    name="mollie-classic",
    title="Mollie (classic)",
    page="https://docs.mollie.com/reference/webhooks",
    verify=({"scheme": "none"},),
    type="split(id, '_')[0]",
    windows={ANY_TYPE: "1ms"},
    samples=(Sample("tr", {"id": "tr_{uuid}"}, FORM), Sample("ord", {"id": "ord_{uuid}"}, FORM)),
)
