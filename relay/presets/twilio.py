"""Twilio: messages and calls, mostly as forms. The URL is signed, so `server.public_url` must be as registered there.

JSON bodies are covered by their digest in the URL, as `bodySHA256`. What is answered to a message is read as TwiML,
JSON being an error (12300); 204 without a body says that nothing is to be done.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", "I-Twilio-Idempotency-Token": "{uuid}"}

PRESET = Preset(
    name="twilio",
    title="Twilio",
    page="https://www.twilio.com/docs/usage/webhooks/webhooks-security",
    verify=(
        {
            "scheme": "hmac",
            "header": "X-Twilio-Signature",
            "algorithm": "sha1",
            "encoding": "base64",
            "signed": "{url}{form}",
        },
    ),
    type="MessageStatus || CallStatus || EventType || SmsStatus",  # the last one: of a message that came in
    keys={ANY_TYPE: "header:I-Twilio-Idempotency-Token || body"},
    respond_status=204,
    respond_body="none",
    samples=(
        Sample("delivered", {"MessageSid": "SM{uuid}", "MessageStatus": "delivered", "To": "+33123456789"}, FORM),
        Sample("received", {"MessageSid": "SM{uuid}", "SmsStatus": "received", "Body": "Hello"}, FORM),
        Sample("completed", {"CallSid": "CA{uuid}", "CallStatus": "completed", "To": "+33123456789"}, FORM),
    ),
)
