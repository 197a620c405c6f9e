"""The plain schemes, and what becomes of several."""

import base64
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import verification
from relay.domain import Proof, Refusal, Secret, Verifier
from relay.errors import ExpressionInvalid, SecretInvalid
from relay.verification._template import parse_template
from relay.verification.basic import BasicVerifier
from relay.verification.header import HeaderVerifier
from relay.verification.hmac import HmacVerifier
from relay.verification.ip import IpVerifier
from relay.verification.none import NoVerifier
from relay.verification.token import TokenVerifier
from tests.unit.core.arrange import NOW, OTHER_SECRET, SECRET, a_request, a_source, proven, wire_texts

PASSWORD = Secret("aladdin:open sesame")
NETWORKS = (ip_network("203.0.113.0/24"), ip_network("2001:db8::/32"))

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=40)
readable_secrets = texts.filter(lambda text: bool(text.strip())).map(Secret)


def test_every_scheme_of_the_contract_is_found_by_its_name() -> None:
    """The word in the configuration is the module's name."""
    signing = {"hmac", "digest", "ed25519", "ecdsa", "jwt", "standard-webhooks", "paypal"}
    expected = signing | {"header", "basic", "token", "ip", "none"}

    assert expected == set(verification.names())
    assert verification.find("hmac") is HmacVerifier
    assert all(callable(verification.find(name)) for name in expected)


@given(secret=readable_secrets)
def test_what_a_plain_scheme_signs_it_accepts(secret: Secret) -> None:
    """Also where the secret is not ASCII."""
    password = Secret(b"user:" + secret.reveal())
    for verifier in (TokenVerifier((secret,)), HeaderVerifier("X-Key", (secret,)), BasicVerifier((password,))):
        assert verifier.verify(proven(a_request(), verifier.sign(a_request(), NOW)), NOW) is None


@pytest.mark.parametrize(
    "verifier", [TokenVerifier((SECRET,)), HeaderVerifier("X-Key", (SECRET,)), BasicVerifier((PASSWORD,))]
)
def test_a_request_without_a_proof_is_refused(verifier: Verifier) -> None:
    """Nothing is not a secret."""
    assert verifier.verify(a_request(), NOW) is Refusal.MISSING


@given(value=wire_texts)
def test_nothing_that_is_sent_raises_or_passes(value: str) -> None:
    """Any bytes may stand where a secret should."""
    request = a_request(headers=[("X-Key", value), ("Authorization", value)], token=value, remote=value)
    for verifier in (
        TokenVerifier((SECRET,)),
        HeaderVerifier("X-Key", (SECRET,)),
        BasicVerifier((PASSWORD,)),
        IpVerifier(()),
    ):
        assert isinstance(verifier.verify(request, NOW), Refusal)


@pytest.mark.parametrize("build", [TokenVerifier, BasicVerifier, lambda held: HeaderVerifier("X-Key", held)])
@pytest.mark.parametrize("held", [(), (Secret(""),), (Secret("  "),)])
def test_an_empty_secret_is_a_fault(build: type[TokenVerifier], held: tuple[Secret, ...]) -> None:
    """Otherwise a request with an empty header would be proven."""
    with pytest.raises(SecretInvalid):
        build(held)


@pytest.mark.parametrize("verifier", [TokenVerifier((OTHER_SECRET, SECRET)), TokenVerifier((SECRET, OTHER_SECRET))])
def test_any_of_several_tokens_is_accepted(verifier: TokenVerifier) -> None:
    """While it is changed at the sender, both are in use."""
    assert verifier.verify(a_request(token=SECRET.text()), NOW) is None


@pytest.mark.parametrize(
    "token", [SECRET.text()[:-1], SECRET.text() + "x", SECRET.text().upper(), SECRET.text() * 2, "\udcff", chr(0xD800)]
)
def test_a_token_that_is_nearly_right_is_wrong(token: str) -> None:
    """Cut, longer, in capitals, doubled, or no text at all."""
    assert TokenVerifier((SECRET,)).verify(a_request(token=token), NOW) is Refusal.MISMATCH


def test_a_secret_header_sent_twice_is_refused() -> None:
    """One of them is somebody else's."""
    request = a_request(headers=[("X-Key", SECRET.text()), ("X-Key", "other")])

    assert HeaderVerifier("X-Key", (SECRET,)).verify(request, NOW) is Refusal.MALFORMED


def test_a_secret_header_is_compared_as_bytes() -> None:
    """A header that is not UTF-8 arrives with its bytes escaped; the secret may be just those bytes."""
    request = a_request(headers=[("X-Key", b"caf\xe9".decode("utf-8", "surrogateescape"))])

    assert HeaderVerifier("X-Key", (Secret(b"caf\xe9"),)).verify(request, NOW) is None


