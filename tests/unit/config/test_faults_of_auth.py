"""Faults in how we prove ourselves: each told at its place, none with a secret in it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from relay.config import Config
from relay.domain import Secret, TlsFiles
from tests.unit.config.arrange import http_target_in

Faulting = Callable[..., list[str]]
Loading = Callable[..., Config]

LOGIN = "scheme: login, url: 'https://e/login', token: access"


def with_auth(settings: str) -> str:
    return f"targets:\n  erp:\n    url: https://e/\n    auth: {{{settings}}}\n"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ("scheme: query, value: abc", "4:5: targets.erp.auth.parameter: missing; expected a value such as key"),
        (
            "scheme: hmac, secret: abcdefgh, header: X-S, signed: '{timestamp}.{body}'",
            "4:65: targets.erp.auth.signed: {timestamp} and `timestamp_header` go together; expected both, or neither",
        ),
        (
            "scheme: hmac, secret: abcdefgh, header: X-S, timestamp_header: X-T",
            "4:5: targets.erp.auth.signed: {timestamp} and `timestamp_header` go together; expected both, or neither",
        ),
        (
            "scheme: hmac, secret: abcdefgh, header: X-S, signed: '{method}'",
            "4:65: targets.erp.auth.signed: expected {body} in it: without, one signature would fit every body",
        ),
        (
            "scheme: hmac, secret: abc, header: X-S",
            "4:34: targets.erp.auth.secret: the secret is too short; expected at least 8 characters",
        ),
        (
            "scheme: oauth2, token_url: e, client_id: i, client_secret: hunter2hunter2",
            "4:39: targets.erp.auth.token_url: expected a URL such as https://erp.example.com/hooks",
        ),
        (
            "scheme: oauth2, token_url: 'https://e/', client_id: i, client_secret: s, client_auth: header",
            '4:98: targets.erp.auth.client_auth: expected basic or body, found "header"',
        ),
        (f"{LOGIN}, as: {{}}", "4:70: targets.erp.auth.as: expected one of header, query or basic"),
        (
            f"{LOGIN}, as: {{query: a, header: X-A}}",
            "4:70: targets.erp.auth.as: expected one of header, query or basic",
        ),
        (
            f"{LOGIN}, as: {{basic: 'hunter2hunter2'}}",
            "4:78: targets.erp.auth.as.basic: expected {token} in it, where the token goes",
        ),
        (
            f"{LOGIN}, form: {{a: b}}, body: {{password: hunter2hunter2}}",
            "4:86: targets.erp.auth.body: `form` is given, too; expected one of them",
        ),
        (f"{LOGIN}, query: {{a: 12345678}}", "4:77: targets.erp.auth.query.a: expected text, in quotes"),
        (f"{LOGIN}, lifetime: 30", "4:76: targets.erp.auth.lifetime: expected a duration"),
    ],
)
def test_a_fault_of_auth_is_told(faults: Faulting, settings: str, fault: str) -> None:
    """And what else stands there is never repeated."""
    (told,) = faults(with_auth(settings))

    assert told.startswith(f"relay.yaml:{fault}")
    assert "hunter2" not in told


def test_a_header_is_set_by_auth_or_by_hand(faults: Faulting) -> None:
    """Two would leave the choice to the target."""
    text = f"targets:\n  erp: {{url: 'https://e/', headers: {{authorization: a}}, auth: {{{LOGIN}}}}}\n"

    assert ["relay.yaml:2:63: targets.erp.auth: `headers` sets the same header; expected only one of them"] == faults(
        text
    )


def test_a_login_is_taken_as_it_is_written(loaded: Loading) -> None:
    """Each setting arrives where the program reads it; the body is encoded once."""
    body = "body: {username: us, password: '${SECRET}'}, as: {query: token}"
    auth = http_target_in(loaded(with_auth(f"{LOGIN}, lifetime: 30m, {body}"))).auth

    assert auth is not None
    assert Secret('{"username":"us","password":"a-secret-of-the-vendor"}') == auth.settings["body"]
    assert ("query", "token", Secret("{token}")) == auth.settings["place"]
    assert "a-secret" not in repr(auth)


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """Three files in a folder: an authority, and a certificate with its key."""
    authority = trustme.CA()
    ours = authority.issue_cert("relay.example")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    ours.cert_chain_pems[0].write_to_path(str(tmp_path / "us.pem"))
    ours.private_key_pem.write_to_path(str(tmp_path / "us.key"))
    (tmp_path / "none.pem").write_text("hunter2hunter2")
    return tmp_path


def test_files_of_tls_are_looked_at(loaded: Loading, pem: Path) -> None:
    """What fits is taken."""
    found = http_target_in(
        loaded("targets: {erp: {url: 'https://e/', tls: {ca: ca.pem, cert: us.pem, key: us.key}}}")
    ).tls

    assert TlsFiles(Path("ca.pem"), Path("us.pem"), Path("us.key")) == found


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ("ca: absent.pem", "ca: there is no such file; expected certificates in PEM"),
        ("ca: none.pem", "ca: this cannot be read as certificates; expected PEM"),
        ("cert: us.pem", "key: expected a key that is there, without a password, and fits `cert`"),
        ("cert: us.pem, key: none.pem", "key: expected a key that is there, without a password, and fits `cert`"),
        ("cert: ca.pem, key: us.key", "key: expected a key that is there, without a password, and fits `cert`"),
        ("key: us.key", "key: expected `cert`, which this is the key of"),
    ],
)
def test_a_file_that_tls_cannot_use_is_a_fault(faults: Faulting, pem: Path, settings: str, fault: str) -> None:
    """Better than a target that nobody can reach at night."""
    (told,) = faults(f"targets: {{erp: {{url: 'https://e/', tls: {{{settings}}}}}}}")

    assert told.partition("targets.erp.tls.")[2] == fault
