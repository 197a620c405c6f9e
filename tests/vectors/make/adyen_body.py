"""Adyen's requests that are signed in the body, signed by its Python SDK."""

import json
from collections.abc import Mapping

from Adyen.util import generate_notification_sig, is_valid_hmac_notification

from tests.vectors.make.vectors import of_package, write

KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"  # of Adyen's own examples


def sign(body: bytes, headers: Mapping[str, str]) -> bytes:
    told = json.loads(body)
    item = told["notificationItems"][0]["NotificationRequestItem"]
    item["additionalData"]["hmacSignature"] = generate_notification_sig(item, KEY).decode()
    assert is_valid_hmac_notification(told, KEY)
    return json.dumps(told, separators=(",", ":")).encode()


write("adyen-body", of_package("Adyen"), sign, secret=KEY)
