"""Whether the time of a refusal tells how much of a forged proof was right: `python -m tests.benchmarks.timing`.

Forgeries that differ from the genuine proof in their first character are timed against others that differ in their
last, many of each and in random order. Where things happen to lie in memory tells, too, and stays the same for a whole
process: so many processes do this, and what counts is the mean of their differences against how much these spread
(Student's t). Beyond 4.5 both sorts are taken to differ. A comparison that ends at the first difference, timed in the
same way, shows that the method would see it.
Source: O. Reparaz, J. Balasch, I. Verbauwhede, "Dude, is my code constant time?", DATE 2017.
"""

import gc
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from math import sqrt
from random import Random
from statistics import fmean, stdev
from time import perf_counter_ns

import orjson
from multidict import CIMultiDict

from relay.domain import InboundRequest, Refusal, Secret, Verifier
from relay.verification.basic import BasicVerifier
from relay.verification.header import HeaderVerifier
from relay.verification.hmac import HmacVerifier
from relay.verification.standard_webhooks import standard_webhooks
from relay.verification.token import TokenVerifier

PROCESSES = 20
FORGERIES = 64  # of each sort
TIMES = 150  # that each is timed
FIRST, LAST = 0, -2  # the very last of base64 does not stand for bits alone
LIMIT = 4.5
ONE = "--one"
KEPT = 0.9  # the slowest are the machine's doing
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
draw = Random()  # anew in each process
SECRET = "a-secret-of-many-characters-which-nobody-guesses-7319"

Refuse = Callable[[InboundRequest], object]
Forgeries = list[tuple[int, InboundRequest]]  # with the place of the wrong character


def main() -> int:
    """Print a table; return 1 where a time tells something."""
    if sys.argv[1:] == [ONE]:
        print(orjson.dumps({name: measured(refuse, forgeries) for name, refuse, forgeries in cases()}).decode())
        return 0
    runs = [_of_a_process() for _ in range(PROCESSES)]
    print(f"{'proof':<31}{'first wrong':>12}{'last wrong':>12}{'t':>9}")
    told = [tell(name, [run[name] for run in runs]) for name in runs[0]]
    *ours, control = told
    if abs(control) < LIMIT:
        print("the control was not seen to leak: measure again, where less else goes on")
        return 1
    return 1 if any(abs(t) > LIMIT for t in ours) else 0


def _of_a_process() -> dict[str, tuple[float, float]]:
    measuring = [sys.executable, "-m", "tests.benchmarks.timing", ONE]
    measured: dict[str, tuple[float, float]] = orjson.loads(subprocess.check_output(measuring))
    return measured


def tell(name: str, means: Sequence[tuple[float, float]]) -> float:
    """Print the means of all processes, return t of their differences."""
    differences = [first - last for first, last in means]
    t = fmean(differences) / (stdev(differences) / sqrt(len(differences)))
    first, last = (fmean(of_one) for of_one in zip(*means, strict=True))
    print(f"{name:<31}{first:>9.0f} ns{last:>9.0f} ns{t:>9.2f}")
    return t


def cases() -> Iterator[tuple[str, Refuse, Forgeries]]:
    """Yield each scheme with its forgeries; the last is the control."""
    asked = InboundRequest("POST", "https://hooks.example.com", "/in/shop", "", CIMultiDict(), b'{"id": 1}' * 20)
    verifiers: dict[str, Verifier] = {
        "hmac": HmacVerifier("X-Signature", (Secret(SECRET),)),
        "standard-webhooks": standard_webhooks((Secret(b64encode(SECRET.encode()).decode()),)),
        "header": HeaderVerifier("X-Api-Key", (Secret(SECRET),)),
        "basic": BasicVerifier((Secret(f"user:{SECRET}"),)),
        "token": TokenVerifier((Secret(SECRET),)),
    }
    for name, verifier in verifiers.items():
        forgeries = made(partial(forged, asked, verifier))
        yield name, lambda request, verifier=verifier: verifier.verify(request, NOW), forgeries  # type: ignore[misc]
    naive = made(lambda place: replace(asked, token=alter(SECRET, place)))
    yield "control: character by character", lambda request: leaks(request.token or "", SECRET), naive


def made(forge: Callable[[int], InboundRequest]) -> Forgeries:
    """Make both sorts in random order, so that they lie in memory alike."""
    places = [FIRST, LAST] * FORGERIES
    draw.shuffle(places)
    return [(place, forge(place)) for place in places]


def forged(asked: InboundRequest, verifier: Verifier, place: int) -> InboundRequest:
    """Return a request whose proof is wrong in one character of its secret part."""
    proof = verifier.sign(asked, NOW)
    if proof.token is not None:
        return replace(asked, token=alter(proof.token, place))
    name = max(proof.headers, key=lambda header: len(proof.headers[header]))
    begin, mark, secret = proof.headers[name].rpartition(" " if name == "Authorization" else ",")
    headers = CIMultiDict({**proof.headers, name: begin + mark + alter(secret, place)})
    request = replace(asked, headers=headers)
    if (refusal := verifier.verify(request, NOW)) is not Refusal.MISMATCH:
        raise ValueError(f"{name}: the forgery is {refusal}, and is never compared")
    return request


def alter(text: str, place: int) -> str:
    """Change one character, and stay within what encodes bytes."""
    index = place % len(text.rstrip("="))
    other = draw.choice([char for char in "0123456789abcdef" if char != text[index]])
    return text[:index] + other + text[index + 1 :]


def leaks(given: str, held: str) -> bool:
    """Compare as nobody should."""
    return all(one == other for one, other in zip(given, held, strict=True))


def measured(refuse: Refuse, forgeries: Forgeries) -> tuple[float, float]:
    """Return what refusing takes where the first character is wrong, and where the last is. In ns."""
    requests = [request for _, request in forgeries]
    times: list[list[int]] = [[] for _ in forgeries]
    order = list(range(len(forgeries))) * TIMES
    draw.shuffle(order)
    gc.disable()
    for number in order:  # what is done here must be alike for both sorts, to the nanosecond
        request = requests[number]
        began = perf_counter_ns()
        refuse(request)
        times[number].append(perf_counter_ns() - began)
    gc.enable()
    means = [fmean(sorted(of_one)[: int(len(of_one) * KEPT)]) for of_one in times]
    first, last = (
        fmean(mean for (place, _), mean in zip(forgeries, means, strict=True) if place == wanted)
        for wanted in (FIRST, LAST)
    )
    return first, last


if __name__ == "__main__":
    sys.exit(main())
