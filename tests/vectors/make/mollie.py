"""Mollie's requests, with and without a prefix, signed and verified by its Python SDK."""

from collections.abc import Mapping

from mollie.utils.webhooks.signature_validator import SignatureValidator

from tests.vectors.make.vectors import SECRET, of_package, write

SDK = of_package("mollie-api-py")
PING = b'{"resource":"event","id":"event_ping","type":"hook.ping","entityId":"hook_1"}'


def signature(body: bytes) -> str:
    return SignatureValidator.create_signature(body.decode(), SECRET)


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Mollie-Signature": f"sha256={signature(body)}"}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return SignatureValidator.validate(body.decode(), SECRET, headers["X-Mollie-Signature"])


write(
    "mollie",
    SDK,
    sign,
    judge=(SDK, accepts),
    more=[
        {
            "name": "without a prefix",
            "type": "hook.ping",
            "headers": {"X-Mollie-Signature": signature(PING)},
            "body": PING.decode(),
        }
    ],
)
