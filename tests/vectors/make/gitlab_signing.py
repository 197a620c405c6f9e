"""GitLab's requests with a signing token, signed by the Python SDK of Standard Webhooks, whose form GitLab uses."""

from collections.abc import Mapping

from standardwebhooks import Webhook

from tests.vectors.make.vectors import NOW, NOW_S, of_package, write

SECRET = "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q="  # as GitLab shows one


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    message = headers["Idempotency-Key"]
    signature = Webhook(SECRET).sign(message, NOW, body.decode())
    return {"webhook-id": message, "webhook-timestamp": str(NOW_S), "webhook-signature": signature}


write("gitlab-signing", of_package("standardwebhooks"), sign, secret=SECRET)
