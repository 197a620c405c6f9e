"""Faults of meaning: every one is told at once, as FILE:LINE:COLUMN: KEY: what is wrong and what is expected."""

from collections.abc import Callable
from pathlib import Path

import pytest

from relay.config import load
from relay.errors import ConfigurationInvalid

Faulting = Callable[..., list[str]]
POSTGRES_FORM = "postgresql://USER:PASSWORD@HOST[:PORT][,HOST…]/DATABASE"

POSTGRES_EXPECTED = f"expected {POSTGRES_FORM}, with %40 %2F %3F %23 %25 for @ / ? # % in the password"
DATABASE_EXPECTED = f"expected sqlite:///PATH, such as sqlite:///data/relay.db, or {POSTGRES_FORM}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("servr: {}", "1:1: servr: unknown key; did you mean `server`?"),
        (
            "x:",
            "1:1: x: unknown key; expected server, admin, storage, quarantine, sources, targets, routes, notify or "
            "heartbeat",
        ),
        ("server: 5", "1:9: server: expected a mapping: `key: value`, one on a line, found 5"),
        ("server: {graze: 5s}", "1:10: server.graze: unknown key; did you mean `grace`?"),
        ("admin: {port: 80}", "1:9: admin.port: unknown key; expected listen, tokens or hosts"),
        (
            "server: {grace: 5 s}",
            '1:17: server.grace: expected a duration such as 250ms, 5s, 10m, 6h, 3d or 1h30m, found "5 s"',
        ),
        (
            "server: {grace: 15}",
            "1:17: server.grace: expected a duration such as 250ms, 5s, 10m, 6h, 3d or 1h30m, found 15; "
            "did you mean `15s`?",
        ),
        ("server: {grace: 2h}", '1:17: server.grace: expected 0s to 1h, found "2h"'),
        (
            "server: {listen: 8080}",
            "1:18: server.listen: expected HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080, found 8080",
        ),
        (
            "server: {listen: 'localhost:65536'}",
            '1:18: server.listen: expected HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080, found "localhost:65536"',
        ),
        (
            "server: {public_url: 'https://u:p@h/'}",
            "1:22: server.public_url: expected only scheme, host and perhaps a path, such as https://hooks.example.com",
        ),
        (
            "server: {trusted_proxies: [10.0.0.1/8]}",
            "1:28: server.trusted_proxies[0]: expected a network such as 10.0.0.0/8, or an address, found "
            '"10.0.0.1/8"; did you mean `10.0.0.0/8`?',
        ),
        (
            "server: {trusted_proxies: everybody}",
            '1:27: server.trusted_proxies: expected a network such as 10.0.0.0/8, or an address, found "everybody"',
        ),
        (
            "admin: {listen: '0.0.0.0:8080'}",
            "1:17: admin.listen: this is `server.listen`; expected another port",
        ),
        (
            "server: {listen: '127.0.0.1:8081'}",
            "1:1: admin.listen: this is `server.listen`; expected another port",
        ),
        ("admin: {tokens: [short]}", "1:18: admin.tokens[0]: the secret is too short; expected at least 8 characters"),
        ("storage: {url: 'postgresql://u:p@h'}", f"1:16: storage.url: {POSTGRES_EXPECTED}"),
        ("storage: {url: 'postgresql://u:p@h,/relay'}", f"1:16: storage.url: {POSTGRES_EXPECTED}"),
        ("storage: {url: 'postgresql://u:p?w@h/relay'}", f"1:16: storage.url: {POSTGRES_EXPECTED}"),
        ("storage: {url: 'postgresql://u:p#w@h/relay'}", f"1:16: storage.url: {POSTGRES_EXPECTED}"),
        ("storage: {url: 'postgresql://u:p@h/relay?sslmode'}", f"1:16: storage.url: {POSTGRES_EXPECTED}"),
        ("storage: {url: 'postgresql://u:p@h,g:99999/relay'}", "1:16: storage.url: expected ports up to 65535"),
        (
            "storage: {url: 'postgresql:///relay'}",
            "1:16: storage.url: expected a host, or postgresql:///DATABASE?host=/FOLDER/OF/ITS/SOCKET",
        ),
        (
            "storage: {url: 'postgresql://u:p@h/relay?sslmode=require&sslrootcert=system'}",
            "1:16: storage.url: expected sslmode=verify-full beside sslrootcert=system: anybody has a certificate of "
            "some authority",
        ),
        ("storage: {url: 'postgres+psycopg://u:p@h/relay'}", f"1:16: storage.url: {DATABASE_EXPECTED}"),
        ("storage: {url: data/relay.db}", f"1:16: storage.url: {DATABASE_EXPECTED}"),
        ("storage: {url: 'sqlite://'}", f"1:16: storage.url: {DATABASE_EXPECTED}"),
        ("server: {headers_max: 9}", "1:23: server.headers_max: expected 10 to 1000, found 9"),
        ("server: {head_timeout: 0s}", '1:24: server.head_timeout: expected 1s to 1h, found "0s"'),
        (
            "server: {connection_max: 10}",
            "1:10: server.connection_max: unknown key; did you mean `connections_max`?",
        ),
        ("storage: {backlog_max: 0}", "1:24: storage.backlog_max: expected 1 to 1000000000, found 0"),
        ("storage: {backlog_max: many}", '1:24: storage.backlog_max: expected a whole number, found "many"'),
        ("storage: {backlog_max: 1.5}", "1:24: storage.backlog_max: expected a whole number, found 1.5"),
        (
            "storage: {disk_free_min: 1 parsec}",
            '1:26: storage.disk_free_min: expected a size such as 512KiB, 25MiB or 1GiB, found "1 parsec"',
        ),
        ("sources: []", "1:10: sources: expected a mapping: `key: value`, one on a line, found a list"),
        ("routes: {}", "1:9: routes: expected a list: `- item`, one on a line, found a mapping"),
        (
            "sources: {my shop: {verify: none}}",
            "1:11: sources.my shop: expected a name of letters, digits, `-` and `_`, at most 63, beginning with a "
            'letter or digit, found "my shop"',
        ),
        (
            "sources:\n  shop: {}",
            "2:3: sources.shop.verify: missing; expected `preset` or `verify`, which is `none` where everybody is to "
            "be believed",
        ),
    ],
)
def test_a_fault_is_told_with_its_place(faults: Faulting, text: str, fault: str) -> None:
    """What a person reads is enough to mend it."""
    assert [f"relay.yaml:{fault}"] == faults(text)


