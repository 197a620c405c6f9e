"""Intuit's requests, signed by OpenSSL as its page says: its SDKs that do it are for other languages.

Two changes in one request, and the form of requests before CloudEvents, are among them.
"""

import json
from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of, in_base64
from tests.vectors.make.vectors import write

ENTITIES = [
    {"name": "Customer", "id": "1", "operation": "Create", "lastUpdated": "2015-10-05T14:42:19-0700"},
    {"name": "Vendor", "id": "1", "operation": "Create", "lastUpdated": "2015-10-05T14:42:19-0700"},
]
FORMER = json.dumps(
    {"eventNotifications": [{"realmId": "1185883450", "dataChangeEvent": {"entities": ENTITIES}}]},
)


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"intuit-signature": in_base64(hmac_of(body))}


write(
    "intuit",
    "OpenSSL",
    sign,
    more=[
        {
            "name": "before CloudEvents",
            "type": "eventNotifications",
            "headers": sign(FORMER.encode(), {}),
            "body": FORMER,
        }
    ],
)
