"""Requests mutilated on the way, or judged by a wrong setting: each is told for what it is, and without a secret."""

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from multidict import CIMultiDict

from relay.domain import ANY_TYPE, Identification, InboundRequest, Refusal, Secret, Source, Verifier
from relay.explaining import explain, secrets_of
from relay.expressions import compile_expression, compile_term
from relay.handshakes import Handshake, Handshakes
from relay.verification.basic import BasicVerifier
from relay.verification.header import HeaderVerifier
from relay.verification.hmac import HmacVerifier
from relay.verification.ip import IpVerifier
from relay.verification.jwt import JwtVerifier
from relay.verification.none import NoVerifier
from relay.verification.standard_webhooks import standard_webhooks
from relay.verification.token import TokenVerifier
from tests.unit.core.arrange import NOW, SECRET, a_request, a_source, proven, with_header

S = "X-Signature"
VALUE = SECRET.text()
COMPACT = '{"name":"Zoë","url":"https://a.example/b","n":[1,2],"a":true}'.encode()
PLAIN = HmacVerifier(S, (SECRET,))
URLS = HmacVerifier(S, (SECRET,), signed="{method}{url}{body}")
TIMED = HmacVerifier(S, (SECRET,), signed="{timestamp}.{body}", timestamp_header="X-Time")
LISTED = HmacVerifier(S, (SECRET,), separator=",", prefix="v1=")

Mutilation = Callable[[InboundRequest], InboundRequest]


def again(**settings: Any) -> Mutilation:
    """Write the body anew, as JSON in another form."""
    return lambda request: replace(request, body=json.dumps(json.loads(request.body), **settings).encode())


def body(change: Callable[[bytes], bytes]) -> Mutilation:
    return lambda request: replace(request, body=change(request.body))


def header(change: Callable[[str], str]) -> Mutilation:
    return lambda request: with_header(request, S, change(request.headers[S]))


def sent(verifier: Verifier, content: bytes = COMPACT) -> InboundRequest:
    request = a_request(content)
    return proven(request, verifier.sign(request, NOW))


def told(request: InboundRequest, *verifiers: Verifier, **more: Any) -> str:
    source: Source = a_source(*verifiers)
    explanation = explain(request, source, more.pop("now", NOW), **more)
    assert explanation.refusal is not None
    text = "\n".join(explanation.findings)
    assert VALUE not in text
    assert request.headers.get(S, "no signature") not in text
    return text


