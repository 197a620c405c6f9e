"""Faults of form: what is not YAML, or no YAML of ours, is told with its place."""

from collections.abc import Callable

import pytest

from relay.config import Config
from relay.config.yaml import DEPTH_MAX, VALUES_MAX, parse

Faulting = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "relay.yaml:1:1: the file is empty; expected `sources`, `targets` and `routes`"),
        ("# nothing\n", "relay.yaml:1:1: the file is empty; expected `sources`, `targets` and `routes`"),
        ("- a", "relay.yaml:1:1: expected keys such as `sources:`, `targets:` and `routes:` at the top"),
        ("words", "relay.yaml:1:1: expected keys such as `sources:`, `targets:` and `routes:` at the top"),
        (b"server:\n  \xff: 1", "relay.yaml:2:3: a byte that is not UTF-8; expected text in UTF-8"),
        (b"\xef\xbb\xbfa: \xff", "relay.yaml:1:4: a byte that is not UTF-8; expected text in UTF-8"),
        ("a: \x00", "relay.yaml:1:4: a character that YAML forbids"),
        ("server:\n\tlisten: a", "relay.yaml:2:1: a tab stands here; YAML is indented with spaces"),
        (
            "a: b: c",
            "relay.yaml:1:5: expected one `key: value` on a line; a value that holds `: ` must be quoted",
        ),
        ("a: [1, 2", "relay.yaml:1:9: a bracket is never closed"),
        ("a: 'b", "relay.yaml:1:6: a quotation mark is never closed"),
        (
            "a: {b: ${SECRET}}",
            "relay.yaml:1:9: expected `,` or the closing bracket; inside brackets, ${NAME} must be quoted",
        ),
        ("a:\n  - b\n c: 1", "relay.yaml:3:2: the indentation does not match the lines above"),
        ("a: @b", "relay.yaml:1:4: a value that begins with `@` must be quoted"),
        ('a: "\\q"', "relay.yaml:1:6: `\\q` means nothing in double quotes; use single quotes, or `\\\\`"),
        ("a: 1\n---\nb: 1", "relay.yaml:2:1: expected one document; a second one begins here"),
        (
            "a: *s3cret",
            "relay.yaml:1:4: a value that begins with `*` stands for one above, and there is none so called; quote it",
        ),
        ("a: " + "[" * 1000, "relay.yaml:1:1: this cannot be read as YAML"),
    ],
)
def test_what_is_not_yaml_is_told_in_one_line(faults: Faulting, content: str | bytes, fault: str) -> None:
    """Nothing can be said of a file that cannot be read, but where and why."""
    assert [fault] == faults(content)


def test_every_repeated_key_is_told(faults: Faulting) -> None:
    """YAML lets the last one win; a person thinks that both hold."""
    assert [
        "relay.yaml:3:3: server.grace: this key is there twice, first on line 2; keep one of them",
        "relay.yaml:4:3: server.grace: this key is there twice, first on line 2; keep one of them",
        "relay.yaml:5:1: server: this key is there twice, first on line 1; keep one of them",
    ] == faults("server:\n  grace: 5s\n  grace: 6s\n  grace: 7s\nserver: {}\n")


@pytest.mark.parametrize("value", ["!s3cret", "!!binary s3cret", "!!python/object:os.system s3cret"])
def test_a_tag_means_nothing(faults: Faulting, value: str) -> None:
    """Tags make objects; and a secret that begins with `!` is one by accident, and is not repeated."""
    told = "a value that begins with `!` is a tag, and means nothing here; expected a plain value, or quotes around it"

    assert [f"relay.yaml:2:10: server.grace: {told}"] == faults(f"server:\n  grace: {value}\n")


def test_a_key_with_nothing_in_it_is_told(faults: Faulting) -> None:
    """A forgotten value never means the default."""
    assert ["relay.yaml:2:3: server.grace: nothing stands here; expected a value"] == faults("server:\n  grace:\n")


def test_an_empty_section_is_an_empty_section(loaded: Callable[..., object]) -> None:
    """Whoever comments out the last route keeps the word `routes:`."""
    loaded("sources:\ntargets:\nroutes:\n")


def test_a_key_that_is_no_word_is_told(faults: Faulting) -> None:
    """Only words can be keys here."""
    assert ["relay.yaml:1:3: expected a word as the key"] == faults("? [a]\n: 1")


def test_merge_keys_are_not_yaml_1_2(faults: Faulting) -> None:
    """They would change what a file says without a position to point at."""
    told = "relay.yaml:1:10: server.<<: merge keys are not part of YAML 1.2; write the keys out"

    assert [told] == faults("server: {<<: {grace: 5s}}")


def test_half_a_character_is_told(faults: Faulting) -> None:
    """A lone surrogate has no bytes, and could neither be sent nor compared."""
    told = "half of a character stands here, as `\\u` escapes make it; expected whole ones"

    assert [f"relay.yaml:1:1: {told}", f"relay.yaml:2:17: server.grace: {told}"] == faults(
        '"\\ud800": 1\nserver: {grace: "\\ud800"}'
    )


def test_an_alias_inside_of_itself_is_told(faults: Faulting) -> None:
    """It would never end."""
    told = "relay.yaml:1:9: routes[0]: an alias stands inside of what it repeats"

    assert [told] == faults("routes: &all [*all]")


def test_aliases_repeat_what_they_name(loaded: Callable[..., Config]) -> None:
    """Anchors are YAML; setting one anew is, too."""
    config = loaded("server: {listen: &at 'localhost:1'}\nadmin: {listen: &at 'localhost:2', tokens: []}\n")

    assert "localhost:2" == str(config.admin.listen)


def test_aliases_of_aliases_are_bounded(faults: Faulting) -> None:
    """Ten lines can stand for a billion values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    assert [f"relay.yaml:1:37: the file holds more than {VALUES_MAX} values"] == faults("\n".join(lines))


def test_depth_is_bounded(faults: Faulting) -> None:
    """No setting is that deep, and reading takes stack."""
    path = "server" + "".join(["[0]"] * DEPTH_MAX)

    told = faults(f"server: {'[' * (DEPTH_MAX + 5)}{']' * (DEPTH_MAX + 5)}")

    assert f"relay.yaml:1:{9 + DEPTH_MAX}: {path}: nested more than {DEPTH_MAX} levels deep" in told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("12", 12),
        ("-3", -3),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("9" * 30, 1e30),
    ],
)
def test_plain_values_are_those_of_the_core_schema(text: str, expected: object) -> None:
    """YAML 1.1 took a country for a truth and a time for a number."""
    assert expected == parse(f"a: {text}".encode(), "relay.yaml").data["a"]
