"""What a file takes from the environment."""

from collections.abc import Callable
from pathlib import Path

import pytest

from relay.config import Config
from relay.config.interpolation import FILE_BYTES_MAX
from tests.unit.config.arrange import http_target_in

Loading = Callable[..., Config]
Faulting = Callable[..., list[str]]


def secret_of(config: Config) -> str:
    return http_target_in(config).headers["X-Key"].text()


def with_header(value: str) -> str:
    return f"targets:\n  erp:\n    url: https://erp.example.com/\n    headers:\n      X-Key: {value}\n"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("${NAME}", "value"),
        ("'${NAME}'", "value"),
        ("a-${NAME}-${OTHER_1}-z", "a-value-more-z"),
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$${NAME}"),
        ("$NAME $ {} 5$", "$NAME $ {} 5$"),
        ("${NESTED}", "${NAME}"),
        ("${UNSET:-fallback}", "fallback"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${NAME:-fallback}", "value"),
    ],
)
def test_names_are_filled_in_anywhere_in_a_value(loaded: Loading, written: str, expected: str) -> None:
    """A secret may be a part of a value; and what is filled in is not looked through again."""
    config = loaded(with_header(written), NAME="value", OTHER_1="more", NESTED="${NAME}", EMPTY="")

    assert expected == secret_of(config)


@pytest.mark.parametrize(("content", "expected"), [("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), ("a b", "a b")])
def test_a_file_is_read_without_its_last_newline(loaded: Loading, tmp_path: Path, content: str, expected: str) -> None:
    """Editors end a file with a newline, which is no part of a secret."""
    (tmp_path / "secret").write_text(content, newline="")

    assert expected == secret_of(loaded(with_header(f"${{file:{tmp_path}/secret}}")))


def test_numbers_and_truths_may_come_from_the_environment(loaded: Loading) -> None:
    """The environment holds only text."""
    config = loaded(
        "targets:\n  erp:\n    url: http://erp.example.com/\n    concurrency: ${N}\n    allow_private: ${YES}\n"
        "    retry: {factor: '${F}'}\n    timeout: ${T}\n",
        N="3",
        YES="true",
        F="1.5",
        T="2s",
    )

    target = http_target_in(config)
    assert (3, True, 1.5, 2.0) == (target.concurrency, target.allow_private, target.retry.factor, target.timeout_s)


def test_everything_missing_is_told_at_once_and_nothing_that_only_follows(faults: Faulting, tmp_path: Path) -> None:
    """A first start is one list of what to set, by name and never by value."""
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "huge").write_text("x" * (FILE_BYTES_MAX + 1))
    (tmp_path / "binary").write_bytes(b"\xff")

    assert [
        "relay.yaml:3:13: sources.shop.secret: the environment variable UNSET is not set; expected a value in it",
        "relay.yaml:3:13: sources.shop.secret: the environment variable UNSET_TOO is not set; expected a value in it",
        "relay.yaml:4:10: sources.shop.key: the environment variable EMPTY is empty; expected a value in it",
        "relay.yaml:5:13: sources.shop.window: the file no-such cannot be read: No such file or directory",
        "relay.yaml:6:15: sources.shop.max_body: the file empty is empty; expected a value in it",
        "relay.yaml:7:12: sources.shop.limit: the file huge is larger than 65536 bytes; expected a secret",
        "relay.yaml:8:11: sources.shop.type: the file binary cannot be read; expected text in UTF-8",
        "relay.yaml:9:13: sources.shop.verify: the environment variable BYTES cannot be read; expected text in UTF-8",
    ] == faults(
        "sources:\n"
        "  shop:\n"
        "    secret: ${UNSET}${UNSET_TOO}\n"
        "    key: ${EMPTY}\n"
        "    window: ${file:no-such}\n"
        "    max_body: ${file:empty}\n"
        "    limit: ${file:huge}\n"
        "    type: ${file:binary}\n"
        "    verify: ${BYTES}\n",
        EMPTY="",
        BYTES="\udcff",
    )


@pytest.mark.parametrize("written", ["${}", "${a-b}", "${1A}", "${A", "'${A} ${B'", "${ A }", "${env:A}", "${:-x}"])
def test_an_unclear_mark_is_told_but_not_repeated(faults: Faulting, written: str) -> None:
    """It may be a password with two unlucky signs in it."""
    told = "`${` stands in it alone; expected ${NAME} or ${file:/path}, or `$${` for the two signs"

    assert [f"relay.yaml:5:14: targets.erp.headers.X-Key: {told}"] == faults(with_header(written), A="a")
