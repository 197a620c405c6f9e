"""The time that a request was signed at, in the forms that vendors write it."""

import re
from datetime import UTC, datetime
from typing import Literal

TimeForm = Literal["seconds", "milliseconds", "iso"]

MILLISECONDS_DIGITS = 13
_NUMBER = re.compile(r"[0-9]{1,13}")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")


def seconds_of(text: str, form: TimeForm) -> float | None:
    """Read seconds since 1970, or None where it is none. Of numbers, thirteen digits are milliseconds."""
    if form != "iso":
        if not _NUMBER.fullmatch(text):
            return None
        return int(text) * (0.001 if len(text) == MILLISECONDS_DIGITS else 1)
    if not _ISO.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None


def written(now: datetime, form: TimeForm) -> str:
    """Write a time as a vendor does."""
    match form:
        case "seconds":
            return str(int(now.timestamp()))
        case "milliseconds":
            return str(int(now.timestamp() * 1000))
        case "iso":
            return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