def test_faults_of_every_kind_are_told_at_once_in_the_order_of_the_file(faults: Faulting) -> None:
    """One start, one list: nobody mends a file fault by fault."""
    assert [
        "relay.yaml:2:3: server.graze: unknown key; did you mean `grace`?",
        "relay.yaml:3:3: server.graze: this key is there twice, first on line 2; keep one of them",
        "relay.yaml:5:33: sources.shop.secret: the environment variable UNSET is not set; expected a value in it",
        "relay.yaml:5:50: sources.shop.key: not a valid expression: 'a b': unexpected 'b' at column 3",
        "relay.yaml:6:3: sources.empty.verify: missing; expected `preset` or `verify`, which is `none` where everybody "
        "is to be believed",
        "relay.yaml:8:3: targets.erp.url: missing; expected a value such as https://erp.example.com/hooks",
        'relay.yaml:8:18: targets.erp.timeout: expected 1ms to 1h, found "0s"',
        'relay.yaml:10:12: routes[0].from: expected a source: empty or shop, found "shp"; did you mean `shop`?',
        'relay.yaml:10:21: routes[0].to: expected a target: erp, found "epr"; did you mean `erp`?',
    ] == faults(
        "server:\n  graze: 1s\n  graze: 2s\nsources:\n"
        "  shop: {verify: token, secret: '${UNSET}', key: a b}\n"
        "  empty: {}\n"
        "targets:\n  erp: {timeout: 0s}\n"
        "routes:\n  - {from: shp, to: epr}\n"
    )


def test_a_section_that_is_none_makes_no_faults_elsewhere(faults: Faulting) -> None:
    """Where nothing can be said of names, none is called unknown."""
    assert ["relay.yaml:1:10: sources: expected a mapping: `key: value`, one on a line, found a list"] == faults(
        "sources: []\ntargets: {erp: {url: 'https://e/'}}\nroutes: [{from: shop, to: erp}]\n"
    )


def test_a_fault_is_one_line_whatever_the_file_holds(faults: Faulting) -> None:
    """A log, a terminal and an editor read line by line."""
    assert [
        'relay.yaml:1:1: "a\\nb": unknown key; expected server, admin, storage, quarantine, sources, targets, routes, '
        "notify or heartbeat",
        'relay.yaml:2:17: server.grace: expected a duration such as 250ms, 5s, 10m, 6h, 3d or 1h30m, found "1\\ns"',
    ] == faults('"a\\nb": 1\nserver: {grace: "1\\ns"}')


def test_a_fault_stays_short_whatever_the_file_holds(faults: Faulting) -> None:
    """Fifty targets, or a certificate in the wrong place, are not repeated whole."""
    targets = ", ".join(f"t{number:02}: {{url: 'https://e/'}}" for number in range(50))
    known = ", ".join(f"t{number:02}" for number in range(12))
    found = "x" * 500

    assert [
        f'relay.yaml:3:17: routes[0].from: expected a source: shop, found "{found[:60]}…"',
        f'relay.yaml:3:{23 + len(found)}: routes[0].to: expected a target: {known} …, found "nowhere"',
    ] == faults(
        f"sources: {{shop: {{verify: none}}}}\ntargets: {{{targets}}}\nroutes: [{{from: {found}, to: nowhere}}]\n"
    )


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The first thing to go wrong is the name of the file."""
    path = tmp_path / "relay.yaml"

    with pytest.raises(ConfigurationInvalid) as raised:
        load(path, {})

    assert f"{path}:1:1: there is no such file; expected a configuration, as config/relay.yaml is one" == str(
        raised.value
    )


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A folder is no file, and neither is one of somebody else."""
    with pytest.raises(ConfigurationInvalid) as raised:
        load(tmp_path, {})

    assert f"{tmp_path}:1:1: this cannot be read: Is a directory; expected a file" == str(raised.value)
