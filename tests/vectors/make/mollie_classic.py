"""Mollie's older requests, which nothing signs."""

from tests.vectors.make.vectors import write

write(
    "mollie-classic",
    "nobody: they are not signed",
    lambda body, headers: {},
    pairs=[
        ("the same moment", "tr", "tr", 0, True),
        ("the same id, as something has changed", "tr", "tr", 1, False),
        ("another one", "tr", "another tr", 0, False),
    ],
)
