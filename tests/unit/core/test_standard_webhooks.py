"""Standard Webhooks, held against the reference implementation in both directions."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from relay.domain import Refusal, Secret
from relay.errors import SecretInvalid
from relay.verification.standard_webhooks import key_of, standard_webhooks
from tests.unit.core.arrange import NOW, a_request, proven, with_header

SECRET_TEXT = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET_TEXT = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
SECRET = Secret(SECRET_TEXT)

keys = (
    st.binary(min_size=24, max_size=64).filter(bytes.strip).map(lambda key: "whsec_" + base64.b64encode(key).decode())
)


@given(secret=keys, body=st.text(max_size=200))
def test_what_the_reference_signs_we_accept(secret: str, body: str) -> None:
    """A sender uses its own library, whatever its secret."""
    signature = Webhook(secret).sign("msg_1", NOW, body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": f"{NOW.timestamp():.0f}", "webhook-signature": signature}
    request = a_request(body.encode(), headers.items())

    assert standard_webhooks((Secret(secret),)).verify(request, NOW) is None


@given(secret=keys, body=st.text(max_size=200))
def test_what_we_sign_the_reference_accepts(secret: str, body: str) -> None:
    """A receiver uses its own library, too. It asks the real clock, so we sign for now."""
    now = datetime.now(UTC)
    proof = standard_webhooks((Secret(secret),)).sign(a_request(body.encode()), now)

    Webhook(secret).verify(body, dict(proof.headers), json_parse=False)

    assert {"webhook-id", "webhook-timestamp", "webhook-signature"} == proof.headers.keys()


def test_the_published_example_is_accepted() -> None:
    """The vector that the specification's own libraries are tested with."""
    body = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    now = datetime.fromtimestamp(1614265330, UTC)

    assert standard_webhooks((SECRET,)).verify(a_request(body, headers.items()), now) is None


def test_one_signature_of_several_is_enough() -> None:
    """A sender that rotates its secret signs with both; versions that we do not know are left aside."""
    old, new = standard_webhooks((SECRET,)), standard_webhooks((Secret(OTHER_SECRET_TEXT),))
    request = proven(a_request(), old.sign(a_request(), NOW))
    signatures = f"v1a,zzz {new.sign(request, NOW).headers['webhook-signature']} {request.headers['webhook-signature']}"

    assert old.verify(with_header(request, "webhook-signature", signatures), NOW) is None
    assert new.verify(with_header(request, "webhook-signature", signatures), NOW) is None


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_of_its_headers_must_be_there(header: str) -> None:
    """The signature covers all of them."""
    verifier = standard_webhooks((SECRET,))
    request = proven(a_request(), verifier.sign(a_request(), NOW))

    assert verifier.verify(with_header(request, header), NOW) is Refusal.MISSING


def test_an_old_request_is_stale() -> None:
    """The specification: five minutes, unless the reader says otherwise."""
    request = proven(a_request(), standard_webhooks((SECRET,)).sign(a_request(), NOW))
    later = NOW + timedelta(seconds=301)

    assert standard_webhooks((SECRET,)).verify(request, later) is Refusal.STALE
    assert standard_webhooks((SECRET,), tolerance=timedelta(hours=1)).verify(request, later) is None


@pytest.mark.parametrize("text", [SECRET_TEXT, SECRET_TEXT.removeprefix("whsec_")])
def test_a_secret_is_base64_with_or_without_its_prefix(text: str) -> None:
    """Vendors show both; padding may be cut off."""
    assert Secret(base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")) == key_of(Secret(text))
    assert Secret(b"k" * 16) == key_of(Secret("a2tra2tra2tra2tra2traw"))


@pytest.mark.parametrize("text", ["whsec_", "whsec_%%%", "whsec_a", "whsec_ä", "whsec_ MfKQ"])
def test_a_secret_that_is_no_base64_is_told_without_its_value(text: str) -> None:
    """A fault in the configuration is printed; a secret is not."""
    with pytest.raises(SecretInvalid) as raised:
        standard_webhooks((Secret(text),))

    assert str(raised.value) == "a secret of scheme standard-webhooks is whsec_ and base64"
