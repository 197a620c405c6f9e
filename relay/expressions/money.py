"""Amounts as people write them, read exactly or not at all.

A separator before three last digits is the trap: `1.234` is a thousand to some and about one to others. Where neither
currency nor form decides, it is refused: a wrong guess would be wrong by a factor of a thousand, and silent.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

# ISO 4217, without funds, metals and test codes.
_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
    "CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA "
    "MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD "
    "RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX "
    "USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
_WITHOUT_DECIMALS = "BIF CLP DJF GNF JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
CODES, WITHOUT_DECIMALS = frozenset(_CODES.split()), frozenset(_WITHOUT_DECIMALS.split())

UNCERTAIN = "?"
IN_LAKHS = frozenset({"BDT", "INR", "LKR", "NPR", "PKR"})  # whose people part 1,23,456

# What a sign means alone, first, and what else it may mean beside a code.
SIGNS = {
    "$": "USD AUD BBD BMD BND BSD BZD CAD CLP COP CUP DOP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD TTD TWD UYU "
    "XCD ARS",
    "US$": "USD",
    "C$": "CAD NIO",
    "CA$": "CAD",
    "A$": "AUD",
    "AU$": "AUD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "S$": "SGD",
    "R$": "BRL",
    "NT$": "TWD",
    "MX$": "MXN",
    "€": "EUR",
    "£": "GBP EGP FKP GIP LBP SHP SSP SYP",
    "¥": "JPY CNY",
    "￥": "JPY CNY",
    "円": "JPY",
    "元": "CNY",
    "CN¥": "CNY",
    "₹": "INR",
    "₩": "KRW",
    "₽": "RUB",
    "₺": "TRY",
    "₴": "UAH",
    "₪": "ILS",
    "₫": "VND",
    "₦": "NGN",
    "₱": "PHP",
    "฿": "THB",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "Fr.": "CHF",
    "Fr": "CHF",
    "SFr.": "CHF",
    "lei": "RON",
    "kr": f"{UNCERTAIN} DKK ISK NOK SEK",
    "kr.": f"{UNCERTAIN} DKK ISK NOK SEK",
}

_SPACES = " \u00a0\u2007\u2009\u202f"
_APOSTROPHES = "'\u2019"
_NUMBER = re.compile(rf"[0-9]*(?:[.,{_APOSTROPHES}{_SPACES}][0-9]+)*")
_SIGN = rf"[^0-9.,{_SPACES}\u2212-]*"
_WHOLE = re.compile(
    rf"(?P<minus>[-\u2212]?)(?P<before>(?:[A-Za-z]{{3}}[{_SPACES}]+)?(?:S?Fr\.|kr\.|{_SIGN}))[{_SPACES}]*"
    rf"(?P<inner>[-\u2212]?)(?P<number>[0-9.,][0-9.,{_APOSTROPHES}{_SPACES}]*?)(?P<trailing>[-\u2212]?)[{_SPACES}]*"
    rf"(?P<after>(?:kr\.|{_SIGN})(?:[{_SPACES}]+[A-Za-z]{{3}})?)"
)
_DASH_FOR_CENTS = re.compile(r"(?<=[0-9])([.,])[-\u2012-\u2015\u2212](?![0-9])")
_CHARACTERS_MAX = 100
_DIGITS_MAX = 15  # of a number in JSON: so many a double holds exactly


def money(value: str | float, decimal: str | None = None) -> dict[str, str | None]:
    """Read an amount: its digits with a point, as text, and the currency's ISO 4217 code where one is named.

    decimal: `.` or `,`, where it is known. Errors: ValueError, in words that never repeat the value.
    """
    if decimal not in (None, ".", ","):
        raise ValueError("a decimal sign that is none: expected '.' or ','")
    if not isinstance(value, str):
        return {"amount": _of_number(value), "currency": None}
    text = value.strip().strip(_SPACES)
    if text.startswith("(") and text.endswith(")"):  # an accountant's minus
        text = f"-{text[1:-1].strip()}"
    if (dash := _DASH_FOR_CENTS.search(text)) is not None:  # `1.234,-`: it tells which sign is the decimal one
        text, decimal = text[: dash.start()] + text[dash.end() :], decimal or dash[1]
    match = _WHOLE.fullmatch(text) if len(text) <= _CHARACTERS_MAX else None
    if match is None:
        raise ValueError("what is no amount: expected digits, separators, one sign, and a currency at most")
    minuses = sum(bool(match[group]) for group in ("minus", "inner", "trailing"))
    if minuses > 1:
        raise ValueError("an amount with two signs")
    currency = _currency(f"{match['before']} {match['after']}".split())
    amount = _amount(match["number"].strip(_SPACES), currency, decimal)
    return {"amount": f"-{amount}" if minuses and Decimal(amount) else amount, "currency": currency}


def _of_number(value: float) -> str:
    """Write a number of JSON as it stood there. A double that may have been another number is refused."""
    exact = Decimal(repr(value))
    if not exact.is_finite() or (isinstance(value, float) and len(exact.as_tuple().digits) > _DIGITS_MAX):
        raise ValueError("a number with more digits than JSON's numbers hold exactly; expected it as text")
    return f"{exact:f}"


def _currency(named: Sequence[str]) -> str | None:
    """Return the code that signs and codes agree on."""
    if not named:
        return None
    meant = [_meanings(name) for name in named]
    common = [code for code in meant[0] if all(code in others for others in meant)]
    if not common:
        raise ValueError("currencies that contradict each other")
    if common[0] == UNCERTAIN:
        raise ValueError(
            "a sign that several currencies share: expected a code of ISO 4217, as by money(replace(TEXT, 'kr', 'NOK'))"
        )
    return common[0]


def _meanings(name: str) -> Sequence[str]:
    if name.upper() in CODES:
        return [name.upper()]
    if name not in SIGNS:
        raise ValueError("a currency that is not known: expected its sign, or its code of ISO 4217")
    return SIGNS[name].split()


def _amount(number: str, currency: str | None, decimal: str | None) -> str:
    """Write a number with a point, and without what parts its thousands."""
    if not _NUMBER.fullmatch(number) or not re.search("[0-9]", number):
        raise ValueError("separators that part no number")
    parts = re.split(rf"([.,{_APOSTROPHES}{_SPACES}])", number)
    digits, separators = parts[::2], parts[1::2]
    point = _decimal_sign(digits, separators, currency, decimal)
    fraction = digits.pop() if point else ""
    _check_thousands(digits, separators[:-1] if point else separators, currency)
    if fraction and currency in WITHOUT_DECIMALS:
        raise ValueError(f"an amount with decimals, which {currency} has not")
    whole = "".join(digits).lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole


def _decimal_sign(
    digits: Sequence[str], separators: Sequence[str], currency: str | None, decimal: str | None
) -> str | None:
    """Return the last separator, if what follows it are decimals."""
    last = separators[-1] if separators else ""
    if last not in (".", ",") or separators.count(last) > 1:
        return None
    if decimal is not None:
        return last if last == decimal else None
    is_alone = len(separators) == 1
    if not is_alone or len(digits[-1]) != 3 or digits[0] in ("", "0") or len(digits[0]) > 3:
        return last  # what parts thousands has three digits after it, and one to three before
    if currency in WITHOUT_DECIMALS:
        return None
    raise ValueError(
        "an amount that can be read in two ways, as thousands or as three decimals: "
        "say which sign is the decimal one, as money(TEXT, '.') or money(TEXT, ',')"
    )


def _check_thousands(digits: Sequence[str], separators: Sequence[str], currency: str | None) -> None:
    """Insist that thousands are parted by one sign, at the right places."""
    if not separators:
        return
    middle = (2, 3) if currency in IN_LAKHS else (3,)
    is_well_parted = (
        len(set(separators)) == 1
        and 1 <= len(digits[0]) <= 3
        and len(digits[-1]) == 3
        and all(len(group) in middle for group in digits[1:-1])
    )
    if not is_well_parted:
        raise ValueError("separators at places where no thousands end")
