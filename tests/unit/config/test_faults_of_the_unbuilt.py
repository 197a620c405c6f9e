"""What the contract promises for later is told as such: nobody looks for a slip of the pen that is none."""

from collections.abc import Callable

import pytest

Faulting = Callable[..., list[str]]


def test_a_key_of_a_later_version_is_told(faults: Faulting) -> None:
    """No other key is offered in its place: it would mean something else."""
    (fault,) = faults("routes:\n  - {from: [], to: [], body: x}\n")[-1:]

    assert "relay.yaml:2:24: routes[0].body: not built in this version; leave it out" == fault


def test_only_where_a_later_version_knows_it(faults: Faulting) -> None:
    """A route's key in a retry is as unknown as any other."""
    assert [
        "relay.yaml:2:36: targets.erp.retry.body: unknown key; expected schedule, base, factor, cap, max_age, "
        "jitter, final or wait_header",
    ] == faults("targets:\n  erp: {url: 'https://e/', retry: {body: x}}\n")


@pytest.mark.parametrize("scheme", ["query", "login", "oauth2", "hmac"])
def test_a_later_way_to_log_in_is_told(faults: Faulting, scheme: str) -> None:
    """With those that there are; and nothing is said of its other keys."""
    assert [
        "relay.yaml:2:43: targets.erp.auth.scheme: not built in this version; expected bearer, basic or header"
    ] == faults(f"targets:\n  erp: {{url: 'https://e/', auth: {{scheme: {scheme}, login: x}}}}\n")
