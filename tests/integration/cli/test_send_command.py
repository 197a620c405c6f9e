"""`relay send`, where a vendor signs with a key that only it has."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.ports import free_port

Call = Callable[..., Result]
JWT = "{scheme: jwt, header: X-Token, algorithm: %s, body_claim: sha256}"


def pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().replace("\n", "\\n")


CURVE = ec.generate_private_key(ec.SECP256R1())
SOURCES = {
    "preset: paypal": "1JE4291016473214C",
    "preset: discord": pem(ed25519.Ed25519PrivateKey.generate()),
    "preset: sendgrid": pem(CURVE),
    f"verify: {JWT % 'ES256'}": pem(CURVE),
    f"verify: {JWT % 'RS256'}": pem(rsa.generate_private_key(65537, 2048)),
}


def write(folder: Path, kind: str, secret: str) -> None:
    (folder / "config" / "relay.yaml").write_text(f"sources:\n  vendor:\n    {kind}\n    {secret}\n")


@pytest.mark.parametrize("kind", SOURCES)
def test_the_key_that_is_missing_is_made_and_its_place_told(call: Call, folder: Path, kind: str) -> None:
    """Whoever copies the line into the configuration signs as the vendor would."""
    write(folder, kind, f'secret: "{SOURCES[kind]}"')
    refused = call("send", "vendor")
    made = call("send", "vendor", "--new-key", "vendor-test.pem")
    line = re.search('secret: "[^"]*"', made.stdout)
    assert line is not None
    write(folder, kind, line[0])
    sent = call("send", "vendor", "--url", f"http://127.0.0.1:{free_port()}")

    assert 1 == refused.exit_code
    assert "`relay send vendor --new-key vendor-test.pem` makes one" in refused.stderr
    assert 0 == made.exit_code
    assert 0o600 == (folder / "vendor-test.pem").stat().st_mode & 0o777
    assert "no answer from" in sent.stderr, sent.output


def test_no_file_is_overwritten(call: Call, folder: Path) -> None:
    """It may be the key of another source."""
    write(folder, "preset: paypal", "secret: 1JE4291016473214C")
    (folder / "key.pem").write_text("mine")

    result = call("send", "vendor", "--new-key", "key.pem")

    assert (1, "Error: key.pem cannot be made: File exists\n") == (result.exit_code, result.stderr)
    assert "mine" == (folder / "key.pem").read_text()


def test_where_none_is_missing_none_is_made(call: Call, folder: Path) -> None:
    """Most vendors share a secret with us, and with that anybody can sign who has it."""
    result = call("send", "invoices", "--new-key", "key.pem")

    assert 2 == result.exit_code
    assert "invoices needs no --new-key" in result.stderr
    assert not (folder / "key.pem").exists()
