"""FactPulse: a login gives a JWT that lives for 30 minutes."""

from relay.targets.presets import Need, TargetPreset

PRESET = TargetPreset(
    name="factpulse",
    title="FactPulse",
    page="https://factpulse.fr/api/facturation/documentation",
    needs={
        "username": Need("the user of your account"),
        "password": Need("its password"),
        "client_uid": Need("the client for whom you act, where there are several", is_optional=True),
    },
    settings={
        "auth": {
            "scheme": "login",
            "url": "<origin>/api/token/",
            "body": {"username": "<username>", "password": "<password>", "client_uid": "<client_uid>"},
            "token": "access",
            "lifetime": "30m",
        },
        "headers": {"Accept": "application/json"},
        "retry": {"final": [400, 404, 409, 410, 422]},
    },
    example=(
        '{preset: factpulse, url: "https://factpulse.fr/api/v1", '
        'with: {username: "${FACTPULSE_USER}", password: "${FACTPULSE_PASSWORD}"}}'
    ),
    notes=("It logs in at `/api/token/` of the same host. A 401 makes it log in again, within the same attempt.",),
)
