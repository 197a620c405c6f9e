"""What the contract promises for later is told as such: nobody looks for a slip of the pen that is none."""

from collections.abc import Callable

import pytest

Faulting = Callable[..., list[str]]


@pytest.mark.parametrize("key", ["path", "content", "decode"])
def test_a_key_of_a_later_version_is_told(faults: Faulting, key: str) -> None:
    """No other key is offered in its place: it would mean something else."""
    assert [f"relay.yaml:2:28: targets.erp.{key}: not built in this version; leave it out"] == faults(
        f"targets:\n  erp: {{url: 'https://e/', {key}: x}}\n"
    )


def test_a_target_of_another_kind_misses_no_url(faults: Faulting) -> None:
    """The contract's own example of a file target: its kind is the fault, and that it has no URL is none."""
    told = "not built in this version; leave it out"

    assert [
        f"relay.yaml:2:13: targets.archive.kind: {told}",
        f"relay.yaml:2:25: targets.archive.path: {told}",
        f"relay.yaml:2:47: targets.archive.content: {told}",
        f"relay.yaml:2:70: targets.archive.decode: {told}",
    ] == faults("targets:\n  archive: {kind: file, path: 'archive/{id}', content: invoice.data, decode: base64}\n")


def test_only_where_a_later_version_knows_it(faults: Faulting) -> None:
    """A target's key in a retry is as unknown as any other."""
    assert [
        "relay.yaml:2:36: targets.erp.retry.kind: unknown key; expected schedule, base, factor, cap, max_age, "
        "jitter, final or wait_header",
    ] == faults("targets:\n  erp: {url: 'https://e/', retry: {kind: file}}\n")


@pytest.mark.parametrize("scheme", ["query", "login", "oauth2", "hmac"])
def test_a_later_way_to_log_in_is_told(faults: Faulting, scheme: str) -> None:
    """With those that there are; and nothing is said of its other keys."""
    assert [
        "relay.yaml:2:43: targets.erp.auth.scheme: not built in this version; expected bearer, basic or header"
    ] == faults(f"targets:\n  erp: {{url: 'https://e/', auth: {{scheme: {scheme}, login: x}}}}\n")


@pytest.mark.parametrize("verify", ["ed25519", "ecdsa", "jwt"])
@pytest.mark.parametrize("form", ["{}", "{{scheme: {}, key: x}}"])
def test_a_later_scheme_is_told(faults: Faulting, verify: str, form: str) -> None:
    """In each of the ways to write it."""
    (fault,) = faults(f"sources:\n  shop: {{verify: {form.format(verify)}}}\n")

    assert fault.endswith(
        "not built in this version; expected hmac, standard-webhooks, header, basic, token, ip or none"
    )