MUTILATIONS: list[tuple[str, bytes, Mutilation, str]] = [
    ("spaces after colons", COMPACT, again(ensure_ascii=False), "it was signed without spaces"),
    ("two spaces after colons", COMPACT, again(separators=(",", ":  ")), "it was signed without spaces"),
    ("indented", COMPACT, again(indent=2, ensure_ascii=False), "it was signed without spaces"),
    ("made compact", b'{"b": 1, "a": 2}', again(separators=(",", ":")), "with a space after colons and commas"),
    ("indentation lost", b'{\n  "b": 1\n}', again(), "indented by 2 spaces"),
    ("indentation by tabs lost", b'{\n\t"b": 1\n}', again(), "indented by tabs"),
    ("keys mixed", b'{"a":1,"b":2}', body(lambda it: b'{"b":2,"a":1}'), "without spaces, its keys sorted"),
    ("escapes lost", b'{"a":"\\u00e9"}', again(ensure_ascii=False), "letters outside of ASCII escaped"),
    ("letters escaped", COMPACT, again(separators=(",", ":")), "it was signed without spaces"),
    ("slashes not escaped", b'{"a":"b\\/c"}', again(separators=(",", ":")), "slashes escaped"),
    ("line break added", COMPACT, body(lambda it: it + b"\n"), "a line break was added at the end"),
    ("line break lost", COMPACT + b"\n", body(bytes.rstrip), "the line break at the end of the body was lost"),
    ("CRLF at the end lost", COMPACT + b"\r\n", body(bytes.rstrip), "the line break (CRLF) at the end"),
    ("LF to CRLF", b"a\nb", body(lambda it: it.replace(b"\n", b"\r\n")), "from LF to CRLF"),
    ("CRLF to LF", b"a\r\nb", body(lambda it: it.replace(b"\r\n", b"\n")), "from CRLF to LF"),
    ("BOM added", COMPACT, body(lambda it: b"\xef\xbb\xbf" + it), "a byte order mark was put before"),
    ("BOM lost", b"\xef\xbb\xbf{}", body(lambda it: it[3:]), "the byte order mark before the body was lost"),
    ("to Latin-1", "é".encode(), body(lambda it: it.decode().encode("latin-1")), "from UTF-8 to Latin-1"),
    ("to UTF-8", "é".encode("latin-1"), body(lambda it: it.decode("latin-1").encode()), "from Latin-1 to UTF-8"),
    ("packed", COMPACT, body(gzip.compress), "packed (gzip)"),
    ("base64", COMPACT, body(base64.b64encode), "written as base64"),
    ("a JSON text", COMPACT, body(lambda it: json.dumps(it.decode()).encode()), "put into a JSON text"),
    ("a form's spaces", b"a=b+c&d=%2F", body(lambda it: b"a=b%20c&d=%2F"), "with spaces as +"),
    ("a form's order", b"a=1&b=2", body(lambda it: b"b=2&a=1"), "its fields sorted"),
    ("body lost", b"", body(lambda it: b"{}"), "an empty one was signed"),
    ("quotes around the signature", COMPACT, header(lambda it: f'"{it}"'), "quotes or spaces"),
    ("a prefix", COMPACT, header(lambda it: f"sha256={it}"), "`prefix: sha256=`"),
    ("base64 for hex", COMPACT, header(lambda it: base64.b64encode(bytes.fromhex(it)).decode()), "`encoding: base64`"),
    ("emptied", COMPACT, body(lambda it: b""), "the body is empty, and it is signed"),
    ("cut", COMPACT, body(lambda it: it[:-2]), "the body begins as JSON and is none"),
    ("a list", COMPACT, header(lambda it: f"{'0' * 64},{it}"), "parted by ','"),
    ("two ways at once", COMPACT, lambda it: again()(header(lambda at: f"sha256={at}")(it)), "`prefix: sha256=`; and "),
]


@pytest.mark.parametrize(
    ("content", "mutilate", "expected"), [it[1:] for it in MUTILATIONS], ids=[it[0] for it in MUTILATIONS]
)
def test_a_mutilated_request_is_told_for_what_it_is(content: bytes, mutilate: Mutilation, expected: str) -> None:
    """In words from which one can act."""
    mutilated = mutilate(sent(PLAIN, content))

    assert expected in told(mutilated, PLAIN)


SECRETS = [
    (f" {VALUE}\n", "has white space around it"),
    (f'"{VALUE}"', "stands in quotes"),
    (f"whsec_{VALUE}", "has whsec_ before it"),
    (VALUE.upper(), "is in upper case"),
    (base64.b64encode(VALUE.encode()).decode(), "`key_from: base64`"),
    (VALUE.encode().hex(), "`key_from: hex`"),
]


@pytest.mark.parametrize(("configured", "expected"), SECRETS)
def test_a_secret_that_was_miscopied_is_told(configured: str, expected: str) -> None:
    """What is wrong with it, and not what it is."""
    assert expected in told(sent(PLAIN), HmacVerifier(S, (Secret(configured),)))


def test_the_key_of_another_form_is_told() -> None:
    """The vendor signs with the text that looks like base64."""
    text = Secret("c2VjcmV0IGtleSBvZiB0aGUgc2hvcA==")
    signed = sent(HmacVerifier(S, (text,)))

    assert "as it stands, not its base64" in told(signed, HmacVerifier(S, (text,), key_from="base64"))


