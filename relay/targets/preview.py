"""What a delivery would look like on the wire, every secret as `***`. Nothing is called, nobody logged in to."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from relay.clock import Clock
from relay.domain import Delivery, HttpTarget, Secret, Target
from relay.targets.addresses import endpoint
from relay.targets.auth import MASK, NO_PROOF, Proof, prover
from relay.targets.dialling import Guard
from relay.targets.errands import GuardedCaller
from relay.targets.headers import RequestHead
from relay.targets.protocol import Preview


def preview(target: Target, delivery: Delivery, clock: Clock) -> Preview:
    """Show what a target would be sent. Of one that takes no request that is the place and the body."""
    if not isinstance(target, HttpTarget):
        return Preview("", target.address, (), delivery.event.body)
    masked = replace(target, headers=_masked(target))
    head = RequestHead(masked, endpoint(target.url), _proof_of(target, clock))
    signature = MASK if target.sign_secrets else None
    lines = head.of(delivery, int(clock.now().timestamp()), signature)
    method = delivery.call.method if delivery.call else "POST"
    url = _url(target, delivery)
    if isinstance(lines, str):
        return Preview(method, url, (), delivery.event.body, lines)
    return Preview(method, url, tuple(_headers(lines)), delivery.event.body)


def _masked(target: HttpTarget) -> Mapping[str, Secret]:
    return {name: value if name in target.open_headers else Secret(MASK) for name, value in target.headers.items()}


def _proof_of(target: HttpTarget, clock: Clock) -> Proof:
    if target.auth is None:
        return NO_PROOF
    made = prover(target.auth, GuardedCaller(target, Guard(target), None, clock))
    return made.masked() if isinstance(made, Proof) else made.shown


def _url(target: HttpTarget, delivery: Delivery) -> str:
    """Return the URL without what may be secret: of the target's own query it is only said that there is one."""
    call = delivery.call
    path = target.address.rstrip("/") + call.path if call and call.path else target.address
    hides = "?" in target.url or (target.auth is not None and target.auth.scheme == "query")
    query = "&".join(filter(None, (MASK if hides else "", call.query if call else "")))
    return f"{path}?{query}" if query else path


def _headers(head: bytes) -> Iterator[tuple[str, str]]:
    for line in head.decode().split("\r\n")[1:-2]:
        name, _, value = line.partition(": ")
        yield name, value
