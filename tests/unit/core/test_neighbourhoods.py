"""Which addresses are one caller's."""

import pytest

from relay.web.crowd import neighbourhood


@pytest.mark.parametrize(
    ("one", "another", "are_one"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "", True),
    ],
)
def test_an_address_of_ipv6_is_its_network(one: str, another: str, are_one: bool) -> None:
    """Who has one has 2⁶⁴ of them."""
    assert are_one == (neighbourhood(one) == neighbourhood(another))