def encoded(credentials: bytes) -> str:
    return base64.b64encode(credentials).decode()


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_basic_is_a_word_in_any_case(scheme: str) -> None:
    """RFC 9110, 11.1: the scheme's name has no case."""
    request = a_request(headers=[("Authorization", f"{scheme} {encoded(PASSWORD.reveal())}")])

    assert BasicVerifier((PASSWORD,)).verify(request, NOW) is None


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        ("Basic " + encoded(b"aladdin:open"), Refusal.MISMATCH),
        ("Basic " + encoded(b"aladdin:"), Refusal.MISMATCH),
        ("Basic " + encoded(b"aladdin"), Refusal.MALFORMED),
        ("Basic " + encoded(PASSWORD.reveal())[:-1], Refusal.MALFORMED),
        ("Basic *", Refusal.MALFORMED),
        ("Basic", Refusal.MALFORMED),
        ("", Refusal.MALFORMED),
        ("Bearer " + encoded(PASSWORD.reveal()), Refusal.MALFORMED),
        (encoded(PASSWORD.reveal()), Refusal.MALFORMED),
    ],
)
def test_wrong_credentials_are_refused(value: str, refusal: Refusal) -> None:
    """Well formed and wrong is one thing, not of the form another."""
    assert refusal is BasicVerifier((PASSWORD,)).verify(a_request(headers=[("Authorization", value)]), NOW)


def test_a_password_without_a_user_is_a_fault() -> None:
    """RFC 7617: user, colon, password. Anything else could never match."""
    with pytest.raises(SecretInvalid, match="user:password"):
        BasicVerifier((SECRET,))


@pytest.mark.parametrize(
    ("remote", "refusal"),
    [
        ("203.0.113.7", None),
        ("::ffff:203.0.113.7", None),
        ("2001:db8::1", None),
        ("2001:db8::1%eth0", None),
        ("203.0.114.7", Refusal.MISMATCH),
        ("::ffff:203.0.114.7", Refusal.MISMATCH),
        ("2001:db9::1", Refusal.MISMATCH),
        ("", Refusal.MISSING),
        ("unknown", Refusal.MALFORMED),
        ("203.0.113.07", Refusal.MALFORMED),
    ],
)
def test_an_address_is_looked_for_in_the_networks(remote: str, refusal: Refusal | None) -> None:
    """An IPv4 sender that reaches an IPv6 socket is still that IPv4 sender."""
    assert refusal is IpVerifier(NETWORKS).verify(a_request(remote=remote), NOW)


@pytest.mark.parametrize("verifier", [IpVerifier(NETWORKS), NoVerifier()])
def test_some_schemes_have_nothing_to_add(verifier: Verifier) -> None:
    """An address cannot be put into a request, and no proof needs nothing."""
    assert verifier.sign(a_request(), NOW) == Proof()


def test_none_accepts_everybody() -> None:
    """It must be spelled out, and it means it."""
    assert verification.verify(a_request(), a_source(NoVerifier()), NOW) is None


def test_a_source_without_a_verifier_believes_nobody() -> None:
    """A gap in a configuration must not be an open door."""
    assert verification.verify(a_request(), a_source(), NOW) is Refusal.MISSING


def test_every_verifier_must_agree_and_the_first_refusal_stands() -> None:
    """A list in the configuration means all of them."""
    source = a_source(IpVerifier(NETWORKS), TokenVerifier((SECRET,)), HeaderVerifier("X-Key", (OTHER_SECRET,)))
    request = proven(a_request(), verification.sign(a_request(), source, NOW))

    assert verification.verify(request, source, NOW) is None
    assert verification.verify(a_request(token=SECRET.text()), source, NOW) is Refusal.MISSING
    assert verification.verify(a_request(token="other"), source, NOW) is Refusal.MISMATCH
    assert verification.verify(a_request(remote="x"), source, NOW) is Refusal.MALFORMED


def test_a_proof_holds_what_every_verifier_adds() -> None:
    """`relay send` makes a request as genuine as the vendor's."""
    source = a_source(HeaderVerifier("X-Key", (OTHER_SECRET,)), HmacVerifier("X-Sign", (SECRET,)), NoVerifier())

    proof = verification.sign(a_request(), source, NOW)

    assert {"X-Key", "X-Sign"} == proof.headers.keys()
    assert proof.token is None


def test_what_is_wrong_with_a_template_is_told_on_one_line() -> None:
    """A field's name is the operator's, and may hold a line break."""
    with pytest.raises(ExpressionInvalid) as raised:
        parse_template("{a\nb}")

    assert str(raised.value).isprintable()
