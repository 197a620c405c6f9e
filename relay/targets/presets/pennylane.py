"""Pennylane, API v2: a bearer token, and 25 requests in 5 seconds."""

from relay.targets.presets import Need, TargetPreset

PRESET = TargetPreset(
    name="pennylane",
    title="Pennylane",
    page="https://pennylane.readme.io/docs/rate-limiting-1",
    needs={"token": Need("a developer token of your company")},
    settings={
        "url": "https://app.pennylane.com/api/external/v2",
        "auth": {"scheme": "bearer", "token": "<token>"},
        "headers": {"Accept": "application/json"},
        "rate": "25/5s",
        "retry": {"final": [400, 404, 409, 410, 422]},
    },
    example='{preset: pennylane, with: {token: "${PENNYLANE_TOKEN}"}}',
    notes=("A route's `path` says which resource: `/customer_invoices`, `/supplier_invoices/import`.",),
)
