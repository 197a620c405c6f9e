"""DocuSign Connect, in its JSON form: envelopes and what becomes of them. Each key of the account signs in a header
of its own, `X-DocuSign-Signature-1`, `-2` …, and any may match.

Events have no id, and `retryCount` changes with each try: event, envelope and time name one. Documents come with them
where Connect is told to include them, in base64.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event: str, status: str) -> Sample:
    data = {
        "accountId": "2e0e0d0c-0000-4000-8000-000000000001",
        "envelopeId": "{uuid}",
        "envelopeSummary": {"status": status, "emailSubject": "Please sign"},
    }
    body = {
        "event": event,
        "apiVersion": "v2.1",
        "uri": "/restapi/v2.1/accounts/2e0e0d0c-0000-4000-8000-000000000001/envelopes/{uuid}",
        "retryCount": 0,
        "configurationId": 10367598,
        "generatedDateTime": "{now}",
        "data": data,
    }
    return Sample(event, body)


PRESET = Preset(
    name="docusign",
    title="DocuSign Connect",
    page="https://developers.docusign.com/platform/webhooks/connect/validate/",
    verify=({"scheme": "hmac", "header": "X-DocuSign-Signature", "encoding": "base64", "numbered": 100},),
    type="event",
    keys={ANY_TYPE: "[event, data.envelopeId || data, generatedDateTime]"},
    needs_json=True,
    max_body="50MiB",
    samples=(_sample("envelope-completed", "completed"), _sample("envelope-sent", "sent")),
)
