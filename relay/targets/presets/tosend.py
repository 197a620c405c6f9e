"""ToSend: a login gives a token, which goes into the URL's query. Where it stands in the answer is not documented."""

from relay.targets.presets import Need, TargetPreset

PRESET = TargetPreset(
    name="tosend",
    title="ToSend",
    page="https://tosend.pl/",
    needs={
        "login": Need("the user of your account"),
        "password": Need("its password"),
        "customer": Need("the customer's name"),
        "token_at": Need("where the token stands in the login's answer: JMESPath", default="token"),
    },
    settings={
        "auth": {
            "scheme": "login",
            "url": "<origin>/api/v1/apiAuth",
            "body": {"login": "<login>", "password": "<password>", "customerName": "<customer>"},
            "token": "<token_at>",
            "as": {"query": "token"},
        },
        "headers": {"Accept": "application/json"},
        "retry": {"final": [400, 404, 409, 410, 422]},
    },
    example=(
        '{preset: tosend, url: "https://tosend.example.com/api/v1", '
        'with: {login: "${TOSEND_LOGIN}", password: "${TOSEND_PASSWORD}", customer: acme}}'
    ),
    notes=(
        "The token is used until it is refused with 401; it stands in no log, no error and no answer that is kept.",
        "A route's `path` is `/invoiceContainersAPI`.",
    ),
)
