"""Faults of meaning: every one is told at once, as FILE:LINE:COLUMN: KEY: what is wrong and what is expected."""

from collections.abc import Callable
from pathlib import Path

import pytest

from relay.config import load
from relay.config.misfits import listing
from relay.config.models.targets import KINDS
from relay.errors import ConfigurationInvalid

Faulting = Callable[..., list[str]]
POSTGRES_FORM = "postgresql://USER:PASSWORD@HOST[:PORT][,HOST…]/DATABASE"

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
        ("server: {port: 80}", "1:10: server.port: unknown key; expected listen, public_url, trusted_proxies or grace"),
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
        ("storage: {url: 'postgresql://u:p@h'}", f"1:16: storage.url: expected {POSTGRES_FORM}"),
        ("storage: {url: 'postgresql://u:p@h,/relay'}", f"1:16: storage.url: expected {POSTGRES_FORM}"),
        ("storage: {url: 'postgres+psycopg://u:p@h/relay'}", f"1:16: storage.url: {DATABASE_EXPECTED}"),
        ("storage: {url: data/relay.db}", f"1:16: storage.url: {DATABASE_EXPECTED}"),
        ("storage: {url: 'sqlite://'}", f"1:16: storage.url: {DATABASE_EXPECTED}"),
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


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ("timeout: 5s", "2:3: targets.erp.url: missing; expected a value such as https://erp.example.com/hooks"),
        ("url: 'ftp://erp/'", "2:14: targets.erp.url: expected a URL such as https://erp.example.com/hooks"),
        ("url: 'https:///hooks'", "2:14: targets.erp.url: expected a URL such as https://erp.example.com/hooks"),
        ("url: 'https://erp:0/'", "2:14: targets.erp.url: expected a URL such as https://erp.example.com/hooks"),
        ("url: 'https://erp:99999/'", "2:14: targets.erp.url: expected a URL such as https://erp.example.com/hooks"),
        ("url: 'https://[::1/'", "2:14: targets.erp.url: expected a URL such as https://erp.example.com/hooks"),
        ("url: 5", "2:14: targets.erp.url: expected text, in quotes"),
        (
            "url: 'https://erp/#top'",
            "2:14: targets.erp.url: expected a URL without a fragment: a `#` and what follows it are never sent",
        ),
        ("url: 'https://erp/a b'", "2:14: targets.erp.url: expected a URL without spaces and control characters"),
        (
            'url: "https://erp/\\r\\nHost: x"',
            "2:14: targets.erp.url: expected a URL without spaces and control characters",
        ),
        ('url: "https://erp/\\0"', "2:14: targets.erp.url: expected a URL without spaces and control characters"),
        (
            "url: 'https://e/', zone: 80",
            "2:28: targets.erp.zone: unknown key; expected kind, preset, with, url, headers, pass_headers, auth, sign, "
            "tls, hide_path, allow_private, timeout …",
        ),
        (
            "kind: htp, url: 'https://e/'",
            f'2:15: targets.erp.kind: expected a kind: {listing(KINDS)}, found "htp"; did you mean `http`?',
        ),
        ("kind: [http]", f"2:15: targets.erp.kind: expected a kind: {listing(KINDS)}, found a list"),
        ("url: 'https://e/', timout: 5s", "2:28: targets.erp.timout: unknown key; did you mean `timeout`?"),
        ("url: 'https://e/', timeout: 0s", '2:37: targets.erp.timeout: expected 1ms to 1h, found "0s"'),
        ("url: 'https://e/', concurrency: 0", "2:41: targets.erp.concurrency: expected 1 to 1000, found 0"),
        ("url: 'https://e/', concurrency: true", "2:41: targets.erp.concurrency: expected a whole number, found true"),
        (
            "url: 'https://e/', headers: {Host: x}",
            "2:38: targets.erp.headers.Host: expected a header that the relay does not set itself",
        ),
        (
            "url: 'https://e/', headers: {X-A: a, x-a: b}",
            "2:46: targets.erp.headers.x-a: a key above, in other letters, sets the same header; expected only one of "
            "them",
        ),
        (
            "url: 'https://u:p@e/', headers: {Authorization: b}",
            "2:42: targets.erp.headers.Authorization: the user in `url` sets the same header; expected only one of "
            "them",
        ),
        (
            "url: 'https://e/', headers: {X-A: \"a\\r\\nB: c\"}",
            "2:43: targets.erp.headers.X-A: a control character such as a line break stands in it; expected one line "
            "of text",
        ),
        (
            "url: 'https://e/', headers: {X-A: ''}",
            "2:43: targets.erp.headers.X-A: expected a value without spaces at its ends, and not an empty one",
        ),
        (
            "url: 'https://e/', pass_headers: [X-Relay-Source]",
            "2:43: targets.erp.pass_headers[0]: expected a header that the relay does not set itself, found "
            '"X-Relay-Source"',
        ),
        (
            "url: 'https://e/', pass_headers: Cookie",
            "2:42: targets.erp.pass_headers: expected a header that is kept: credentials never are; `auth` gives a "
            'target its own, found "Cookie"',
        ),
        (
            "url: 'https://e/', auth: {scheme: baerer, token: t}",
            "2:43: targets.erp.auth.scheme: expected a scheme: bearer, basic, header, query, hmac, oauth2 or login, "
            'found "baerer"; did you mean `bearer`?',
        ),
        (
            "url: 'https://e/', auth: {scheme: bearer}",
            "2:28: targets.erp.auth.token: missing; expected a value such as ${ERP_TOKEN}",
        ),
        (
            "url: 'https://e/', auth: {scheme: basic, user: 'a:b', password: c}",
            "2:56: targets.erp.auth.user: expected a user without a colon: what follows one is the password",
        ),
        (
            "url: 'https://u:p@e/', auth: {scheme: bearer, token: t}",
            "2:38: targets.erp.auth: the user in `url` sets the same header; expected only one of them",
        ),
        (
            "url: 'https://e/', headers: {X-Key: k}, auth: {scheme: header, header: x-key, value: v}",
            "2:55: targets.erp.auth: `headers` sets the same header; expected only one of them",
        ),
        (
            "url: 'https://e/', sign: {secrets: [whsec_zz]}",
            "2:45: targets.erp.sign.secrets[0]: expected whsec_ and 16 to 64 bytes in base64",
        ),
        ("url: 'https://e/', sign: {secrets: []}", "2:44: targets.erp.sign.secrets: expected at least one"),
        (
            "url: 'https://e/', rate: 100",
            "2:34: targets.erp.rate: expected a rate such as 100/1m or 5/s, found 100",
        ),
        (
            "url: 'https://e/', rate: 0/1m",
            '2:34: targets.erp.rate: expected a rate such as 100/1m or 5/s, of at least one in a time, found "0/1m"',
        ),
        (
            "url: 'https://e/', rate: 100001/1d",
            "2:34: targets.erp.rate: expected a rate such as 100/1m or 5/s, of at most 100000 in a period, found "
            '"100001/1d"',
        ),
        (
            "url: 'https://e/', order_by: '[remote_id'",
            "2:38: targets.erp.order_by: not a valid expression: '[remote_id' ends too early",
        ),
        (
            "url: 'https://e/', order_by: 'first(remote_id)'",
            "2:38: targets.erp.order_by: not a valid expression: 'first(remote_id)' calls first(), which is no "
            "function",
        ),
        (
            "url: 'https://e/', orderby: remote_id",
            "2:28: targets.erp.orderby: unknown key; did you mean `order_by`?",
        ),
        (
            "url: 'https://e/', breaker: 10",
            "2:37: targets.erp.breaker: expected a mapping: `key: value`, one on a line, found 10",
        ),
        (
            "url: 'https://e/', breaker: {failures: 0}",
            "2:48: targets.erp.breaker.failures: expected 1 to 1000000, found 0",
        ),
        (
            "url: 'https://e/', breaker: {probe: 500ms}",
            '2:45: targets.erp.breaker.probe: expected 1s to 1d, found "500ms"',
        ),
        (
            "url: 'https://e/', breaker: {probe: 1m, probe_cap: 59s}",
            '2:60: targets.erp.breaker.probe_cap: expected at least `probe`, found "59s"',
        ),
        (
            "url: 'https://e/', breaker: {probe: 11m}",
            '2:28: targets.erp.breaker.probe_cap: expected at least `probe`, found "10m"',
        ),
        (
            "url: 'https://e/', breaker: {probes: 1m}",
            "2:38: targets.erp.breaker.probes: unknown key; did you mean `probe`?",
        ),
        (
            "url: 'https://e/', retry: {schedule: [5s], cap: 1h}",
            "2:35: targets.erp.retry: `schedule` stands beside cap; expected one or the other",
        ),
        ("url: 'https://e/', retry: {factor: 0.5}", "2:44: targets.erp.retry.factor: expected 1 to 100, found 0.5"),
        ("url: 'https://e/', retry: {factor: .nan}", '2:44: targets.erp.retry.factor: expected a number, found ".nan"'),
        ("url: 'https://e/', retry: {jitter: 1.1}", "2:44: targets.erp.retry.jitter: expected 0 to 1, found 1.1"),
        ("url: 'https://e/', retry: {cap: 1s}", '2:41: targets.erp.retry.cap: expected at least `base`, found "1s"'),
        (
            "url: 'https://e/', retry: {final: [200]}",
            "2:44: targets.erp.retry.final[0]: expected 300 to 599, found 200",
        ),
        (
            "url: 'https://e/', allow_private: maybe",
            '2:43: targets.erp.allow_private: expected true, false, or a list of networks, found "maybe"',
        ),
        (
            "url: 'https://e/', allow_private: [10.0.0.0/33]",
            "2:44: targets.erp.allow_private[0]: expected a network such as 10.0.0.0/8, or an address, found "
            '"10.0.0.0/33"',
        ),
    ],
)
def test_a_fault_of_a_target_is_told(faults: Faulting, settings: str, fault: str) -> None:
    """Each names what is wrong with the target, and never its URL or a header, which may hold a secret."""
    assert [f"relay.yaml:{fault}"] == faults(f"targets:\n  erp: {{{settings}}}\n")


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            "from: shp, to: erp",
            '4:12: routes[0].from: expected a source: shop, found "shp"; did you mean `shop`?',
        ),
        (
            "from: shop, to: [erp, erq]",
            '4:28: routes[0].to[1]: expected a target: erp, found "erq"; did you mean `erp`?',
        ),
        ("from: shop", "4:5: routes[0].to: missing; expected a value such as erp"),
        ("to: erp", "4:5: routes[0].from: missing; expected a value such as invoices"),
        ("from: shop, to: []", "4:22: routes[0].to: expected at least one"),
        ("from: shop, to: [erp, erp]", "4:28: routes[0].to[1]: named twice; once is enough"),
        (
            "from: shop, to: erp, when: 'type =='",
            "4:33: routes[0].when: not a valid expression: 'type ==' ends too early",
        ),
        (
            "from: shop, to: erp, when: 'starts_wiht(type)'",
            "4:33: routes[0].when: not a valid expression: 'starts_wiht(type)' calls starts_wiht(), which is no "
            "function; did you mean starts_with()?",
        ),
        ("from: shop, to: erp, bdy: type", "4:27: routes[0].bdy: unknown key; did you mean `body`?"),
        (
            "from: shop, to: erp, body: 'mony(a)'",
            "4:33: routes[0].body: not a valid expression: 'mony(a)' calls mony(), which is no function; did you mean "
            "money()?",
        ),
        (
            "from: shop, to: erp, method: put",
            "4:35: routes[0].method: expected POST, PUT, PATCH, DELETE or GET, or an expression that finds one, found "
            '"put"; did you mean `PUT`?',
        ),
        (
            "from: shop, to: erp, path: /a/../b",
            "4:33: routes[0].path: not a valid expression: '/a/../b' would lead elsewhere: expected a path below the "
            "target's own",
        ),
        (
            "from: shop, to: erp, headers: {Transfer-Encoding: type}",
            "4:37: routes[0].headers.Transfer-Encoding: expected a header that the relay does not set itself",
        ),
        (
            "from: shop, to: erp, headers: {X-A: type, x-a: type}",
            "4:48: routes[0].headers.x-a: a key above, in other letters, sets the same header",
        ),
        (
            "from: shop, to: erp, query: {a: '['}",
            "4:38: routes[0].query.a: not a valid expression: '[' ends too early",
        ),
    ],
)
def test_a_fault_of_a_route_is_told(faults: Faulting, settings: str, fault: str) -> None:
    """A route names what there is."""
    text = (
        f"sources: {{shop: {{verify: none}}}}\ntargets: {{erp: {{url: 'https://e/'}}}}\nroutes:\n  - {{{settings}}}\n"
    )

    assert [f"relay.yaml:{fault}"] == faults(text)


