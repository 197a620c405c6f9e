"""Any system that takes JSON and means what it answers: a 4xx that no later attempt can change ends a delivery."""

from relay.targets.presets import TargetPreset

PRESET = TargetPreset(
    name="json",
    title="Any API that takes JSON",
    page="https://www.rfc-editor.org/rfc/rfc9110#section-15.5",
    settings={
        "headers": {"Accept": "application/json"},
        "retry": {"final": [400, 405, 406, 410, 413, 414, 415, 422, 431]},
    },
    example='{preset: json, url: "https://erp.example.com/api", auth: {scheme: bearer, token: "${ERP_TOKEN}"}}',
    notes=("401, 403 and 404 are tried again: keys and addresses get corrected while events wait.",),
)
