"""Faults of a target: where it is, how it is sent to, and how it is spared."""

from collections.abc import Callable

import pytest

from relay.config.misfits import listing
from relay.config.models.targets import KINDS

Faulting = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ("timeout: 5s", "2:3: targets.erp.url: missing; expected a value such as https://erp.example.com/hooks"),
        (
            "preset: tosend, with: {login: a, password: b, customer: c}",
            "2:3: targets.erp.url: missing; expected a value such as https://erp.example.com/hooks",
        ),
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
