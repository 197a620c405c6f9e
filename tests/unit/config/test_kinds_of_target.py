"""Targets that are no web server: what a file says of them, and what is wrong with it."""

from collections.abc import Callable

import pytest

from relay.config import Config
from relay.config.misfits import listing
from relay.config.models.targets import KINDS
from relay.domain import Content, FileTarget, RetryPolicy
from relay.expressions import compile_expression
from relay.templates import compile_path

Loading = Callable[..., Config]
Faulting = Callable[..., list[str]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_is_good(loaded: Loading, kind: str) -> None:
    """It stands in the documentation, and is copied from there."""
    target = loaded(f"targets:\n  it: {KINDS[kind].example}\n").targets["it"]

    assert ("it", kind) == (target.name, target.kind)
    assert target.address


def test_what_is_said_of_a_folder_is_taken(loaded: Loading) -> None:
    """The contract's own example; and no status of HTTP's ends its deliveries."""
    path = "archive/{source}/{remote_id}/{id}"
    config = loaded(
        f"targets:\n  a: {{kind: file, path: '{path}', content: invoice.data, decode: base64, timeout: 1m}}\n"
    )

    assert (
        FileTarget(
            "a",
            timeout_s=60.0,
            retry=RetryPolicy(final=frozenset()),
            path=compile_path(path),
            content=Content(compile_expression("invoice.data"), is_base64=True),
        )
        == config.targets["a"]
    )


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ("kind: file", "2:3: targets.a.path: missing; expected a value such as archive/{source}/{id}.json"),
        ("kind: file, path: 5", "2:25: targets.a.path: expected text, in quotes, found 5"),
        (
            "kind: file, path: '../{id}'",
            "2:25: targets.a.path: not a template: '../{id}' climbs with `..`: expected a path that only descends",
        ),
        (
            "kind: file, path: '{id'",
            "2:25: targets.a.path: not a template: '{id': the `{` at column 1 is never closed",
        ),
        (
            "kind: file, path: x, decode: base46",
            '2:36: targets.a.decode: expected base64, found "base46"; did you mean `base64`?',
        ),
        (
            "kind: file, path: x, url: 'https://e/'",
            "2:28: targets.a.url: unknown key; expected kind, path, content, decode, timeout, concurrency, rate, "
            "order_by, retry or breaker",
        ),
        (
            "kind: file, path: x, retry: {final: [410]}",
            "2:36: targets.a.retry.final: unknown key; expected schedule, base, factor, cap, max_age or jitter",
        ),
        (
            "kind: fle, path: x",
            f'2:13: targets.a.kind: expected a kind: {listing(KINDS)}, found "fle"; did you mean `file`?',
        ),
    ],
)
def test_a_fault_of_a_kind_is_told(faults: Faulting, settings: str, fault: str) -> None:
    """As of every target: where, what is wrong, what is expected, and nothing that does not belong to the kind."""
    assert [f"relay.yaml:{fault}"] == faults(f"targets:\n  a: {{{settings}}}\n")
