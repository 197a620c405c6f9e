"""Templates and paths: what braces find is filled in, and leads nowhere else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import ExpressionFailed, ExpressionInvalid
from relay.templates import SEGMENT_BYTES_MAX, compile_path, compile_template


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{id}", "evt_1"),
        ("a-{id}-{invoice.number}.pdf", "a-evt_1-7.pdf"),
        ("{{{id}}}", "{evt_1}"),
        ("{invoice.{n: number}.n}", "7"),
        ("{missing}|{invoice.paid}|{invoice.amount}", "|true|1.5"),
        ("{invoice.missing || 'none'}", "none"),
    ],
)
def test_what_braces_find_is_filled_in(template: str, text: str) -> None:
    """Any JMESPath may stand in them, its own braces included; a brace is written twice."""
    data = {"id": "evt_1", "invoice": {"number": 7, "paid": True, "amount": 1.5}}

    assert text == compile_template(template)(data)


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("a{id", "'a{id': the `{` at column 2 is never closed"),
        ("a}b", "'a}b': a `}` at column 2 closes nothing"),
        ("{}", "an expression cannot be empty"),
        ("{id id}", "'id id': unexpected 'id' at column 4"),
    ],
)
def test_a_template_that_is_none_is_refused(template: str, complaint: str) -> None:
    """At the start, and with the place."""
    with pytest.raises(ExpressionInvalid) as raised:
        compile_template(template)

    assert complaint == str(raised.value)


@pytest.mark.parametrize(("value", "kind"), [([1], "a list"), ({"a": 1}, "an object")])
def test_what_is_no_text_is_not_filled_in(value: Any, kind: str) -> None:
    """Nobody means `[1]` in a subject; and the value is not told."""
    with pytest.raises(ExpressionFailed, match=f"x: finds {kind}, where text belongs"):
        compile_template("{x}")({"x": value})


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("archive/{source}/{id}.json", ("archive", "shop", "evt_1.json")),
        ("/var/lib/{id}", ("/", "var", "lib", "evt_1")),
        ("./a//b/./{id}", ("a", "b", "evt_1")),
        ("{source}-{id}/x", ("shop-evt_1", "x")),
        (".hidden/.{id}", (".hidden", ".evt_1")),
    ],
)
def test_a_path_is_split_where_the_file_says_so(path: str, segments: tuple[str, ...]) -> None:
    """What is spelled out is taken as it is."""
    assert segments == compile_path(path)({"id": "evt_1", "source": "shop"})


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("../../etc/passwd", "_._.._etc_passwd"),
        ("/etc/passwd", "_etc_passwd"),
        ("..\\..\\x", "_._.._x"),
        ("C:\\x", "C__x"),
        ("..", "_"),
        (".", "_"),
        ("", "_"),
        (None, "_"),
        ("   ", "_"),
        (".ssh", "_ssh"),
        ("a.", "a"),
        (" a b ", "a b"),
        ("a\x00b\nc", "a_b_c"),
        ("a\u202eb", "a_b"),
        ("\ud800", "_"),
        ("e\u0301", "\u00e9"),
        ("Ünïcode 漢字", "Ünïcode 漢字"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1", "_com1"),
        ("console", "console"),
        ('a<b>"c|d?e*f', "a_b__c_d_e_f"),
    ],
)
def test_a_value_stays_within_its_segment(value: object, name: str) -> None:
    """It comes from a stranger: it climbs nowhere, hides nothing, and is a plain name on every system."""
    assert ("in", name) == compile_path("in/{x}")({"x": value})


def test_values_are_judged_together_with_what_stands_beside_them() -> None:
    """Two harmless halves can make a name that is none."""
    assert ("_",) == compile_path("{a}{b}")({"a": ".", "b": "."})
    assert ("_con",) == compile_path("{a}n")({"a": "co"})


def test_long_names_are_cut_and_stay_apart() -> None:
    """The extension stays: it tells what the file is."""
    first, second = (compile_path("{x}.pdf")({"x": "ü" * 400 + end})[0] for end in ("a", "b"))

    assert first != second
    assert first.endswith(".pdf")
    assert SEGMENT_BYTES_MAX >= len(first.encode())


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("a/../b", "'a/../b' climbs with `..`: expected a path that only descends"),
        ("archive/", "'archive/' ends without a name"),
        ("", "'' ends without a name"),
        ("a\nb", "a path cannot hold a control character"),
    ],
)
def test_a_path_that_is_none_is_refused(path: str, complaint: str) -> None:
    """At the start."""
    with pytest.raises(ExpressionInvalid) as raised:
        compile_path(path)

    assert complaint == str(raised.value)


@given(st.text(), st.text())
def test_no_value_leads_out_of_a_folder(first: str, second: str) -> None:
    """Whatever it is: one plain name, that can be encoded, and is neither special nor too long."""
    root, name, last = compile_path("root/{a}/x{b}")({"a": first, "b": second})

    for segment in (name, last):
        assert "root" == root
        assert segment not in ("", ".", "..")
        assert not set("/\\\0") & set(segment)
        assert SEGMENT_BYTES_MAX >= len(segment.encode())
        assert segment.isprintable()


@pytest.mark.parametrize(("template", "reads"), [("{id}-{source}", False), ("x", False), ("{remote_id}", True)])
def test_a_template_says_whether_it_reads_the_body(template: str, reads: bool) -> None:
    """A large body is not parsed for a name that is known without it."""
    assert reads is compile_template(template).reads_body
    assert reads is compile_path(template).reads_body
