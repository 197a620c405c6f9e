"""Tripletex: a session is created by two tokens, and its token is the password of every call.

A session ends on a day that is told when it is created, at midnight of Oslo; the second day from now is always later
than the twelve hours for which it is used. It is refused with 401 when it ended early, and then created anew.
"""

from relay.targets.presets import Need, TargetPreset

PRESET = TargetPreset(
    name="tripletex",
    title="Tripletex",
    page="https://developer.tripletex.no/docs/documentation/authentication-and-tokens/",
    needs={
        "consumer_token": Need("the token of your integration"),
        "employee_token": Need("the token that a user made for it"),
        "company": Need("the client company's id, for accountants", default="0"),
    },
    settings={
        "url": "https://tripletex.no/v2",
        "auth": {
            "scheme": "login",
            "url": "<url>/token/session/:create",
            "method": "PUT",
            "query": {
                "consumerToken": "<consumer_token>",
                "employeeToken": "<employee_token>",
                "expirationDate": "{today+2d}",
            },
            "token": "value.token",
            "lifetime": "12h",
            "as": {"basic": "<company>:{token}"},
        },
        "headers": {"Accept": "application/json"},
        "retry": {"final": [400, 404, 409, 410, 422], "wait_header": "X-Rate-Limit-Reset"},
    },
    example=(
        '{preset: tripletex, with: {consumer_token: "${TRIPLETEX_CONSUMER}", employee_token: "${TRIPLETEX_EMPLOYEE}"}}'
    ),
    notes=(
        "A route's `path` says which resource: `/invoice`, `/customer/{data.id}`.",
        "409 is a revision conflict (code 8000) or a duplicate (14000), 422 a fault in the data: the delivery is dead, "
        "with the answer's beginning beside it, and can be replayed.",
        "For the test environment: `url: https://api-test.tripletex.tech/v2`.",
    ),
)