def test_a_sender_that_does_not_decode_its_secret_is_told() -> None:
    """The commonest mistake of who signs Standard Webhooks by hand."""
    text = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    decoded = standard_webhooks((text,))
    signed = sent(replace(decoded, secrets=(text,)))

    assert "as it stands, `whsec_` and all" in told(signed, decoded)


def test_the_secret_of_another_source_is_told_by_its_name() -> None:
    """A mistake of copying; and a word of an example is none at all."""
    other = HmacVerifier(S, (Secret("of-another-one"),))
    example = HmacVerifier(S, (Secret("changeme"),))

    assert "the secret of the source erp" in told(sent(other), PLAIN, others={"erp": secrets_of(a_source(other))})
    assert "a word from an example" in told(sent(example), PLAIN)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"origin": "http://hooks.example.com"}, "https://hooks.example.com/in/shop with a query"),
        ({"path": "/in/shop/"}, "https://hooks.example.com/in/shop with a query"),
        ({"query_string": ""}, None),
        ({"method": "PUT"}, "another method was signed: POST"),
    ],
)
def test_another_url_is_told(change: dict[str, Any], expected: str | None) -> None:
    """Behind a proxy the request looks different; a query that is lost cannot be guessed."""
    text = told(replace(sent(URLS), **change), URLS)

    assert (expected or "nothing that is known to happen") in text


def test_the_host_that_a_proxy_replaced_is_told() -> None:
    """It stands in a header of the proxy's."""
    request = with_header(sent(URLS), "X-Forwarded-Host", "hooks.example.com")

    assert "https://hooks.example.com/in/shop" in told(replace(request, origin="http://10.0.0.1:8080"), URLS)


def test_a_clock_that_is_off_is_told_with_its_offset() -> None:
    """Whatever else is right; before and after."""
    request = sent(TIMED)

    assert "made 7 minutes before" in told(request, TIMED, now=NOW + timedelta(minutes=7))
    assert "made 3 hours after" in told(request, TIMED, now=NOW - timedelta(hours=3))
    both = told(again()(request), TIMED, now=NOW + timedelta(minutes=7))
    assert "it was signed without spaces" in both
    assert "made 7 minutes before" in both


@pytest.mark.parametrize(("algorithm", "length"), [("sha1", 20), ("sha512", 64)])
def test_another_algorithm_is_told(algorithm: Any, length: int) -> None:
    """If all else is right, by name; if not, by the length of the signature."""
    signed = sent(HmacVerifier(S, (SECRET,), algorithm=algorithm))
    foreign = sent(HmacVerifier(S, (Secret("unknown to all"),), algorithm=algorithm))

    assert f"`algorithm: {algorithm}`" in told(signed, PLAIN)
    assert f"the signature is {length} bytes long, as {algorithm}'s are; `algorithm` is sha256" in told(foreign, PLAIN)


def test_what_cannot_be_explained_is_not_explained_away() -> None:
    """The secret is another one, most likely; a cut signature and a cut body are told by their lengths."""
    foreign = sent(HmacVerifier(S, (Secret("unknown to all"),)))
    cut = with_header(replace(sent(PLAIN), body=COMPACT[:-1]), "Content-Length", str(len(COMPACT)))

    assert "most likely the secret is another one" in told(foreign, PLAIN)
    assert "as no digest's are" in told(header(lambda it: it[:-2])(foreign), PLAIN)
    assert f"Content-Length says {len(COMPACT)} bytes, and the body has {len(COMPACT) - 1}" in told(cut, PLAIN)


