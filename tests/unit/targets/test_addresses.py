"""Which addresses may be called: a row for each range, and each notation that hides one."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain import HttpTarget
from relay.errors import AddressBlocked
from relay.targets.addresses import BLOCKS, Access, admitted, endpoint, look_up, refusal, would_block

PRIVATE = [
    ("10.0.0.1", "private; RFC 1918"),
    ("172.16.0.1", "private; RFC 1918"),
    ("172.31.255.255", "private; RFC 1918"),
    ("192.168.1.1", "private; RFC 1918"),
    ("100.64.0.1", "CGNAT"),
    ("127.0.0.1", "loopback; RFC 1122"),
    ("127.255.255.254", "loopback; RFC 1122"),
    ("::1", "loopback; RFC 4291"),
    ("fc00::1", "unique local; RFC 4193"),
    ("fd12:3456:789a::1", "unique local; RFC 4193"),
]
NAMED = [
    ("169.254.1.1", "link-local; RFC 3927"),
    ("192.0.0.8", "protocol assignments; RFC 6890"),
    ("192.0.2.1", "documentation; RFC 5737"),
    ("192.88.99.1", "6to4 relays; RFC 7526"),
    ("198.18.0.1", "benchmarking; RFC 2544"),
    ("198.19.255.255", "benchmarking; RFC 2544"),
    ("198.51.100.1", "documentation; RFC 5737"),
    ("203.0.113.1", "documentation; RFC 5737"),
    ("240.0.0.1", "reserved; RFC 1112"),
    ("64:ff9b:1::808:808", "local NAT64; RFC 8215"),
    ("100::1", "discard; RFC 6666"),
    ("2001:2::1", "benchmarking; RFC 5180"),
    ("2001:10::1", "protocol assignments; RFC 2928"),
    ("2001:db8::1", "documentation; RFC 3849"),
    ("3fff::1", "documentation; RFC 9637"),
    ("fe80::1", "link-local; RFC 4291"),
    ("fe80::1%eth0", "link-local; RFC 4291"),
    ("fec0::1", "site-local; RFC 3879"),
    ("4000::1", "not assigned; RFC 4291"),
    ("::2:0:0:1", "not assigned; RFC 4291"),
]
NEVER = [
    ("169.254.169.254", "cloud metadata"),
    ("169.254.170.2", "AWS ECS"),
    ("169.254.170.23", "AWS EKS"),
    ("169.254.0.23", "Tencent Cloud"),
    ("169.254.42.42", "Scaleway"),
    ("100.100.100.200", "Alibaba Cloud"),
    ("168.63.129.16", "Azure"),
    ("192.0.0.192", "Oracle Cloud Classic"),
    ("fd00:ec2::254", "AWS"),
    ("fd00:ec2::23", "AWS"),
    ("fd20:ce::254", "Google Cloud"),
    ("fd00:c1::a9fe:a9fe", "Oracle Cloud"),
    ("fd00:a9fe:a9fe::1", "Akamai"),
    ("fd00:42::42", "Scaleway"),
    ("fd00:100::100:200", "Alibaba Cloud"),
    ("fe80::a9fe:a9fe%2", "OpenStack"),
    ("0.0.0.0", "this network"),
    ("0.1.2.3", "this network"),
    ("224.0.0.1", "multicast; RFC 5771"),
    ("239.255.255.255", "multicast; RFC 5771"),
    ("255.255.255.255", "broadcast; RFC 919"),
    ("::", "unspecified"),
    ("ff02::1", "multicast; RFC 4291"),
]
WRAPPINGS = {
    "IPv4-mapped": lambda low: f"::ffff:{low}",
    "IPv4-translated": lambda low: f"::ffff:0:{low}",
    "IPv4-compatible": lambda low: f"::{low}",
    "NAT64": lambda low: f"64:ff9b::{low}",
    "6to4": lambda low: f"2002:{low}::",
    "Teredo server": lambda low: f"2001:0:{low}::f7f7:f7f7",
    "Teredo client": lambda low: f"2001:0:808:808::{_inverted(low)}",
}
EVERYTHING = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def _inverted(low: str) -> str:
    return ":".join(f"{int(group, 16) ^ 0xFFFF:x}" for group in low.split(":"))


def _groups(address: str) -> str:
    """Write an IPv4 address as two groups of an IPv6 one."""
    number = int(ip_address(address))
    return f"{number >> 16:x}:{number & 0xFFFF:x}"


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a01::1"])
def test_a_public_address_may_be_called(address: str) -> None:
    """Ordinary targets need no setting."""
    assert refusal(address, allow_private=False, networks=()) is None


@pytest.mark.parametrize(("address", "words"), PRIVATE)
def test_a_private_address_takes_allow_private_or_its_network(address: str, words: str) -> None:
    """A relay is often meant for the machine next door; it must be said."""
    reason = refusal(address, allow_private=False, networks=())

    assert reason is not None
    assert reason.startswith(f"{address} leads into ")
    assert words in reason
    assert "set `allow_private`" in reason
    assert refusal(address, allow_private=True, networks=()) is None
    assert refusal(address, allow_private=False, networks=EVERYTHING) is None


@pytest.mark.parametrize(("address", "words"), NAMED)
def test_an_odd_address_takes_its_network_by_name(address: str, words: str) -> None:
    """Nobody means link-local or documentation addresses by "private"; who needs one names its network."""
    reason = refusal(address, allow_private=True, networks=())

    assert reason is not None
    assert words in reason
    assert "a list in `allow_private`" in reason
    assert refusal(address, allow_private=False, networks=EVERYTHING) is None


@pytest.mark.parametrize(("address", "words"), NEVER)
def test_some_addresses_are_never_called(address: str, words: str) -> None:
    """Metadata services give credentials to whoever asks; the others are no receiver's address."""
    reason = refusal(address, allow_private=True, networks=EVERYTHING)

    assert reason is not None
    assert words in reason
    assert "no setting opens it" in reason


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("inner", ["127.0.0.1", "10.1.2.3", "192.168.0.1"])
def test_an_address_inside_another_is_judged(wrapping: str, inner: str) -> None:
    """The kernel, or a gateway, would take the packet to the IPv4 address."""
    address = WRAPPINGS[wrapping](_groups(inner))

    assert refusal(address, allow_private=False, networks=()) is not None
    assert refusal(address, allow_private=True, networks=()) is None
    assert refusal(address, allow_private=False, networks=(ip_network(inner),)) is None


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_metadata_service_inside_another_address_is_never_called(wrapping: str) -> None:
    """Every disguise comes to the same place."""
    address = WRAPPINGS[wrapping](_groups("169.254.169.254"))

    assert refusal(address, allow_private=True, networks=EVERYTHING) is not None


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_public_address_inside_another_may_be_called(wrapping: str) -> None:
    """NAT64 is how a machine without IPv4 reaches most of the world."""
    assert refusal(WRAPPINGS[wrapping](_groups("8.8.8.8")), allow_private=False, networks=()) is None


