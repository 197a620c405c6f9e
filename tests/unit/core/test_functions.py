"""The functions that our expressions have beside JMESPath's: exact, repeatable, and clear where they refuse."""

import os
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import ExpressionFailed, ExpressionInvalid
from relay.expressions import compile_expression
from relay.expressions.functions import FUNCTIONS, Example
from relay.expressions.money import CODES, SIGNS, UNCERTAIN, money
from relay.expressions.times import iso8601

EXAMPLES = [example for function in FUNCTIONS.values() for example in function.examples]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.text)
def test_an_example_of_the_reference_is_true(example: Example) -> None:
    """Who copies it gets what it says."""
    assert example.result == compile_expression(example.text)({})


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("$93.50", "93.50", "USD"),
        ("1.234,56 €", "1234.56", "EUR"),
        ("CHF 1'234.50", "1234.50", "CHF"),
        ("CHF 1\u2019234.50", "1234.50", "CHF"),
        ("Fr. 5.50", "5.50", "CHF"),
        ("Fr.5.50", "5.50", "CHF"),
        ("-1.200,00 EUR", "-1200.00", "EUR"),
        ("\u22121.200,00 EUR", "-1200.00", "EUR"),
        ("¥1,200", "1200", "JPY"),
        ("¥1,200.00 CNY", "1200.00", "CNY"),
        ("1\u202f234,56\u00a0€", "1234.56", "EUR"),
        ("US$ 5", "5", "USD"),
        ("R$ 1.234,50", "1234.50", "BRL"),
        ("$5 CAD", "5", "CAD"),
        ("SEK 5 kr", "5", "SEK"),
        ("USD $93.50", "93.50", "USD"),
        ("CAD\u00a0$\u00a05", "5", "CAD"),
        ("93,50 € EUR", "93.50", "EUR"),
        ("100,- SEK", "100", "SEK"),
        ("CHF 5.–", "5", "CHF"),
        ("-1.234,— €", "-1234", "EUR"),
        ("₹1,23,456.00", "123456.00", "INR"),
        ("1,23,456.00 NPR", "123456.00", "NPR"),
        ("5.00 zł", "5.00", "PLN"),
        ("(93.50)", "-93.50", None),
        ("5.00-", "-5.00", None),
        ("$-5.00", "-5.00", "USD"),
        ("-$5.00", "-5.00", "USD"),
        ("1.234.567", "1234567", None),
        ("1,234.567", "1234.567", None),
        ("0,234", "0.234", None),
        (".50", "0.50", None),
        ("-0.00", "0.00", None),
        ("93,5 eur", "93.5", "EUR"),
        ("99999999999999999999.99", "99999999999999999999.99", None),
    ],
)
def test_an_amount_is_read_as_people_write_it(text: str, amount: str, currency: str | None) -> None:
    """Sign or code, before or after; either decimal sign; thousands parted as anywhere: digits are never touched."""
    assert {"amount": amount, "currency": currency} == money(text)


@pytest.mark.parametrize("text", ["1,234", "1.234 €", "$1,234", "KWD 1.234", "-1,234"])
def test_what_can_be_read_in_two_ways_is_refused(text: str) -> None:
    """A guess would be wrong by a factor of a thousand; who knows the vendor says which sign is the decimal one."""
    with pytest.raises(ValueError, match=r"in two ways, .* money\(TEXT, ','\)"):
        money(text)

    sign = "," if "," in text else "."
    other = "." if sign == "," else ","
    assert "1.234" == str(money(text, sign)["amount"]).lstrip("-")
    assert "1234" == str(money(text, other)["amount"]).lstrip("-")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no amount"),
        ("$", "no amount"),
        ("abc", "no amount"),
        ("1e5", "no amount"),
        ("Total: $5", "no amount"),
        ("5" * 101, "no amount"),
        ("٥", "no amount"),
        ("--5", "no amount|two signs"),
        ("-5-", "two signs"),
        ("€5 USD", "contradict"),
        ("5 kr", r"several currencies share.*replace\(TEXT, 'kr', 'NOK'\)"),
        ("5 XQX", "not known"),
        ("1,2,3", "thousands"),
        ("1,23,456", "thousands"),
        ("1.234,567.8", "thousands"),
        ("5,", "no number"),
        ("5,-5", "no amount"),
        ("CAD USD 5", "contradict"),
        ("5..0", "no number|no amount"),
        ("¥1.5", "JPY has not"),
    ],
)
def test_what_is_no_amount_is_refused_in_words_without_it(text: str, told: str) -> None:
    """The words go into a log and onto a page; the amount is somebody's."""
    with pytest.raises(ExpressionFailed, match=told) as raised:
        compile_expression("money(amount)")({"amount": text})

    assert not text or text not in str(raised.value).replace("1.234", "")
    assert str(raised.value).startswith("money(amount): money() was given ")


@given(amount=st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=0, max_value=10**12))
@pytest.mark.parametrize(("thousands", "decimal"), [(",", "."), (".", ","), ("'", "."), ("\u202f", ","), ("", ".")])
def test_an_amount_with_cents_is_exact_in_every_form(amount: Decimal, thousands: str, decimal: str) -> None:
    """Two decimals leave no doubt, whoever wrote them."""
    written = f"{amount:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)

    assert {"amount": f"{amount:.2f}", "currency": "EUR"} == money(f"{written} EUR")
    assert {"amount": f"{amount:.2f}", "currency": "USD"} == money(f"${written}")


