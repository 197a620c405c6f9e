"""The inbound journey of a request whose key must be fetched first, over a real socket and a real store."""

import base64
import zlib

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relay.domain import KeyWanted
from relay.errors import KeyUnavailable
from tests.integration.door import Door

WEBHOOK = "1JE4291016473214C"
ADDRESS = "https://api.paypal.com/v1/notifications/certs/CERT-1"
BODY = b'{"id": "WH-1", "kind": "paid"}'


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def signed(key: RSAPrivateKey, address: str = ADDRESS) -> dict[str, str]:
    covered = f"m-1|2026-07-01T12:00:00Z|{WEBHOOK}|{zlib.crc32(BODY)}".encode()
    return {
        "PAYPAL-TRANSMISSION-ID": "m-1",
        "PAYPAL-TRANSMISSION-TIME": "2026-07-01T12:00:00Z",
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(key.sign(covered, PKCS1v15(), SHA256())).decode(),
        "PAYPAL-CERT-URL": address,
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
    }


def public(key: RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


async def test_a_request_is_judged_with_the_key_that_it_needs(door: Door, key: RSAPrivateKey) -> None:
    """Accepted with it, refused with another, and where there is none."""
    door.keys[ADDRESS] = public(key)
    genuine, _ = await door.post("/in/payments", BODY, signed(key))
    forged, _ = await door.post("/in/payments", BODY, signed(generate_private_key(65537, 2048)))
    absent, _ = await door.post("/in/payments", BODY, signed(key, f"{ADDRESS}0"))

    assert (200, 401, 401) == (genuine, forged, absent)
    assert 1 == await door.stored()


async def test_a_key_that_cannot_be_had_now_is_asked_for_again(door: Door, key: RSAPrivateKey) -> None:
    """503 with Retry-After: the sender comes again, and nothing is lost or stored meanwhile."""
    door.keys[ADDRESS] = KeyUnavailable("no certificate from api.paypal.com: no answer in time")
    status, _ = await door.post("/in/payments", BODY, signed(key))

    assert (503, 0) == (status, await door.stored())
    assert "Retry-After" in door.last_headers


async def test_what_is_malformed_asks_for_no_key(door: Door, key: RSAPrivateKey) -> None:
    """A stranger's address is never fetched."""
    status, _ = await door.post("/in/payments", BODY, signed(key, "https://169.254.169.254/certs/CERT-1"))

    assert 401 == status
    assert [] == door.keys_wanted


async def test_a_key_is_wanted_for_the_vendors_name(door: Door, key: RSAPrivateKey) -> None:
    """Whoever fetches it knows what the certificate's name must end with."""
    await door.post("/in/payments", BODY, signed(key))

    assert [KeyWanted(ADDRESS, ".paypal.com")] == door.keys_wanted