def test_a_metadata_service_behind_local_nat64_is_never_called() -> None:
    """Naming the translator's network opens what lies behind it, but not that."""
    named = (ip_network("64:ff9b:1::/48"),)

    assert refusal("64:ff9b:1::808:808", allow_private=False, networks=named) is None
    assert refusal("64:ff9b:1::a9fe:a9fe", allow_private=False, networks=named) is not None


@pytest.mark.parametrize("address", ["", "localhost", "127.1", "2130706433", "0x7f.1", "127.0.0.1.", "1.2.3.4/32"])
def test_what_is_no_numeric_address_is_refused(address: str) -> None:
    """The guard fails closed: it judges only what the kernel would dial as it stands."""
    assert f"{address} is not a numeric address" == refusal(address, allow_private=True, networks=EVERYTHING)


@given(st.ip_addresses())
def test_what_nothing_opens_is_not_opened_by_more_settings(address: object) -> None:
    """More permission never refuses what less allowed; and every refusal names its address."""
    strict = refusal(str(address), allow_private=False, networks=())
    loose = refusal(str(address), allow_private=True, networks=EVERYTHING)

    assert loose is None or strict is not None
    assert strict is None or strict.startswith(f"{address} leads into ")


def test_no_row_of_the_table_is_hidden_by_an_earlier_one() -> None:
    """The first row decides: a part must stand before its whole, or it would never be read."""
    hidden = [
        (later.network, earlier.network)
        for index, later in enumerate(BLOCKS)
        for earlier in BLOCKS[:index]
        if later.network.network_address in earlier.network and later.network.prefixlen >= earlier.network.prefixlen
    ]

    assert [] == hidden
    assert {Access.OPEN, Access.PRIVATE, Access.NAMED, Access.NEVER} == {block.access for block in BLOCKS}


