"""A fault never shows what may be a secret: it ends in logs, tickets and chats."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from relay.config import Config, load
from relay.errors import ConfigurationInvalid
from tests.mail import SELF_SIGNED

Loading = Callable[..., Config]
Faulting = Callable[..., list[str]]

MARKER = "hunter2hunter2"

WHOLE: dict[str, Any] = {
    "server": {"listen": "a:1", "public_url": "https://h/", "trusted_proxies": ["10.0.0.0/8"], "grace": "1s"},
    "admin": {"listen": "a:2", "tokens": ["12345678"]},
    "storage": {"url": "sqlite:///a.db", "keep": "1d", "backlog_max": 5, "disk_free_min": "1MiB"},
    "sources": {
        "shop": {
            "verify": [
                {
                    "scheme": "hmac",
                    "header": "X-S",
                    "algorithm": "sha1",
                    "encoding": "hex",
                    "prefix": "v1=",
                    "separator": ",",
                    "signed": "{timestamp}{id}{body}",
                    "timestamp_header": "X-T",
                    "id_header": "X-I",
                    "tolerance": "1m",
                },
                {"scheme": "ip", "networks": ["10.0.0.0/8"]},
            ],
            "secrets": ["12345678"],
            "type": "type",
            "key": {"*": "id"},
            "window": {"*": "1d"},
            "max_body": "1MiB",
            "limit": "5/s",
            "respond": {"status": 200},
            "json": True,
        },
        "other": {"preset": "getaround", "secret": "12345678"},
        "third": {"preset": "invoice-collector", "token": "12345678"},
    },
    "targets": {
        "erp": {
            "url": "https://u:p@erp/",
            "headers": {"X-A": "a"},
            "pass_headers": ["X-B"],
            "auth": {"scheme": "header", "header": "X-C", "value": "c"},
            "sign": {"secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]},
            "timeout": "5s",
            "concurrency": 3,
            "rate": "5/s",
            "order_by": "id",
            "retry": {"base": "1s", "factor": 2, "cap": "1h", "max_age": "1d", "jitter": 0.1, "final": [410]},
            "breaker": {"failures": 3, "probe": "1m", "probe_cap": "1h"},
            "allow_private": ["10.0.0.0/8"],
        },
        "stream": {"kind": "redis", "url": "redis://u:p@redis/0", "stream": "{id}", "max_length": 5, "content": "data"},
        "subject": {"kind": "nats", "url": "tls://t@nats/", "subject": "{id}", "decode": "base64"},
        "exchange": {"kind": "amqp", "url": "amqp://u:p@rabbit/v", "exchange": "e", "routing_key": "{id}"},
        "inside": {"kind": "relay", "url": "https://r/in/x", "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]},
        "bucket": {
            "kind": "s3",
            "url": "https://s3/b",
            "region": "r",
            "access_key": "a-key",
            "secret_key": "a-secret",
            "key": "{id}",
            "type": "a/b",
        },
        "archive": {"kind": "file", "path": "a/{id}", "content": "data", "decode": "base64"},
        "people": {
            "kind": "email",
            "url": "smtps://u:p@mail/",
            "starttls": True,
            "tls": {"ca": str(SELF_SIGNED), "cert": str(SELF_SIGNED), "key": str(SELF_SIGNED)},
            "from": "a@b",
            "to": ["c@d"],
            "subject": "{id}",
            "text": "{id}",
            "attach": [{"content": "data", "decode": "base64", "name": "{id}", "type": "a/b"}],
            "retry": {"final": [550]},
        },
        "crm": {"url": "https://crm/", "auth": {"scheme": "basic", "user": "a", "password": "b"}},
        "query": {"url": "https://q/", "auth": {"scheme": "query", "parameter": "key", "value": "b"}},
        "hmac": {"url": "https://h/", "auth": {"scheme": "hmac", "secret": "12345678", "header": "X-S"}},
        "oauth": {
            "url": "https://o/",
            "auth": {
                "scheme": "oauth2",
                "token_url": "https://o/token",
                "client_id": "a",
                "client_secret": "b",
                "scope": "c",
            },
        },
        "login": {
            "url": "https://l/",
            "auth": {
                "scheme": "login",
                "url": "https://l/login",
                "query": {"a": "b"},
                "headers": {"X-A": "b"},
                "form": {"a": "b"},
                "token": "access",
                "as": {"header": "X-B", "value": "{token}"},
            },
        },
        "system": {"preset": "siwapp", "url": "https://s/", "with": {"token": "abc"}},
    },
    "routes": [
        {
            "name": "r",
            "from": ["shop"],
            "when": "type == 'a'",
            "body": "id",
            "method": "PUT",
            "path": "/a/{id}",
            "query": {"a": "id"},
            "headers": {"X-D": "id"},
            "to": ["erp"],
        }
    ],
}


def paths_in(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    match value:
        case dict():
            return [path, *(found for key, item in value.items() for found in paths_in(item, (*path, key)))]
        case list():
            return [path, *(found for index, item in enumerate(value) for found in paths_in(item, (*path, index)))]
        case _:
            return [path]


SECRETS = {
    "secrets",
    "secret",
    "token",
    "tokens",
    "url",
    "password",
    "user",
    "value",
    "with",
    "form",
    "client_secret",
    "access_key",
    "secret_key",
}
PATHS = [path for path in paths_in(WHOLE) if path]
ROUTED = ("shop", "erp")


def around(path: tuple[str | int, ...]) -> dict[str, Any]:
    """Return of the whole file what a place has to do with: a file of all that there is takes long to read."""
    section, *inside = path
    if section in ("sources", "targets") and inside and inside[0] not in ROUTED:
        return {str(section): {inside[0]: WHOLE[str(section)][inside[0]]}}
    if section in ("sources", "targets", "routes"):
        routed = {
            name: {each: WHOLE[name][each] for each in ROUTED if each in WHOLE[name]} for name in ("sources", "targets")
        }
        return {**routed, "routes": WHOLE["routes"]}
    return {str(section): WHOLE[str(section)]}


def with_value(path: tuple[str | int, ...], value: object) -> str:
    """Return the file around a place with another value in it. JSON is YAML."""
    changed = json.loads(json.dumps(around(path)))
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(changed)


@pytest.fixture
def faults_or_none(loaded: Loading) -> Faulting:
    """Load a file that may be faulty."""

    def faults_of(text: str, **environ: str) -> list[str]:
        try:
            loaded(text, **environ)
        except ConfigurationInvalid as invalid:
            return str(invalid).splitlines()
        return []

    return faults_of


def test_the_whole_file_is_good(loaded: Loading) -> None:
    """What the tests here break is whole before."""
    assert {"shop", "other", "third"} == set(loaded(json.dumps(WHOLE)).sources)


@pytest.mark.parametrize("path", [path for path in PATHS if len(path) <= 2], ids=str)
def test_so_is_each_part_of_it(loaded: Loading, path: tuple[str | int, ...]) -> None:
    """A file that is broken in one place has one fault, and not others that come first."""
    loaded(json.dumps(around(path)))


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("value", ["${M}", "http://u:${M}@h:0/?k=${M}#x", "${M}\n"])
def test_what_came_from_the_environment_is_never_shown(
    faults_or_none: Faulting, path: tuple[str | int, ...], value: str
) -> None:
    """A secret that ends up under the wrong key is still a secret."""
    assert MARKER not in "".join(faults_or_none(with_value(path, value), M=f" {MARKER}\n'{{ "))


@pytest.mark.parametrize(
    "path",
    [path for path in PATHS if SECRETS & set(path)],
    ids=str,
)
@pytest.mark.parametrize(
    "value", [f" {MARKER}\n", [MARKER, f"{MARKER}:\n"], {MARKER: MARKER}, f"ftp://u:{MARKER}@h/", f"x://{MARKER}"]
)
def test_what_stands_where_secrets_stand_is_never_shown(
    faults_or_none: Faulting, path: tuple[str | int, ...], value: object
) -> None:
    """Whoever writes a secret into the file has one fault already."""
    assert MARKER not in "".join(faults_or_none(with_value(path, value)))


@pytest.mark.parametrize(
    "written",
    [
        f"!{MARKER}",
        f"!a!{MARKER}",
        f"!<{MARKER}",
        f"*{MARKER}",
        f"&{MARKER}!",
        f'"{MARKER}',
        f"'{MARKER}",
        f'"\\{MARKER}"',
        f"@{MARKER}",
        f"%{MARKER}",
        f"`{MARKER}",
        f"|{MARKER}",
        f"[{MARKER}",
        f"{{{MARKER}",
        f"{MARKER}: x",
        f"{MARKER}\x00",
        f"${{{MARKER}",
        f"${{ {MARKER}}}",
        f"pa${{{MARKER}!",
    ],
)
def test_a_secret_that_yaml_takes_for_something_else_is_never_shown(faults: Faulting, written: str) -> None:
    """Passwords are full of signs that mean something to YAML."""
    assert MARKER not in "".join(faults(f"sources:\n  shop:\n    token: {written}\n"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PATHS), json_values)
@example(("targets",), {"\r": None})
@example(("server",), "\x85")
def test_nothing_whatever_breaks_the_reading(tmp_path: Path, path: tuple[str | int, ...], value: object) -> None:
    """Whatever stands in the file, it is read, or refused in words of one line each."""
    file = tmp_path / "relay.yaml"
    file.write_text(with_value(path, value))

    faults, lines = 0, 0
    try:
        load(file, {})
    except ConfigurationInvalid as invalid:
        faults, lines = len(invalid.faults), len(str(invalid).splitlines())

    assert faults == lines
