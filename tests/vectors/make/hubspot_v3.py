"""HubSpot's requests, signed and verified by its Python SDK; also of a URL with what HubSpot decodes first."""

from collections.abc import Mapping
from datetime import datetime
from unittest.mock import patch

from hubspot.utils.signature import Signature

from tests.vectors.make.vectors import NOW, NOW_S, SECRET, URL, of_package, write

SDK = of_package("hubspot-api-client")
WITH_QUERY = f"{URL}?to=a@b.example,c/d%20e%26"
NOW_MS = str(NOW_S * 1000)
BODY = (
    '[{"eventId":100,"subscriptionId":25,"portalId":33,"appId":1160452,"occurredAt":1782907200000,'
    '"subscriptionType":"contact.deletion","attemptNumber":1,"objectId":1246965}]'
)


def sign(body: bytes, headers: Mapping[str, str], url: str = URL) -> Mapping[str, str]:
    signature = Signature.get_signature(SECRET, body.decode(), "v3", url, "POST", NOW_MS)
    return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": NOW_MS}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    """Judge it for either URL: the SDK is told which was called."""
    signature = headers["X-HubSpot-Signature-v3"]
    with patch("hubspot.utils.signature.datetime", wraps=datetime) as clock:
        clock.now.return_value = NOW
        return any(
            Signature.is_valid(signature, SECRET, body.decode(), url, "POST", "v3", NOW_MS) for url in (URL, WITH_QUERY)
        )


write(
    "hubspot-v3",
    SDK,
    sign,
    judge=(SDK, accepts),
    more=[
        {
            "name": "with a query",
            "type": "contact.deletion",
            "headers": sign(BODY.encode(), {}, WITH_QUERY),
            "query": "to=a%40b.example%2Cc%2fd%20e%26",
            "body": BODY,
        }
    ],
)
