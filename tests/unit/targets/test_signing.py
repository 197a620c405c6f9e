"""The signature of Standard Webhooks, as its own library makes it."""

from base64 import b64decode
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from relay.domain import Secret
from relay.targets.signing import signature_header

seconds = st.integers(0, 2**32)


@given(st.binary(min_size=1), st.text("abcdef0123456789_"), seconds, st.text())
def test_a_signature_is_the_librarys_own(key: bytes, event_id: str, timestamp: int, body: str) -> None:
    """Targets verify with the standard's libraries: there is one right answer."""
    expected = Webhook(key).sign(event_id, datetime.fromtimestamp(timestamp, UTC), body)

    assert expected == signature_header([Secret(key)], event_id, timestamp, body.encode())


def test_the_published_example_is_met() -> None:
    """Vector: the one in the tests of the standard's reference libraries."""
    key = Secret(b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    made = signature_header([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" == made


def test_a_body_need_not_be_text() -> None:
    """The library signs text only; the standard signs bytes."""
    assert signature_header([Secret(b"k")], "evt_1", 1, b"\xff") != signature_header(
        [Secret(b"k")], "evt_1", 1, b"\xfe"
    )


def test_each_secret_signs_once_in_order() -> None:
    """While a secret is rotated both are valid: a space between, as the standard has it."""
    new, old = Secret(b"new"), Secret(b"old")
    both = signature_header([new, old], "evt_1", 1, b"{}")

    assert f"{signature_header([new], 'evt_1', 1, b'{}')} {signature_header([old], 'evt_1', 1, b'{}')}" == both
