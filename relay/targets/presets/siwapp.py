"""Siwapp, the Rails edition: a fixed token, in a form of its own."""

from relay.targets.presets import Need, TargetPreset

PRESET = TargetPreset(
    name="siwapp",
    title="Siwapp",
    page="https://github.com/siwapp/siwapp",
    needs={"token": Need("the API token of your installation")},
    settings={
        "auth": {"scheme": "header", "header": "Authorization", "value": 'Token token="<token>"'},
        "headers": {"Accept": "application/json"},
        "retry": {"final": [400, 404, 410, 422]},
    },
    example='{preset: siwapp, url: "https://siwapp.example.com/api/v1", with: {token: "${SIWAPP_TOKEN}"}}',
    notes=(
        "A route's `path` says which resource: `/invoices`. What its `body` puts into `meta` can be searched there, as "
        "the event's id, by which a second delivery is told.",
    ),
)
