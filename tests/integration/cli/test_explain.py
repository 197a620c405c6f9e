"""`relay explain`: a captured request, in the forms that people have it in."""

import base64
import hmac
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

SECRET = "a-secret-of-the-shop"
BODY = '{"kind":"a","id":1}'
SIGNATURE = hmac.digest(SECRET.encode(), BODY.encode(), "sha256").hex()
SPACED = '{"kind": "a", "id": 1}'


@pytest.fixture
def shop(folder: Path) -> Path:
    """Configure a source that signs, beside one with a token in its URL."""
    (folder / "config" / "relay.yaml").write_text(
        "sources:\n"
        f"  shop: {{verify: {{scheme: hmac, header: X-Signature}}, secret: {SECRET}}}\n"
        "  invoices: {preset: invoice-collector, token: the-token-of-it}\n"
    )
    return folder


def raw(body: str, line_break: str = "\r\n", path: str = "/in/shop") -> str:
    lines = [f"POST {path} HTTP/1.1", "Host: hooks.example.com", f"X-Signature: {SIGNATURE}", "", body]
    return line_break.join(lines)


def chunked(body: str) -> str:
    return raw(body).replace("\r\n", "\r\nTransfer-Encoding: chunked\r\n", 1)


FORMS = {
    "raw": raw(BODY),
    "raw, saved by an editor": raw(BODY, "\n"),
    "raw, in chunks": chunked(f"5\r\n{BODY[:5]}\r\n{len(BODY) - 5:X};a=b\r\n{BODY[5:]}\r\n0\r\n\r\n"),
    "raw, its chunks joined by what captured it": chunked(BODY),
    "JSON": json.dumps({"url": "/in/shop", "headers": {"X-Signature": SIGNATURE}, "body": BODY}),
    "JSON with pairs and base64": json.dumps(
        {
            "url": "/in/shop",
            "headers": [["X-Signature", SIGNATURE]],
            "body_base64": base64.b64encode(BODY.encode()).decode(),
        }
    ),
    "JSON with data": json.dumps({"url": "/in/shop", "headers": {"X-Signature": SIGNATURE}, "body": json.loads(BODY)}),
    "an archive": json.dumps(
        {
            "log": {
                "entries": [
                    {
                        "startedDateTime": "2026-07-01T12:00:00Z",
                        "request": {
                            "method": "POST",
                            "url": "https://hooks.example.com/in/shop",
                            "headers": [{"name": "X-Signature", "value": SIGNATURE}],
                            "postData": {"text": BODY},
                        },
                    }
                ]
            }
        }
    ),
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS.keys())
def test_a_captured_request_is_read_in_every_form(shop: Path, call: Callable[..., Result], content: str) -> None:
    """As a proxy, a terminal or a browser writes it."""
    (shop / "request").write_text(content, newline="")
    result = call("explain", "shop", "--request", "request")

    assert (0, "accepted") == (result.exit_code, result.output.splitlines()[0])


def test_what_happened_on_the_way_is_told(shop: Path, call: Callable[..., Result]) -> None:
    """In words, and for programs; with no secret and no signature in it."""
    (shop / "request").write_text(raw(SPACED), newline="")
    result = call("explain", "shop", "--request", "request")
    told = json.loads(call("explain", "shop", "--request", "request", "--json").output)

    assert (1, "refused: mismatch") == (result.exit_code, result.output.splitlines()[0])
    assert "it was signed without spaces" in result.output
    assert ("shop", "mismatch", 1) == (told["source"], told["refused"], len(told["findings"]))
    assert SECRET not in result.output
    assert SIGNATURE not in result.output


def test_a_token_in_the_path_is_the_one_that_is_judged(shop: Path, call: Callable[..., Result]) -> None:
    """As the public port reads it."""
    (shop / "request").write_text(raw(BODY, path="/in/invoices/the-token-of-it"), newline="")
    (shop / "other").write_text(raw(BODY, path="/in/invoices?token=the-token-of-it%20"), newline="")

    assert 0 == call("explain", "invoices", "--request", "request").exit_code
    assert "the token in the URL" in call("explain", "invoices", "--request", "other").output


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("hello", "its first line is none of a request"),
        ("POST / HTTP/1.1\nno colon here\n\n", "a header has no colon"),
        ("{", "it begins as JSON, and is none"),
        ("{}", "it has no `url`"),
        ('{"log": {}}', "the archive holds no request"),
        ('{"url": "/", "headers": 1}', "neither a mapping nor a list"),
        ('{"url": "/", "headers": [1]}', "neither [name, value] nor"),
        ('{"url": "/", "body_base64": "!"}', "is no base64"),
        ('{"url": "/", "received_at": "noon"}', "is not ISO 8601"),
    ],
)
def test_what_is_no_request_is_told(shop: Path, call: Callable[..., Result], content: str, expected: str) -> None:
    """What is wrong with it, and what is expected; exit code 2."""
    (shop / "request").write_text(content)
    result = call("explain", "shop", "--request", "request")

    assert 2 == result.exit_code
    assert expected in result.output


def test_an_unknown_source_is_told(shop: Path, call: Callable[..., Result]) -> None:
    """With the one that was probably meant."""
    (shop / "request").write_text(raw(BODY))

    assert "did you mean `shop`?" in call("explain", "shp", "--request", "request").output
