"""Short texts: durations, sizes, rates, times, cursors, `Retry-After`, expressions, templates and paths.

The first line says what the rest is read as. What is written and read again is what it was.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping

import click

from relay.cli.filters import read_moment, read_words
from relay.config.misfits import Misfit
from relay.config.units import parse_duration, parse_rate, parse_size, told_duration, told_rate
from relay.errors import ExpressionFailed, ExpressionInvalid
from relay.expressions import compile_expression, compile_term
from relay.identity import parse
from relay.request_path import PATH_CHARACTERS_MAX, compile_request_path
from relay.retry import RETRY_AFTER_S_MAX, retry_after_s
from relay.templates import SEGMENT_BYTES_MAX, compile_path, compile_template
from relay.verification._template import parse_template
from relay.verification._times import TimeForm, seconds_of
from relay.web.cursors import EVENT_CURSOR, NUMBER_CURSOR, cursor
from tests.contract.vendor import NOW
from tests.fuzz.harness import Harness
from tests.fuzz.inputs import chosen

SHAPED_CHARACTERS_MAX = 200  # an expression may multiply text: it is the operator's, and its cost is theirs
FORMS: tuple[TimeForm, ...] = ("seconds", "milliseconds", "iso")


def duration(text: str) -> None:
    with contextlib.suppress(Misfit):
        found = parse_duration(text)
        assert parse_duration(told_duration(found)) == found


def size(text: str) -> None:
    with contextlib.suppress(Misfit):
        assert parse_size(text) >= 0


def rate(text: str) -> None:
    with contextlib.suppress(Misfit):
        found = parse_rate(text)
        assert parse_rate(told_rate(found)) == found


def moment(text: str) -> None:
    for read in (read_moment, read_words):
        with contextlib.suppress(click.BadParameter):
            read(click.Context(click.Command("relay")), click.Option(["--since"]), text)


def retry_after(text: str) -> None:
    wait_s = retry_after_s(text, NOW)
    assert wait_s is None or 0 <= wait_s <= RETRY_AFTER_S_MAX


def signed_time(text: str) -> None:
    for form in FORMS:
        found = seconds_of(text, form)
        assert found is None or math.isfinite(found)


def place(text: str) -> None:
    for kind in (EVENT_CURSOR, NUMBER_CURSOR):
        try:
            found = kind.read(text)
        except ValueError:
            continue
        assert kind.read(str(cursor(found))) == found


def covered(text: str) -> None:
    with contextlib.suppress(ExpressionInvalid):
        assert parse_template(text.encode("utf-8", "replace").decode())  # a file holds no half characters


def term(text: str) -> None:
    with contextlib.suppress(ExpressionInvalid):
        compile_term(text)


def expression(text: str) -> None:
    """Evaluate what stands in the first line over what stands after it."""
    written, _, document = text[:8192].partition("\n")
    with contextlib.suppress(ExpressionInvalid, ExpressionFailed):
        compile_expression(written[:SHAPED_CHARACTERS_MAX])(parse(document.encode("utf-8", "replace")).value)


def filled(text: str) -> None:
    written, _, document = text.partition("\n")
    with contextlib.suppress(ExpressionInvalid, ExpressionFailed):
        compile_template(written[:SHAPED_CHARACTERS_MAX])(parse(document.encode("utf-8", "replace")).value)


def file_path(text: str) -> None:
    """Whatever a value holds, it is one plain name."""
    written, _, value = text.partition("\n")
    with contextlib.suppress(ExpressionInvalid, ExpressionFailed):
        for segment in compile_path(written[:SHAPED_CHARACTERS_MAX])({"a": value}):
            assert segment not in {"", ".", ".."}
            assert "/" not in segment or segment == "/"
            assert "\0" not in segment
    with contextlib.suppress(ExpressionInvalid, ExpressionFailed):
        (segment,) = compile_path("{a}")({"a": value})
        assert len(segment.encode()) <= SEGMENT_BYTES_MAX + 1


def request_path(text: str) -> None:
    """Whatever a value holds, it stays within its segment."""
    written, _, value = text.partition("\n")
    with contextlib.suppress(ExpressionInvalid, ExpressionFailed):
        assert len(compile_request_path(written[:SHAPED_CHARACTERS_MAX])({"a": value})) <= PATH_CHARACTERS_MAX
    with contextlib.suppress(ExpressionFailed):
        path = compile_request_path("/x/{a}/y")({"a": value})
        assert path.count("/") == 3
        assert path.isascii()
        assert not {"?", "#", "\r", "\n"} & set(path)


KINDS: Mapping[str, tuple[Callable[[str], None], tuple[str, ...]]] = {
    "duration": (duration, ("1h30m", "250ms", "36500d", "9" * 16 + "s")),
    "size": (size, ("25MiB", "1 KB", "7")),
    "rate": (rate, ("100/1m", "5/s", "1/250ms")),
    "moment": (moment, ("2h", "2026-07-01T12:00:00Z", "0001-01-01T00:00:00+23:59")),
    "retry_after": (
        retry_after,
        ("120", "1.5", "1782907200", "Wed, 01 Jul 2026 12:00:00 GMT", "Wednesday, 01-Jul-26 12:00:00 GMT", "9" * 40),
    ),
    "signed_time": (signed_time, ("1782907200", "1782907200000", "2026-07-01T12:00:00.5+02:00")),
    "place": (place, (str(cursor("evt_0123456789abcdef")), str(cursor(12)))),
    "covered": (covered, ("{id}.{timestamp}.{body}", "v0:{timestamp}:{body}", "{body.a.b}{{", "{method}{url}")),
    "term": (term, ("header:X-Id", "header:X-Id || body", "[type, id]", "a[" + "9" * 5000 + "]")),
    "expression": (
        expression,
        (
            'items[?amount > `10`].{a: money(price)}\n{"items":[{"amount":11,"price":"1.234,56 €"}]}',
            "date(at, '%d.%m.%Y', 'Europe/Paris')\n{\"at\":1735689600000}",
            'iso8601(at)\n{"at":"2025-01-01T01:00:00+01:00"}',
            'uuid(@)\n{"a":[1,2.5,null]}',
            'sort_by(@, &a)[0:2:1].join(\'-\', b) | [0]\n[{"a":1,"b":["x"]}]',
        ),
    ),
    "filled": (filled, ('{source}-{invoice.id}.pdf\n{"source":"a","invoice":{"id":1}}', "{{a}}\n{}")),
    "file_path": (file_path, ("out/{a}/b.pdf\n../../etc/passwd", "/x/{a}.txt\nCON", "{a}\n\u202e.")),
    "request_path": (request_path, ("/invoices/{a}/lines\n../x?y#z", "{a}\n\r\nX: 1", "/a%2e/{a}\n%2e%2e")),
}


def check(data: bytes) -> None:
    name, _, rest = data.partition(b"\n")
    read, _ = KINDS[chosen(name, tuple(KINDS))]
    read(rest.decode("utf-8", "surrogateescape"))


def seeds() -> Iterator[bytes]:
    for name, (_, texts) in KINDS.items():
        for text in texts:
            yield f"{name}\n{text}".encode()


HARNESS = Harness(check, seeds)
