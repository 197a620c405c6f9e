"""Adyen's requests that are signed in the body, signed and verified by its Python SDK."""

import json
from collections.abc import Mapping

from Adyen.util import generate_notification_sig, is_valid_hmac_notification

from tests.vectors.make.vectors import of_package, write

SDK = of_package("Adyen")
KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"  # of Adyen's own examples


def sign(body: bytes, headers: Mapping[str, str]) -> bytes:
    told = json.loads(body)
    item = told["notificationItems"][0]["NotificationRequestItem"]
    item["additionalData"]["hmacSignature"] = generate_notification_sig(item, KEY).decode()
    return json.dumps(told, separators=(",", ":")).encode()


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return is_valid_hmac_notification(json.loads(body), KEY)


def spoil(body: bytes) -> bytes:
    told = json.loads(body)
    told["notificationItems"][0]["NotificationRequestItem"]["amount"]["value"] += 1
    return json.dumps(told).encode()


write("adyen-body", SDK, sign, secret=KEY, judge=(SDK, accepts), spoil=spoil)
