"""Durations, sizes and rates as people write them: `1h30m`, `25MiB`, `100/1m`."""

import re
from datetime import timedelta

from relay.config.misfits import Expected
from relay.domain import Rate

DURATION_PATTERN = r"([0-9]+(ms|s|m|h|d|w))+"
SIZE_PATTERN = r"[0-9]+ ?(B|KB|MB|GB|KiB|MiB|GiB)?"
RATE_PATTERN = r"[0-9]+/[0-9]*(ms|s|m|h|d|w)"

DURATION = "a duration such as 250ms, 5s, 10m, 6h, 3d or 1h30m"
SIZE = "a size such as 512KiB, 25MiB or 1GiB"
RATE = "a rate such as 100/1m or 5/s"

DURATION_MAX = timedelta(days=36500)  # a century: what is longer means "forever", and overflows dates

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DIGITS_MAX = 15  # more is a slip, and slow to read


def parse_duration(value: object) -> timedelta:
    """Read `1h30m`. Errors: Expected."""
    if not isinstance(value, str) or not re.fullmatch(DURATION_PATTERN, value):
        is_bare = isinstance(value, int) and not isinstance(value, bool)
        raise Expected(DURATION, f"{value}s" if is_bare else None)
    parts = re.findall(r"([0-9]+)([a-z]+)", value)
    if any(len(number) > _DIGITS_MAX for number, _ in parts):
        raise Expected("at most 36500d")
    milliseconds = sum(int(number) * _MILLISECONDS[unit] for number, unit in parts)
    if milliseconds > DURATION_MAX // timedelta(milliseconds=1):
        raise Expected("at most 36500d")
    return timedelta(milliseconds=milliseconds)


def parse_size(value: object) -> int:
    """Read `25MiB`, or a bare number of bytes. Errors: Expected."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = re.fullmatch(rf"([0-9]{{1,{_DIGITS_MAX}}}) ?([A-Za-z]*)", value) if isinstance(value, str) else None
    if match is None or match[2] not in _BYTES:
        raise Expected(SIZE)
    return int(match[1]) * _BYTES[match[2]]


def parse_rate(value: object) -> Rate:
    """Read `100/1m`, which is a hundred in each minute; `5/s` is `5/1s`. Errors: Expected."""
    if not isinstance(value, str) or not re.fullmatch(RATE_PATTERN, value):
        raise Expected(RATE)
    count, _, period = value.partition("/")
    if len(count) > _DIGITS_MAX:
        raise Expected(RATE)
    period_s = parse_duration(period if period[0].isdigit() else f"1{period}").total_seconds()
    if int(count) < 1 or period_s <= 0:
        raise Expected(f"{RATE}, of at least one in a time")
    return Rate(int(count), period_s)


def told_duration(duration: timedelta) -> str:
    """Write a duration as people do: `1h30m`."""
    left, words = duration // timedelta(milliseconds=1), ""
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, _MILLISECONDS[unit])
        words += f"{count}{unit}" if count else ""
    return words or "0s"


def told_rate(rate: Rate) -> str:
    """Write a rate as people do: `100/1m`."""
    return f"{rate.count}/{told_duration(timedelta(seconds=rate.per_s))}"


def lasting(duration: timedelta) -> str:
    """Write a duration as shortly as a person needs it, in two units that follow each other: `3d4h`, `2m`, `0s`."""
    left, parts = max(timedelta(), duration) // timedelta(milliseconds=1), []
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, _MILLISECONDS[unit])
        parts.append(f"{count}{unit}" if count else "")
    first = next((index for index, part in enumerate(parts) if part), len(parts))
    return "".join(parts[first : first + 2]) or "0s"