def test_of_several_addresses_the_admitted_ones_are_kept() -> None:
    """One bad record among good ones must not stop a delivery; none but bad ones must."""
    assert ["8.8.8.8"] == admitted(["127.0.0.1", "8.8.8.8"], allow_private=False, networks=())
    assert [] == admitted([], allow_private=False, networks=())
    with pytest.raises(AddressBlocked, match=r"^10\.0\.0\.1 leads into "):
        admitted(["10.0.0.1", "127.0.0.1"], allow_private=False, networks=())


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("http://2130706433/a", "http://127.0.0.1/a"),
        ("http://0x7f.1:8080/a", "http://127.0.0.1:8080/a"),
        ("http://0177.0.0.1/", "http://127.0.0.1/"),
        ("http://017700000001/", "http://127.0.0.1/"),
        ("http://127.1/", "http://127.0.0.1/"),
        ("http://127.0.0.1./", "http://127.0.0.1/"),
        ("http://127。0。0。1/", "http://127.0.0.1/"),
        ("http://１２７.0.0.1/", "http://127.0.0.1/"),
        ("http://0/", "http://0.0.0.0/"),
        ("http://bücher.example/ä?ö", "http://xn--bcher-kva.example/%C3%A4?%C3%B6"),
        ("https://erp.example/a%7Eb%2Fc?sig=%2F%7E+x&b", "https://erp.example/a%7Eb%2Fc?sig=%2F%7E+x&b"),
    ],
)
def test_a_url_is_called_as_written_and_its_host_as_it_is_dialled(url: str, called: str) -> None:
    """A signature in the query must not be re-encoded; an address must not hide from a reader of the log."""
    assert called == str(endpoint(url))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "erp.example",
        "ftp://erp.example/",
        "http://",
        "http://u:s3cret@",
        "http://u:s3cret@h:99999/",
        "http://u:s3cret@h:0/",
        "http://u:s3cret@h／x/",
    ],
)
def test_a_url_that_cannot_be_called_is_refused_without_repeating_it(url: str) -> None:
    """The last has a slash of another script: yarl refuses it, and quotes the password."""
    with pytest.raises(ValueError, match="a URL that cannot be called") as caught:
        endpoint(url)

    assert "s3cret" not in repr((caught.value, caught.value.__cause__, caught.value.__context__))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "0x7f.1", "[::ffff:10.0.0.1]"])
def test_would_block_tells_what_the_guard_would_do(host: str) -> None:
    """`relay check` warns of a target that would be blocked, before the first delivery is."""
    url = f"http://{host}:8080/"

    assert would_block(HttpTarget(name="erp", url=url)) is not None
    assert would_block(HttpTarget(name="erp", url=url, allow_private=True)) is None


@pytest.mark.parametrize("host", ["nowhere.invalid", "8.8.8.8", f"{'a' * 64}.invalid"])
def test_would_block_is_silent_where_nothing_would_be_blocked(host: str) -> None:
    """A name that DNS does not know now is no reason for a warning about addresses."""
    assert would_block(HttpTarget(name="erp", url=f"http://{host}/")) is None


def test_a_lookup_returns_numeric_addresses() -> None:
    """What is judged is what is dialled."""
    assert all(ip_address(address).is_loopback for address in look_up("localhost", 80))
