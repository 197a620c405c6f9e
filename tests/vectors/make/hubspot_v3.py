"""HubSpot's requests, signed by its Python SDK; also of a URL with what HubSpot decodes before it signs."""

from collections.abc import Mapping

from hubspot.utils.signature import Signature

from tests.vectors.make.vectors import NOW_S, SECRET, URL, of_package, write

NOW_MS = str(NOW_S * 1000)
BODY = (
    '[{"eventId":100,"subscriptionId":25,"portalId":33,"appId":1160452,"occurredAt":1782907200000,'
    '"subscriptionType":"contact.deletion","attemptNumber":1,"objectId":1246965}]'
)


def sign(body: bytes, headers: Mapping[str, str], url: str = URL) -> Mapping[str, str]:
    signature = Signature.get_signature(SECRET, body.decode(), "v3", url, "POST", NOW_MS)
    return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": NOW_MS}


write(
    "hubspot-v3",
    of_package("hubspot-api-client"),
    sign,
    more=[
        {
            "name": "with a query",
            "type": "contact.deletion",
            "headers": sign(BODY.encode(), {}, f"{URL}?to=a@b.example,c/d%20e%26"),
            "query": "to=a%40b.example%2Cc%2fd%20e%26",
            "body": BODY,
        }
    ],
)
