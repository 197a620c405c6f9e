"""What the contract promises for later is told as such: nobody looks for a slip of the pen that is none."""

from collections.abc import Callable

import pytest

Faulting = Callable[..., list[str]]


@pytest.mark.parametrize("scheme", ["query", "login", "oauth2", "hmac"])
def test_a_later_way_to_log_in_is_told(faults: Faulting, scheme: str) -> None:
    """With those that there are; and nothing is said of its other keys."""
    assert [
        "relay.yaml:2:43: targets.erp.auth.scheme: not built in this version; expected bearer, basic or header"
    ] == faults(f"targets:\n  erp: {{url: 'https://e/', auth: {{scheme: {scheme}, login: x}}}}\n")
