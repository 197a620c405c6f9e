"""Text in columns, and how what stands in them is written."""

from collections.abc import Sequence
from datetime import timedelta

UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows under a header, each column as wide as its widest cell."""
    lines = [[title.upper() for title in header], *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def lasting(duration: timedelta) -> str:
    """Write a duration as a configuration would, in two units that follow each other: `3d4h`, `2m`, `0s`."""
    parts = []
    for unit, size in UNITS:
        count, duration = divmod(max(timedelta(), duration), size)
        parts.append(f"{count}{unit}" if count else "")
    first = next((index for index, part in enumerate(parts) if part), len(parts))
    return "".join(parts[first : first + 2]) or "0s"
