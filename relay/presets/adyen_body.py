"""Adyen's payment webhooks, signed in the body. The secret is the HMAC key, in hex, as Adyen shows it.

The signature covers eight fields of the item, and nothing else of it: give Adyen an https URL only, and believe no
other field because of it. As JSON one item comes in each request; since only the first is signed, that there is no
second one is part of what must match. A repeat has the same reference and code, and may
differ in all else; `success` stands in the key, so that no outcome is taken for another.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample

ITEM = "notificationItems.0.NotificationRequestItem"
SIGNED = (
    "pspReference",
    "originalReference",
    "merchantAccountCode",
    "merchantReference",
    "amount.value",
    "amount.currency",
    "eventCode",
    "success",
)
NO_SECOND_ITEM = "{body.notificationItems.1}"
FOUND = "notificationItems[0].NotificationRequestItem"


def _sample(code: str, **more: object) -> Sample:
    item = {
        "additionalData": {},
        "amount": {"currency": "EUR", "value": 1130},
        "eventCode": code,
        "eventDate": "{now}",
        "merchantAccountCode": "TestMerchant",
        "merchantReference": "TestPayment-1407325143704",
        "pspReference": "{uuid}",
        "success": "true",
        **more,
    }
    return Sample(code, {"live": "false", "notificationItems": [{"NotificationRequestItem": item}]})


PRESET = Preset(
    name="adyen-body",
    title="Adyen (payments)",
    page="https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures",
    verify=(
        {
            "scheme": "hmac",
            "body_field": f"{ITEM}.additionalData.hmacSignature",
            "encoding": "base64",
            "key_from": "hex",
            "signed": ":".join(f"{{body.{ITEM}.{name}}}" for name in SIGNED) + NO_SECOND_ITEM,
        },
    ),
    type=f"{FOUND}.eventCode",
    keys={ANY_TYPE: f"[{FOUND}.pspReference, {FOUND}.eventCode, {FOUND}.success]"},
    needs_json=True,
    samples=(_sample("AUTHORISATION"), _sample("REFUND", originalReference="9913140798220028")),
)
