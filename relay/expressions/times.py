"""Times as vendors write them: ISO 8601, or seconds or milliseconds since 1970."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MILLISECONDS_FROM = 100_000_000_000  # as seconds it would be the year 5138; as milliseconds it is 1973
_NUMBER = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,9})?")
_FORMATS = frozenset("YmdHMSyjVGuabABpIf%")


def iso8601(value: str | float) -> str:
    """Write a time as `2026-07-01T12:00:00Z`, with milliseconds where it has some. Errors: ValueError."""
    moment = _moment(value).astimezone(UTC)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def formatted(value: str | float, form: str = "%Y-%m-%d", zone: str = "UTC") -> str:
    """Write a time's day or hour in a zone, in a form of `strftime`. Errors: ValueError."""
    _check_form(form)
    if (day := _day(value)) is not None:
        return day.strftime(form)
    try:
        return _moment(value).astimezone(ZoneInfo(zone)).strftime(form)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if isinstance(error, ValueError) and not isinstance(error, ZoneInfoNotFoundError):
            raise
        raise ValueError("a time zone that is not known: expected a name such as 'Europe/Paris'") from error


def _check_form(form: str) -> None:
    if "%" not in form:  # most likely a zone, at the place of the form: it would stand there for the day
        raise ValueError("a form without any part of a time: expected date(TIME, FORM, ZONE), with '%Y-%m-%d' for FORM")
    for letter in re.findall(r"%(.?)", form.replace("%%", "")):
        if letter not in _FORMATS:
            raise ValueError("a form that is not known: expected one such as '%Y-%m-%d' or '%d.%m.%Y %H:%M'")


def _day(value: str | float) -> date | None:
    """Return a date that is written without a time, which is the same day in every zone."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return None
    return _parsed(value).date()


def _moment(value: str | float) -> datetime:
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        moment = _parsed(value.strip())
        if moment.tzinfo is None:
            raise ValueError("a time without a zone: expected one that ends in Z, or in an offset such as +02:00")
        return moment
    number = float(value)
    try:
        return datetime.fromtimestamp(number / 1000 if abs(number) >= _MILLISECONDS_FROM else number, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError("a number that is no time: expected seconds or milliseconds since 1970") from error


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("what is no time: expected ISO 8601, or seconds or milliseconds since 1970") from error