def test_a_header_that_is_not_there_is_named() -> None:
    """With the one that was probably meant."""
    lost = CIMultiDict(sent(TIMED).headers)
    signature = lost.pop(S)
    lost.add("Signature", signature[::-1])
    text = told(replace(sent(TIMED), headers=lost), TIMED)

    assert "the header X-Signature is not there; did the vendor mean Signature?" in text
    assert "no header has a name like a signature's" in told(a_request(COMPACT), PLAIN)
    assert "X-Signature-1 is not there" in told(a_request(COMPACT), replace(PLAIN, numbered=3))
    in_body = HmacVerifier(secrets=(SECRET,), body_field="a.b", signed="{body.id}")
    assert "the body has no field a.b" in told(a_request(b"{}"), in_body)


def test_a_signature_in_another_header_is_told_by_the_name_of_that() -> None:
    """Whatever the vendor calls it: a name that is like no signature's, too."""
    moved = CIMultiDict(sent(TIMED).headers)
    moved.add("X-Acme-Check", moved.pop(S))

    assert "the signature stands in the header X-Acme-Check, not in X-Signature" in told(
        replace(sent(TIMED), headers=moved), TIMED
    )


def test_headers_of_another_family_are_told_by_what_their_names_begin_with() -> None:
    """Svix signs as Standard Webhooks does, under names of its own: three headers would else be told as lost."""
    key = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    by_svix = sent(standard_webhooks((key,), family="svix"))

    assert "its headers begin with svix-, not with webhook-" in told(by_svix, standard_webhooks((key,)))
    assert "the header webhook-id is not there" in told(
        replace(by_svix, body=b"{}"), standard_webhooks((Secret("whsec_" + "A" * 32),))
    )


def test_a_header_with_nothing_of_what_is_looked_for_is_told() -> None:
    """It was refused as missing, and no sentence said what was."""
    verifier = replace(
        LISTED, signed="{timestamp}.{body}", timestamp_prefix="t=", tolerance=timedelta(minutes=5), time="seconds"
    )
    signature = sent(verifier).headers[S]

    assert "holds no signature that begins with v1=" in told(
        with_header(sent(verifier), S, signature.replace("v1=", "v9=")), verifier
    )
    assert "holds no time that begins with t=" in told(
        with_header(sent(verifier), S, signature.replace("t=", "")), verifier
    )


SHARED = Secret("a shared key of thirty-two bytes!")
TOKENS = JwtVerifier(secrets=(SHARED,), issuer="vendor", body_claim="payload_hash", url_claim="url_hash")


def test_a_token_is_told_by_what_it_names() -> None:
    """Another body, another URL, another time, another algorithm, another maker."""
    request = sent(TOKENS)

    assert "without spaces" in told(again()(request), TOKENS)
    assert "https://hooks.example.com/in/shop" in told(replace(request, origin="http://hooks.example.com"), TOKENS)
    assert "by 59 minutes" in told(request, TOKENS, now=NOW + timedelta(hours=1))
    assert "another algorithm than HS512" in told(
        request, replace(TOKENS, algorithm="HS512", secrets=(Secret("x" * 64),))
    )
    assert "`iss` is not 'them'" in told(request, replace(TOKENS, issuer="them"))
    assert "is no token" in told(with_header(request, "Authorization", "none"), TOKENS)
    assert "Authorization is not there" in told(a_request(COMPACT), TOKENS)


def test_the_key_of_a_token_is_told() -> None:
    """Miscopied, or another one."""
    request = sent(TOKENS)

    assert "has white space" in told(request, replace(TOKENS, secrets=(Secret(f"{SHARED.text()} "),)))
    assert "signed with another secret" in told(request, replace(TOKENS, secrets=(Secret("y" * 32),)))
    elsewhere = jwt.encode({"iss": "vendor"}, SHARED.reveal(), "HS256")
    timeless = JwtVerifier(secrets=(SHARED,))
    assert "most likely the key" in told(with_header(request, "Authorization", elsewhere), timeless)


