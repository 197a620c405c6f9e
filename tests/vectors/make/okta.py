"""Okta's requests, which carry a fixed value, and its question for the URL."""

from tests.vectors.make.vectors import SECRET, write

CHALLENGE = "A8U0ZtWs8GmJGIEvzhqhz"

write(
    "okta",
    "nobody: the value is sent as it is",
    lambda body, headers: {"Authorization": SECRET},
    answered=200,
    handshakes=[
        {
            "method": "GET",
            "headers": {"X-Okta-Verification-Challenge": CHALLENGE},
            "status": 200,
            "answer": f'{{"verification":"{CHALLENGE}"}}',
        },
        {"method": "GET", "status": 401},
    ],
)