@pytest.mark.parametrize(
    ("target", "setter"),
    [
        ("url: 'https://e/', auth: {scheme: bearer, token: abc}", "authorization"),
        ("url: 'https://u:p@e/'", "Authorization"),
        ("url: 'https://e/', auth: {scheme: header, header: X-Key, value: abc}", "x-key"),
    ],
)
def test_no_route_sets_what_proves_us(faults: Faulting, target: str, setter: str) -> None:
    """Computed of an event, it would let its sender choose who we are."""
    route = f"{{from: shop, to: erp, headers: {{{setter}: type}}}}"
    text = f"sources: {{shop: {{verify: none}}}}\ntargets: {{erp: {{{target}}}}}\nroutes:\n  - {route}\n"

    assert [
        f"relay.yaml:4:37: routes[0].headers.{setter}: `auth` of the target erp sets this header; expected only one of "
        "them"
    ] == faults(text)


def test_a_route_to_nothing_says_so(faults: Faulting) -> None:
    """A file with routes and no target has forgotten something else."""
    assert ['relay.yaml:3:22: routes[0].to: expected a target: none is configured, found "erp"'] == faults(
        "sources: {shop: {verify: none}}\nroutes:\n  - {from: shop, to: erp}"
    )


def test_routes_of_one_name_are_told_both(faults: Faulting) -> None:
    """A route's name tells, later, why an event went where it went."""
    told = "name: another route has this name; expected one of its own"

    assert [f"relay.yaml:4:12: routes[0].{told}", f"relay.yaml:5:12: routes[1].{told}"] == faults(
        "sources: {shop: {verify: none}}\ntargets: {erp: {url: 'https://e/'}}\nroutes:\n"
        "  - {name: a, from: shop, to: erp}\n  - {name: a, from: shop, to: erp}\n"
    )


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
