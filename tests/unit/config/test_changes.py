"""What a reload would change, in words; and what is in use, without its secrets."""

import json

import pytest

from relay.config import changes, redacted
from tests.unit.config.conftest import Loading

BEFORE = """
sources:
  getaround: {preset: getaround, secret: an-older-secret-of-theirs}
  shop: {verify: none, limit: 200/1s}
targets:
  erp: {url: "https://erp.example.com/hooks?token=in-the-query", rate: 100/1m, headers: {X-Key: a-key-of-ours}}
  lake: {url: https://lake.example.com/in, retry: {base: 5s}}
routes:
  - {from: shop, to: erp}
  - {name: all, from: [shop, getaround], to: [lake], when: "type == 'a'"}
"""
SECRETS = ("of-theirs", "in-the-query", "of-ours")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("100/1m", "50/1m", "target erp: rate 100/1m → 50/1m"),
        ("100/1m", "100/60s", None),
        ("in-the-query", "another-in-the-query", "target erp: url changed"),
        ("erp.example.com", "new.example.com", "https://erp.example.com/hooks → https://new.example.com/hooks"),
        ("an-older-secret-of-theirs", "a-newer-secret-of-theirs", "source getaround: secret changed"),
        ("a-key-of-ours", "another-of-ours", "target erp: headers.X-Key changed"),
        ("base: 5s", "base: 1s, cap: 1h", "target lake: retry.base 5s → 1s, retry.cap 1h added"),
        (", limit: 200/1s", "", "source shop: limit removed"),
        ("type == 'a'", "type == 'b'", "route all: when type == 'a' → type == 'b'"),
        ("{from: shop, to: erp}", "{from: shop, to: lake}", "route shop→erp removed; route shop→lake added"),
        ("  lake:", "  pond: {url: https://pond.example.com}\n  lake:", "target pond added"),
        ("routes:", "storage: {keep: 10d}\nroutes:", "storage: keep 10d added"),
    ],
)
def test_a_change_is_told_in_words_and_no_secret_with_it(loaded: Loading, old: str, new: str, told: str | None) -> None:
    """An operator reads in one line what a reload did."""
    assert old in BEFORE
    words = "; ".join(changes(loaded(BEFORE).written, loaded(BEFORE.replace(old, new)).written))

    assert (told in words) if told else not words
    assert not any(secret in words for secret in SECRETS)


def test_what_came_from_outside_is_never_shown(loaded: Loading) -> None:
    """Whatever stands in the environment may be secret, in whatever place it is used."""
    text = BEFORE.replace("rate: 100/1m", 'rate: "${RATE}"')
    before, after = loaded(text, RATE="100/1m"), loaded(text, RATE="50/1m")

    assert ("target erp: rate changed",) == changes(before.written, after.written)


def test_an_order_of_routes_is_a_change(loaded: Loading) -> None:
    """The first route that names a target is the one that its delivery has."""
    turned = BEFORE.replace("  - {from: shop, to: erp}\n", "") + "  - {from: shop, to: erp}\n"

    assert ("routes: their order changed",) == changes(loaded(BEFORE).written, loaded(turned).written)


def test_what_is_in_use_is_shown_without_its_secrets(loaded: Loading) -> None:
    """The dashboard shows the configuration; it must not be the way to its secrets."""
    shown = json.dumps(redacted(loaded(BEFORE).written))

    assert not any(secret in shown for secret in SECRETS)
    assert "https://erp.example.com/hooks" in shown
    assert '"rate": "100/1m"' in shown
    assert '"secret": "***"' in shown