@given(text=st.text(max_size=20) | st.from_regex(r"[-(]?[$€]?[0-9.,' ]{1,12}\)?", fullmatch=True))
def test_whatever_the_text_an_amount_is_read_or_refused(text: str) -> None:
    """No other error, and never what is no number."""
    try:
        found = money(text)["amount"]
    except ValueError:
        return
    assert Decimal(str(found)).is_finite()


@pytest.mark.parametrize(("number", "amount"), [(93.5, "93.5"), (0.1, "0.1"), (1e-7, "0.0000001"), (5, "5")])
def test_a_number_of_json_is_an_amount_as_it_stood_there(number: float, amount: str) -> None:
    """Some vendors send numbers; up to 15 digits a double tells them all apart."""
    assert {"amount": amount, "currency": None} == money(number)


def test_a_number_that_may_have_been_another_is_refused() -> None:
    """What JSON rounded is no exact amount any more."""
    with pytest.raises(ValueError, match="expected it as text"):
        money(0.1 + 0.2)


def test_every_sign_means_codes_that_there_are() -> None:
    """A slip in the table would name a currency that nobody knows."""
    assert set() == {code for codes in SIGNS.values() for code in codes.split()} - CODES - {UNCERTAIN}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1735689600000, "2025-01-01T00:00:00Z"),
        (1735689600123, "2025-01-01T00:00:00.123Z"),
        (1735689600, "2025-01-01T00:00:00Z"),
        ("1735689600", "2025-01-01T00:00:00Z"),
        ("2019-04-18T08:30:05Z", "2019-04-18T08:30:05Z"),
        ("2019-04-18T10:30:05+02:00", "2019-04-18T08:30:05Z"),
    ],
)
def test_a_time_is_read_as_vendors_write_it(value: str | int, written: str) -> None:
    """Seconds and milliseconds are told apart by their size."""
    assert written == iso8601(value)


@given(seconds=st.integers(min_value=400_000_000, max_value=7_000_000_000))
def test_seconds_and_milliseconds_are_the_same_time(seconds: int) -> None:
    """Whichever a vendor counts."""
    expected = datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")

    assert expected == iso8601(seconds) == iso8601(seconds * 1000)


@pytest.mark.parametrize(
    "text",
    [
        "iso8601('2025-01-01T00:00:00')",
        "iso8601('soon')",
        "iso8601(`1e300`)",
        "date('2025-02-30')",
        "date(`0`, '%Q')",
        "date(`0`, '%Y', 'Europe/Nowhere')",
        "date(`0`, '%Y', '../../etc/passwd')",
        "date(`0`, `1`)",
        "split('a', '')",
        "base64_decode('%%')",
        "base64_decode('/w==')",
        "lower(`1`)",
        "money(`null`)",
        "money('5', 'x')",
    ],
)
def test_what_a_function_cannot_take_fails_by_its_name(text: str) -> None:
    """The route is marked, the delivery stays; the words say what the function wants."""
    with pytest.raises((ExpressionFailed, ExpressionInvalid)):
        compile_expression(text)({})


@pytest.mark.parametrize(("day", "form", "zone"), [("2025-01-01", "%d.%m.%Y", "Europe/Paris")])
def test_a_day_is_the_same_in_every_zone(day: str, form: str, zone: str) -> None:
    """An invoice's date is no moment."""
    assert "01.01.2025" == compile_expression(f"date('{day}', '{form}', '{zone}')")({})


def test_a_zone_at_the_place_of_the_form_is_told() -> None:
    """It would be written for the day, on every invoice, and by no error."""
    with pytest.raises(ExpressionFailed, match=r"date\(TIME, FORM, ZONE\)"):
        compile_expression("date('2025-01-01T23:30:00Z', 'Europe/Paris')")({})


def test_the_cure_for_a_crown_is_one() -> None:
    """What a message tells to write works."""
    assert {"amount": "1234.50", "currency": "NOK"} == money_of("replace(amount, 'kr', 'NOK')", "kr 1\u00a0234,50")


def money_of(expression: str, amount: str) -> object:
    return compile_expression(f"money({expression})")({"amount": amount})


def test_a_uuid_is_equal_for_equal_values_only() -> None:
    """A retry must be the same request; so nothing of it may be drawn."""
    find = compile_expression("uuid([source, id])")

    assert find({"source": "a", "id": 1}) == find({"id": 1, "source": "a"})
    assert find({"source": "a", "id": 1}) != find({"source": "a", "id": "1"})


@pytest.mark.parametrize("name", ["env", "now", "random", "uuid4"])
def test_no_expression_reads_what_changes(name: str) -> None:
    """Neither the environment, which holds secrets, nor the clock, nor chance."""
    assert "HOME" in os.environ
    with pytest.raises(ExpressionInvalid, match="is no function"):
        compile_expression(f"{name}('HOME')")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("money()", "expected 1 to 2"),
        ("money(a, b, c)", "expected 1 to 2"),
        ("upper(a, b)", "expected 1"),
        ("date()", "expected 1 to 3"),
        ("mony(a)", r"did you mean money\(\)"),
    ],
)
def test_a_call_that_can_never_succeed_is_a_fault_of_the_file(text: str, told: str) -> None:
    """It is told when the configuration is read, not when the first invoice comes."""
    with pytest.raises(ExpressionInvalid, match=told):
        compile_expression(text)
