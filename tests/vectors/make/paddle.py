"""Paddle's requests, signed and verified by its Python SDK, with a second signature as while a secret is replaced.

That SDK installs a package `tests`, which hides this project's: take it away first.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from paddle_billing.Notifications import Secret, Verifier
from paddle_billing.Notifications.PaddleSignature import PaddleSignature

from tests.vectors.make.vectors import NOW_S, SECRET, of_package, write

SDK = of_package("paddle-python-sdk")


@dataclass
class Request:
    """What the SDK reads of a framework's request."""

    body: bytes
    headers: Mapping[str, str]


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = PaddleSignature.calculate_hmac(SECRET, f"{NOW_S}:{body.decode()}".encode()).hexdigest()
    return {"Paddle-Signature": f"ts={NOW_S};h1={'0' * 64};h1={signature}"}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return Verifier().verify(Request(body, headers), Secret(SECRET), verify_time_drift=False)


write("paddle", SDK, sign, judge=(SDK, accepts))
