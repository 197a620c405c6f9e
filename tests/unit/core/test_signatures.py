"""Where a signature stands and what it covers, in the forms of many vendors; and signatures by public keys."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from relay.domain import InboundRequest, Refusal, Secret
from relay.errors import ExpressionInvalid, SecretInvalid, SigningImpossible
from relay.verification._signature import SignatureVerifier
from relay.verification.digest import PlainDigestVerifier
from relay.verification.ecdsa import EcdsaVerifier
from relay.verification.ed25519 import Ed25519Verifier
from relay.verification.hmac import HmacVerifier, key_of
from tests.unit.core.arrange import NOW, SECRET, a_request, proven, wire_texts, with_header

S = "X-Signature"
BODY = b'{"data": {"id": 7, "name": "n\\u00e9e", "none": null, "yes": true, "list": [1]}}'


def pem_of(key: Any) -> Secret:
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def public_pem_of(key: Any) -> Secret:
    return Secret(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


EDWARDS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CURVE = derive_private_key(7, SECP256R1())
STAMPED: dict[str, Any] = {"signed": "{timestamp}.{body}", "timestamp_header": "X-Time"}
LISTED: dict[str, Any] = {
    "signed": "{timestamp}.{body}",
    "separator": ",",
    "prefix": "v1=",
    "timestamp_prefix": "t=",
}


def make(kind: type[SignatureVerifier], **form: Any) -> SignatureVerifier:
    secrets = {Ed25519Verifier: pem_of(EDWARDS), EcdsaVerifier: pem_of(CURVE)}
    return kind(S, (secrets.get(kind, SECRET),), **form)


VERIFIERS = [
    make(kind, **form)
    for kind in (HmacVerifier, PlainDigestVerifier, Ed25519Verifier, EcdsaVerifier)
    for form in (
        {},
        {**STAMPED, "encoding": "base64"},
        {**LISTED, "encoding": "base64url", "time": "milliseconds"},
        {**STAMPED, "time": "iso", "encoding": "base64", "prefix": "v1:"},
        {"encoding": "base64", "prefix": "sha=", "prefix_optional": True, "repeats": True},
        {"numbered": 9},
    )
]
every_verifier = pytest.mark.parametrize("verifier", VERIFIERS, ids=lambda it: f"{type(it).__name__} {it.encoding}")


def signed_request(verifier: SignatureVerifier, request: InboundRequest | None = None) -> InboundRequest:
    request = request or a_request(BODY)
    return proven(request, verifier.sign(request, NOW))


def signature_header(verifier: SignatureVerifier) -> str:
    return f"{S}-1" if verifier.numbered else S


@every_verifier
def test_what_is_signed_is_accepted(verifier: SignatureVerifier) -> None:
    """In every form, by every kind of key."""
    assert verifier.verify(signed_request(verifier), NOW) is None


@every_verifier
@pytest.mark.parametrize("body", [b"", BODY[:-1], BODY + b" ", BODY.replace(b"7", b"8")])
def test_another_body_is_refused(verifier: SignatureVerifier, body: bytes) -> None:
    """Cut, longer, changed or gone: it is not what was signed."""
    assert verifier.verify(replace(signed_request(verifier), body=body), NOW) is Refusal.MISMATCH


@every_verifier
def test_a_signature_is_refused_in_any_other_form(verifier: SignatureVerifier) -> None:
    """Cut, lengthened, under another prefix, or empty."""
    request, name = signed_request(verifier), signature_header(verifier)
    value = request.headers[name]

    for other in (value[: -len(value) // 2], value + "AA", "v9" + value, "", " ", "\udc80"):
        assert isinstance(verifier.verify(with_header(request, name, other), NOW), Refusal)
    assert verifier.verify(with_header(request, name), NOW) is Refusal.MISSING


@pytest.mark.parametrize("verifier", [it for it in VERIFIERS if "timestamp" in it.signed])
def test_a_signed_time_that_is_old_is_stale(verifier: SignatureVerifier) -> None:
    """Wherever it stands, and however it is written."""
    request = signed_request(verifier)

    assert verifier.verify(request, NOW + timedelta(seconds=299)) is None
    assert verifier.verify(request, NOW + timedelta(seconds=302)) is Refusal.STALE
    assert verifier.verify(request, NOW - timedelta(seconds=302)) is Refusal.STALE


@every_verifier
@given(value=wire_texts, time=wire_texts, body=st.binary(max_size=50))
def test_nothing_that_is_sent_raises(verifier: SignatureVerifier, value: str, time: str, body: bytes) -> None:
    """A stranger may send any bytes at all."""
    request = a_request(body, [(signature_header(verifier), value), ("X-Time", time)])

    assert isinstance(verifier.verify(request, NOW), Refusal)


def test_a_list_holds_its_time_once() -> None:
    """Two times in one header: nobody can say which was signed. Other elements are left aside."""
    verifier = make(HmacVerifier, **LISTED)
    request = signed_request(verifier)
    value = request.headers[S]

    assert verifier.verify(with_header(request, S, f"{value}, v0=00,x"), NOW) is None
    assert verifier.verify(with_header(request, S, f"{value},t=1"), NOW) is Refusal.MALFORMED
    assert verifier.verify(with_header(request, S, f"t=,{value}"), NOW) is Refusal.MALFORMED
    assert verifier.verify(with_header(request, S, value.partition(",")[2]), NOW) is Refusal.MISSING


def test_a_list_counts_only_its_own_version() -> None:
    """A weaker scheme beside the stronger one is no way in."""
    verifier = make(HmacVerifier, **LISTED)
    request = signed_request(verifier)

    downgraded = request.headers[S].replace("v1=", "v0=")

    assert verifier.verify(with_header(request, S, downgraded), NOW) is Refusal.MALFORMED


def test_a_header_that_may_repeat_needs_one_that_matches() -> None:
    """While a secret is replaced, one vendor sends the header twice."""
    verifier = make(HmacVerifier, repeats=True, prefix="sha256=", prefix_optional=True)
    request = signed_request(verifier)
    bare = request.headers[S].removeprefix("sha256=")

    assert verifier.verify(with_header(request, S, "0" * 64, bare), NOW) is None
    assert verifier.verify(with_header(request, S, "0" * 64, "1" * 64), NOW) is Refusal.MISMATCH


def test_numbered_headers_need_one_that_matches() -> None:
    """One vendor sends a header for each of its keys, and we may know any of them."""
    verifier = make(HmacVerifier, numbered=2)
    request = signed_request(verifier)
    genuine = request.headers[f"{S}-1"]
    second = with_header(with_header(request, f"{S}-1", "0" * 64), f"{S}-2", genuine)

    assert verifier.verify(second, NOW) is None
    third = with_header(with_header(second, f"{S}-2", "1" * 64), f"{S}-3", genuine)
    assert verifier.verify(third, NOW) is Refusal.MISMATCH
    assert verifier.verify(with_header(request, f"{S}-1", genuine, genuine), NOW) is Refusal.MALFORMED


IN_BODY: dict[str, Any] = {
    "body_field": "proof.value",
    "timestamp_field": "proof.at",
    "signed": "{timestamp}{body.data.id}:{body.data.name}:{body.data.none}:{body.data.yes}:{body.items.0}",
}


def test_a_signature_may_stand_in_the_body() -> None:
    """With its time, covering fields of the body, each as it is written: nothing as nothing."""
    verifier = HmacVerifier(secrets=(SECRET,), **IN_BODY)
    request = proven(a_request(BODY), verifier.sign(a_request(BODY), NOW))
    document = json.loads(request.body)
    told = f"{int(NOW.timestamp())}7:née::true:".encode()

    assert verifier.verify(request, NOW) is None
    assert document["proof"]["value"] == make(HmacVerifier).sign(a_request(told), NOW).headers[S]
    assert verifier.verify(request, NOW + timedelta(hours=1)) is Refusal.STALE


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"proof": None}, Refusal.MISSING),
        ({"proof": {}}, Refusal.MISSING),
        ({"proof": {"value": 7, "at": 1}}, Refusal.MALFORMED),
        ({"proof": {"value": "0" * 64}}, Refusal.MISSING),
        ({"proof": {"value": "0" * 64, "at": True}}, Refusal.MALFORMED),
        ({"proof": {"value": "0" * 64, "at": "soon"}}, Refusal.MALFORMED),
        ({"proof": {"value": "0" * 64, "at": 1782907200}}, Refusal.MISMATCH),
        ({"data": {"id": [1]}, "proof": {"value": "0" * 64, "at": 1782907200}}, Refusal.MISMATCH),
    ],
)
def test_a_body_without_a_good_signature_in_it_is_refused(change: dict[str, Any], refusal: Refusal) -> None:
    """Whatever stands where it should be."""
    verifier = HmacVerifier(secrets=(SECRET,), **IN_BODY)
    body = json.dumps({**json.loads(BODY), **change}).encode()

    assert verifier.verify(a_request(body), NOW) is refusal
    assert verifier.verify(a_request(b"[]"), NOW) is Refusal.MISSING
    assert verifier.verify(a_request(b"no JSON"), NOW) is Refusal.MISSING


def test_a_time_in_a_body_that_is_covered_needs_no_place_in_the_template() -> None:
    """It is signed with all the rest."""
    verifier = make(HmacVerifier, timestamp_field="sent_at")
    request = signed_request(verifier, a_request(b'{"sent_at": 1782907200000}'))

    assert verifier.verify(request, NOW) is None
    assert verifier.verify(request, NOW + timedelta(seconds=301)) is Refusal.STALE
    assert verifier.verify(signed_request(verifier, a_request(b"{}")), NOW) is Refusal.MISSING


FORM = "application/x-www-form-urlencoded; charset=utf-8"


def a_form(body: bytes, query: str = "", content_type: str = FORM) -> InboundRequest:
    return replace(with_header(a_request(body), "Content-Type", content_type), query_string=query)


def test_a_form_is_covered_by_its_sorted_fields() -> None:
    """The order in which they came is nothing; a field that repeats itself counts once."""
    verifier = make(HmacVerifier, signed="{url}{form}")
    told = b"https://hooks.example.com/in/shopa1a2b=c"

    signature = verifier.sign(a_form(b"b=%3Dc&a=2&a=1&a=2&e="), NOW).headers[S]

    assert make(HmacVerifier).sign(a_request(told + b"e"), NOW).headers[S] == signature


def test_a_body_that_is_no_form_is_covered_by_its_digest_in_the_url() -> None:
    """Without one, or with another's, nothing says that the body is the sender's."""
    verifier = make(HmacVerifier, signed="{url}{form}")
    digest = hashlib.sha256(BODY).hexdigest()
    named = a_form(BODY, f"bodySHA256={digest}", "application/json")
    signed = signed_request(verifier, named)

    assert verifier.verify(signed, NOW) is None
    assert verifier.verify(replace(signed, body=b"{}"), NOW) is Refusal.MISMATCH
    for query in ("", "bodySHA256=", f"bodySHA256={digest}&bodySHA256={digest}"):
        assert verifier.verify(replace(signed, query_string=query), NOW) is Refusal.MISMATCH


def test_a_form_of_too_many_fields_is_refused() -> None:
    """Taking it apart would cost more than it is worth."""
    verifier = make(HmacVerifier, signed="{url}{form}")
    request = with_header(a_form(b"&".join([b"a=1"] * 1001)), S, "0" * 64)

    assert verifier.verify(request, NOW) is Refusal.MISMATCH


CONTENTFUL: dict[str, Any] = {
    "signed": "{method}\n{path}\n{listed_headers}\n{timestamp}{body}",
    "timestamp_header": "x-contentful-timestamp",
    "time": "milliseconds",
}
LIST = "x-contentful-signed-headers"


def test_headers_that_another_lists_are_covered() -> None:
    """Sorted, each with its value; the list and the time are among them, or anybody could change them."""
    verifier = make(HmacVerifier, **CONTENTFUL)
    whole = a_request(BODY, [(LIST, f"X-Topic,{LIST},x-contentful-timestamp"), ("X-Topic", "publish")])
    request = signed_request(verifier, whole)

    assert verifier.verify(request, NOW) is None
    assert verifier.verify(with_header(request, "X-Topic", "delete"), NOW) is Refusal.MISMATCH
    assert verifier.verify(with_header(request, "X-Topic"), NOW) is Refusal.MISMATCH
    assert verifier.verify(with_header(request, LIST), NOW) is Refusal.MISMATCH
    for listed in (f"{LIST},x-topic", "x-topic,x-contentful-timestamp"):
        short = signed_request(verifier, with_header(whole, LIST, listed))
        assert verifier.verify(short, NOW) is Refusal.MISMATCH


def test_a_plain_digest_begins_with_the_secret() -> None:
    """As its vendors say: the secret, and then what is signed."""
    expected = hashlib.sha256(SECRET.reveal() + BODY).hexdigest()

    assert expected == make(PlainDigestVerifier).sign(a_request(BODY), NOW).headers[S]


@pytest.mark.parametrize(
    ("text", "form", "key"),
    [("6b6579", "hex", b"key"), ("a2V5", "base64", b"key"), ("whsec_a2V5", "base64", b"key"), ("key", "text", b"key")],
)
def test_a_key_is_read_as_it_is_written(text: str, form: Any, key: bytes) -> None:
    """Vendors show keys as text, as hex or as base64."""
    assert key == key_of(Secret(text), form).reveal()


@pytest.mark.parametrize(("text", "form"), [("6b657", "hex"), ("key!", "base64"), ("whsec_", "base64"), (" ", "text")])
def test_a_key_that_is_not_so_written_is_told(text: str, form: Any) -> None:
    """Never with its value."""
    with pytest.raises(SecretInvalid, match=form):
        HmacVerifier(S, (SECRET, Secret(text)), key_from=form) if text.strip() else key_of(Secret(text), form)


@pytest.mark.parametrize(
    "form",
    [
        {"header": None},
        {"body_field": "a"},
        {"timestamp_field": "at", "signed": "{url}"},
        {**STAMPED, "timestamp_prefix": "t=", "separator": ","},
        {**STAMPED, "timestamp_header": None, "timestamp_prefix": "t="},
        {"signed": "{body.}"},
        {"signed": "{body..a}"},
    ],
)
def test_places_that_do_not_fit_are_told(form: dict[str, Any]) -> None:
    """What is signed can be read, and what is read is signed."""
    with pytest.raises(ExpressionInvalid):
        HmacVerifier(**{"header": S, "secrets": (SECRET,), **form})


RAW = EDWARDS.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (Ed25519Verifier, Secret(RAW.hex())),
        (Ed25519Verifier, Secret("whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=")),
        (Ed25519Verifier, public_pem_of(EDWARDS)),
        (EcdsaVerifier, public_pem_of(CURVE)),
        (EcdsaVerifier, Secret("".join(public_pem_of(CURVE).text().splitlines()[1:-1]))),
    ],
)
def test_a_public_key_verifies_and_cannot_sign(kind: type[SignatureVerifier], key: Secret) -> None:
    """As the vendors show it. Who would sign is told what is missing."""
    verifier = kind(S, (key,))

    assert verifier.verify(signed_request(make(kind)), NOW) is None
    with pytest.raises(SigningImpossible, match="private key in PEM"):
        verifier.sign(a_request(BODY), NOW)


@pytest.mark.parametrize("kind", [Ed25519Verifier, EcdsaVerifier])
@pytest.mark.parametrize(
    "key",
    [
        SECRET,
        Secret("00" * 31),
        pem_of(derive_private_key(7, SECP384R1())),
        Secret("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        Secret("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"),
    ],
)
def test_a_key_of_another_kind_is_told(kind: type[SignatureVerifier], key: Secret) -> None:
    """When the configuration is read, and not with the first request."""
    with pytest.raises(SecretInvalid):
        kind(S, (key,))


def test_a_listed_time_must_be_near() -> None:
    """Where the list of signed headers has the time in it, its age counts without standing in the template again."""
    verifier = make(HmacVerifier, **{**CONTENTFUL, "signed": "{method}\n{path}\n{listed_headers}\n{body}"})
    whole = a_request(BODY, [(LIST, f"{LIST},x-contentful-timestamp")])
    request = signed_request(verifier, whole)

    assert verifier.verify(request, NOW) is None
    assert verifier.verify(request, NOW + timedelta(minutes=6)) is Refusal.STALE


def test_of_a_decoded_url_some_characters_are_decoded() -> None:
    """Those that HubSpot names, whichever case they are written in; all others are signed as they came."""
    request = replace(a_request(BODY), query_string="to=a%40b%2Cc%2fd%20e%26")
    verifier = make(HmacVerifier, signed="{decoded_url}{body}")
    expected = hmac.digest(SECRET.reveal(), b"https://hooks.example.com/in/shop?to=a@b,c/d%20e%26" + BODY, "sha256")

    assert expected.hex() == verifier.sign(request, NOW).headers[S]