@pytest.mark.parametrize(
    ("verifier", "request_", "expected"),
    [
        (
            HeaderVerifier("X-Key", (SECRET,)),
            a_request(headers=[("Key", VALUE)]),
            "X-Key is not there; the value stands in Key",
        ),
        (
            HeaderVerifier("X-Key", (SECRET,)),
            a_request(headers=[("X-Key", f"Bearer {VALUE}")]),
            "lacks Bearer before it",
        ),
        (HeaderVerifier("X-Key", (SECRET,)), a_request(headers=[("X-Key", "wrong")]), "X-Key is another one"),
        (TokenVerifier((SECRET,)), a_request(), "the URL has no token"),
        (TokenVerifier((SECRET,)), a_request(token=f"{VALUE}\n"), "lacks the line break"),
        (BasicVerifier((Secret("a:b"),)), a_request(), "no user and password are sent"),
        (BasicVerifier((Secret("a:b"),)), a_request(headers=[("Authorization", "Bearer x")]), "not of the form"),
        (BasicVerifier((Secret("a:b"),)), a_request(headers=[("Authorization", "Basic YTpj")]), "is another one"),
        (IpVerifier(()), a_request(), "it comes from 203.0.113.7, which is in none of `networks`"),
    ],
)
def test_a_fixed_value_is_told_by_its_place(verifier: Verifier, request_: InboundRequest, expected: str) -> None:
    """What stands there instead is never repeated."""
    assert expected in told(request_, verifier)


def test_what_is_right_is_told_to_be_right() -> None:
    """Of a source that proves nothing, too; one without a secret refuses all."""
    assert explain(sent(LISTED), a_source(LISTED), NOW).refusal is None
    assert explain(a_request(), a_source(NoVerifier()), NOW).refusal is None
    assert Refusal.MISSING is explain(a_request(), a_source(), NOW).refusal


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (sent(PLAIN, b"[]"), Refusal.KEYLESS),
        (sent(PLAIN, b"no JSON"), Refusal.UNREADABLE),
        (with_header(sent(PLAIN, b"no archive"), "Content-Encoding", "gzip"), Refusal.UNREADABLE),
        (sent(PLAIN, b'{"id":"%s"}' % (b"1" * 200)), Refusal.TOO_LARGE),
        (sent(PLAIN, b'{"id":"1"}'), None),
    ],
)
def test_what_is_refused_though_it_is_proven_is_told_so(request_: InboundRequest, refusal: Refusal | None) -> None:
    """`relay rejections` keeps such ones, too: to call them accepted would send the reader away."""
    named = Identification(keys={ANY_TYPE: compile_term("id")}, needs_json=True)
    source = replace(a_source(PLAIN), identification=named, body_bytes_max=100)
    explanation = explain(request_, source, NOW)

    assert refusal == explanation.refusal
    assert "it is proven" in explanation.findings[0]
    assert ("this source accepts it" in explanation.findings[0]) is (refusal is None)


def test_one_item_of_a_batch_without_a_key_is_told() -> None:
    """It refuses the whole request; a question for the URL, which has no key, is none."""
    asks = Handshakes((Handshake("POST", when="events == `[]`", answer=""),), (SECRET,))
    named = Identification(keys={ANY_TYPE: compile_term("id")})
    source = replace(a_source(PLAIN), identification=named, batch=compile_expression("events"), greeting=asks)
    bodies = (b'{"events":[{"id":"1"},{}]}', b'{"events":[{"id":"1"}]}', b'{"events":[]}')

    assert [Refusal.KEYLESS, None, None] == [explain(sent(PLAIN, body), source, NOW).refusal for body in bodies]


def test_nothing_is_tried_for_ever() -> None:
    """A request that nothing explains costs a bounded number of attempts, whatever its body."""
    wide = json.dumps({str(number): number for number in range(200)}).encode()
    digest = hmac.digest(b"unknown", wide, hashlib.sha256).hex()

    assert "nothing that is known" in told(a_request(wide, [(S, digest)]), PLAIN)
    assert "no two together" in told(a_request(b"[" + b" " * 300_000 + b"]", [(S, digest)]), PLAIN)
