"""Siwapp, the edition in Rails: an invoice that one of its recurring invoices has generated.

It is sent once and never again, whatever is answered, and not signed: the URL carries a secret.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample

ATTRIBUTES = {"name": "Acme", "series_number": "A-42", "issue_date": "2026-07-01", "gross_amount": "93.5"}

PRESET = Preset(
    name="siwapp",
    title="Siwapp",
    page="https://github.com/siwapp/siwapp",  # seen in its source
    verify=({"scheme": "token"},),
    type="data.type",
    keys={ANY_TYPE: "[data.type, data.id]"},
    needs_json=True,
    samples=(Sample("invoices", {"data": {"id": "{uuid}", "type": "invoices", "attributes": ATTRIBUTES}}),),
)
