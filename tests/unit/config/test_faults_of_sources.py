"""Faults of a source: who sends, how that is proven, and what is compared with."""

from collections.abc import Callable

import pytest

from relay import presets
from relay.config.misfits import listing

Faulting = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            "preset: invoice-colector, token: a-token-of-mine",
            f"2:18: sources.shop.preset: expected a preset: {listing(presets.names())}, "
            'found "invoice-colector"; did you mean `invoice-collector`?',
        ),
        (
            "preset: getaround",
            "2:3: sources.shop.secrets: missing; scheme hmac needs `secrets`, or `secret` for a single one",
        ),
        (
            "verify: hmca, secret: a-token-of-mine",
            "2:18: sources.shop.verify: expected a scheme: hmac, digest, "
            "ed25519, ecdsa, jwt, standard-webhooks, header, "
            'basic, token, paypal, ip or none, found "hmca"; did you mean `hmac`?',
        ),
        (
            "verify: {scheme: hmca}, secret: a-token-of-mine",
            "2:27: sources.shop.verify.scheme: expected a scheme: hmac, d"
            "igest, ed25519, ecdsa, jwt, standard-webhooks, "
            'header, basic, token, paypal, ip or none, found "hmca"; did you mean `hmac`?',
        ),
        (
            "verify: {scheme: [hmac]}, secret: a-token-of-mine",
            "2:27: sources.shop.verify.scheme: expected a scheme: hmac, d"
            "igest, ed25519, ecdsa, jwt, standard-webhooks, "
            "header, basic, token, paypal, ip or none, found a list",
        ),
        (
            "verify: {header: X}, secret: a-token-of-mine",
            "2:10: sources.shop.verify.scheme: missing; expected hmac, digest, ed25519, ecdsa, jwt, standard-webhooks, "
            "header, basic, token, paypal, ip or none",
        ),
        (
            "verify: [{scheme: hmac}, token], secret: a-token-of-mine",
            "2:19: sources.shop.verify[0].header: `header` is missing; expected a value such as X-Signature",
        ),
        (
            "verify: hmac, secret: a-token-of-mine",
            "2:18: sources.shop.verify: `header` is missing; expected a value such as X-Signature",
        ),
        (
            "verify: 5",
            "2:18: sources.shop.verify: expected a mapping such as {scheme: hmac, header: X-Signature}, or `none` to "
            "believe everybody, found 5",
        ),
        ("verify: [], preset: getaround, secret: a-token-of-mine", "2:18: sources.shop.verify: expected at least one"),
        (
            "verify: [none, token], secret: a-token-of-mine",
            "2:18: sources.shop.verify: `none` stands beside other schemes; expected it alone, or not at all",
        ),
        (
            "verify: {scheme: hmac, header: X, algoritm: sha1}, secret: a-token-of-mine",
            "2:44: sources.shop.verify.algoritm: unknown key; did you mean `algorithm`?",
        ),
        (
            "verify: {scheme: hmac, header: X, algorithm: sha265}, secret: a-token-of-mine",
            '2:55: sources.shop.verify.algorithm: expected sha1, sha256 or sha512, found "sha265"; '
            "did you mean `sha256`?",
        ),
        (
            "verify: {scheme: hmac, header: X Y}, secret: a-token-of-mine",
            '2:41: sources.shop.verify.header: expected a header\'s name, such as X-Signature, found "X Y"',
        ),
        (
            "verify: {scheme: hmac, header: X, signed: '{timestamp}.{body}'}, secret: a-token-of-mine",
            "2:52: sources.shop.verify.signed: {timestamp} needs `timestamp_header`",
        ),
        (
            "verify: {scheme: hmac, header: X, signed: '{id}.{body}'}, secret: a-token-of-mine",
            "2:52: sources.shop.verify.signed: {id} needs `id_header`",
        ),
        (
            "verify: {scheme: hmac, header: X, signed: '{url}{body}'}, secret: a-token-of-mine",
            "2:52: sources.shop.verify.signed: {url} needs `server.public_url`, our address as senders see it",
        ),
        (
            "verify: {scheme: hmac, header: X, signed: '{method}'}, secret: a-token-of-mine",
            "2:52: sources.shop.verify.signed: expected {body} in it: without, one signature would fit every body",
        ),
        (
            "verify: {scheme: hmac, header: X, signed: '{bdy}'}, secret: a-token-of-mine",
            "2:52: sources.shop.verify.signed: not a template: '{bdy}' holds {bdy}: expected {body} {timestamp} {id} "
            "{url} {decoded_url} {method} {path} {form} {listed_headers}",
        ),
        (
            "verify: {scheme: hmac, header: X, id_header: Y}, secret: a-token-of-mine",
            "2:10: sources.shop.verify.signed: `id_header` is set, but {id} is not signed",
        ),
        (
            "verify: {scheme: hmac, header: X, tolerance: 5m}, secret: a-token-of-mine",
            "2:55: sources.shop.verify.tolerance: no time is signed; expected {timestamp} in `signed`, or no "
            "`tolerance`",
        ),
        (
            "verify: {scheme: hmac, header: X, body_field: a.b}, secret: a-token-of-mine",
            "2:41: sources.shop.verify.header: `body_field` is given, too",
        ),
        (
            "verify: {scheme: hmac, header: X, timestamp_prefix: 't=', signed: '{timestamp}{body}'}, secret: a-longone",
            "2:76: sources.shop.verify.signed: `timestamp_prefix` needs `separator`",
        ),
        (
            "verify: {scheme: hmac, header: X, timestamp_field: at, timestamp_header: Y}, secret: a-token-of-mine",
            "2:10: sources.shop.verify.signed: `timestamp_header` and `timestamp_field` are set; expected one of them",
        ),
        (
            "verify: {scheme: hmac, header: X, timestamp_header: Y}, secret: a-token-of-mine",
            "2:10: sources.shop.verify.signed: `timestamp_header` is set, but {timestamp} is not signed",
        ),
        (
            "verify: {scheme: hmac, header: X, key_from: hex}, secret: a-token-of-mine",
            "2:68: sources.shop.secret: the secret is not a key in hex",
        ),
        (
            "verify: {scheme: hmac, header: X, numbered: 0}, secret: a-token-of-mine",
            "2:54: sources.shop.verify.numbered: expected 1 to 100, found 0",
        ),
        (
            "verify: {scheme: ed25519, header: X}, secret: a-token-of-mine",
            "2:56: sources.shop.secret: expected an Ed25519 public key: 32 bytes in hex or base64, or PEM",
        ),
        (
            "verify: {scheme: ecdsa, header: X}, secret: a-token-of-mine",
            "2:54: sources.shop.secret: expected a public key on P-256: PEM, or base64 of the same",
        ),
        (
            "verify: {scheme: jwt, header: X}, secret: a-token-of-mine",
            "2:10: sources.shop.verify.algorithm: missing; expected a value such as HS256",
        ),
        (
            "verify: {scheme: jwt, header: X, algorithm: none}, secret: a-token-of-mine",
            '2:54: sources.shop.verify.algorithm: expected HS256, HS384, HS512, RS256, ES256 or EdDSA, found "none"',
        ),
        (
            "verify: {scheme: jwt, header: X, algorithm: HS256}, secret: a-token-of-mine",
            "2:70: sources.shop.secret: expected at least 32 bytes, which HS256 needs",
        ),
        (
            "verify: {scheme: jwt, header: X, algorithm: HS256, url_claim: url_hash}, secret: a-token-of-mine",
            "2:72: sources.shop.verify.url_claim: this needs `server.public_url`, our address as senders see it",
        ),
        (
            "verify: {scheme: ip, networks: []}",
            "2:41: sources.shop.verify.networks: expected at least one",
        ),
        (
            "verify: none, secret: a-token-of-mine",
            "2:32: sources.shop.secret: scheme none compares with no secret; expected none here, or another scheme",
        ),
        (
            "verify: token, token: a-token-of-mine, secrets: [a-token-of-mine]",
            "2:58: sources.shop.secrets: `token` is given, too; expected one of `secrets`, `secret` and `token`",
        ),
        (
            "verify: token, token: a-token-of-mine, secret: a-token-of-mine",
            "2:57: sources.shop.secret: `token` is given, too; expected one of `secrets`, `secret` and `token`",
        ),
        ("verify: token, secrets: []", "2:34: sources.shop.secrets: expected at least one"),
        (
            "verify: token, token: '        '",
            "2:32: sources.shop.token: the secret is blank; expected at least 8 characters",
        ),
        (
            "verify: token, token: ''",
            "2:32: sources.shop.token: the secret is blank; expected at least 8 characters",
        ),
        (
            "verify: token, token: s3cret",
            "2:32: sources.shop.token: the secret is too short; expected at least 8 characters",
        ),
        ("verify: token, token: 12345678", "2:32: sources.shop.token: expected text, in quotes"),
        (
            "verify: token, token: 's3cret-s3cret '",
            "2:32: sources.shop.token: a space at an end, or a control character, is lost on the way; expected a "
            "secret without",
        ),
        (
            "verify: basic, secret: s3cret-s3cret",
            "2:33: sources.shop.secret: expected `user:password`, which scheme basic compares with",
        ),
        (
            "verify: standard-webhooks, secrets: [whsec_c2hvcnQ=]",
            "2:47: sources.shop.secrets[0]: expected whsec_ and 16 to 64 bytes in base64",
        ),
        (
            "verify: none, type: a b",
            "2:30: sources.shop.type: not a valid expression: 'a b': unexpected 'b' at column 3",
        ),
        (
            "verify: none, type: 'header:'",
            "2:30: sources.shop.type: not a valid expression: 'header:' names no header: expected header:NAME",
        ),
        (
            "verify: none, key: {invoice: 'foo('}",
            "2:39: sources.shop.key.invoice: not a valid expression: 'foo(' ends too early",
        ),
        (
            "verify: none, key: {}",
            "2:29: sources.shop.key: expected at least one type, or `*` for all of them",
        ),
        (
            "verify: none, window: forevr",
            "2:32: sources.shop.window: expected a duration such as 250ms, 5s, 10m, 6h, 3d or 1h30m, or forever, found "
            '"forevr"',
        ),
        (
            "verify: none, window: {a: 0s}",
            '2:36: sources.shop.window.a: expected 1ms to 36500d, or forever, found "0s"',
        ),
        ("verify: none, max_body: 2GiB", '2:34: sources.shop.max_body: expected 1B to 900MiB, found "2GiB"'),
        (
            "verify: none, limit: fast",
            '2:31: sources.shop.limit: expected a rate such as 100/1m or 5/s, found "fast"',
        ),
        (
            "verify: none, respond: {body: nothing}",
            '2:40: sources.shop.respond.body: expected json or none, found "nothing"',
        ),
        ("verify: none, respond: {status: 302}", "2:42: sources.shop.respond.status: expected 200 to 299, found 302"),
        (
            "verify: none, key: 'header:X-Id', batch: events",
            "2:51: sources.shop.batch: `key` is a header, which is the same for all of a batch; expected a `key` in "
            "the body",
        ),
        (
            "preset: meta, secret: a-token-of-mine",
            "2:3: sources.shop.verify_token: missing; meta sends it to ask for the URL: expected the word that you "
            "enter there",
        ),
        (
            "preset: getaround, secret: a-token-of-mine, verify_token: a-word-of-mine",
            "2:68: sources.shop.verify_token: nobody asks for it; expected none, or a preset whose vendor sends one",
        ),
        (
            "verify: none, verify_token: a-word-of-mine",
            "2:38: sources.shop.verify_token: nobody asks for it; expected none, or a preset whose vendor sends one",
        ),
        ("verify: none, json: maybe", '2:30: sources.shop.json: expected true or false, found "maybe"'),
    ],
)
def test_a_fault_of_a_source_is_told(faults: Faulting, settings: str, fault: str) -> None:
    """Each names what is wrong with the source, and nothing that only follows from it."""
    assert [f"relay.yaml:{fault}"] == faults(f"sources:\n  shop: {{{settings}}}\n")
