"""What HubSpot's events look like, whichever signature proves them.

Source: https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide.
"""

from relay.presets import Sample

KEY = "[portalId, subscriptionType, eventId, occurredAt]"


def _sample(subscription_type: str, **more: object) -> Sample:
    item = {
        "eventId": "{uuid}",
        "subscriptionId": 25,
        "portalId": 33,
        "appId": 1160452,
        "occurredAt": "{now_ms}",
        "subscriptionType": subscription_type,
        "attemptNumber": 0,
        "objectId": 1246965,
        **more,
    }
    return Sample(subscription_type, [item])


SAMPLES = (
    _sample("contact.propertyChange", propertyName="lifecyclestage", propertyValue="subscriber", changeSource="CRM"),
    _sample("deal.creation", changeFlag="CREATED", changeSource="CRM"),
)
