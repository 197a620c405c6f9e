"""Why a fixed value is not the one: in a header, as a password, or in the URL; or an address not among those known."""

from collections.abc import Iterator, Sequence

from relay.domain import InboundRequest, Refusal, Secret, Verifier
from relay.explaining.secrets import meant
from relay.verification._wire import as_sent
from relay.verification.basic import BasicVerifier
from relay.verification.header import HeaderVerifier
from relay.verification.ip import IpVerifier
from relay.verification.token import TokenVerifier


def explain_fixed(request: InboundRequest, verifier: Verifier, refusal: Refusal) -> Iterator[str]:
    """Say what stands in the value's place, and never the value."""
    match verifier:
        case HeaderVerifier():
            yield from _of_header(request, verifier)
        case TokenVerifier() if not request.token:
            yield "the URL has no token: expected /in/SOURCE/TOKEN, or ?token=TOKEN; see `relay urls --show`"
        case TokenVerifier():
            yield from _of_value(as_sent(request.token or ""), verifier.secrets, "the token in the URL")
        case BasicVerifier() if refusal is Refusal.MISSING:
            yield "no user and password are sent: the header Authorization is not there"
        case BasicVerifier() if refusal is Refusal.MALFORMED:
            yield "the header Authorization is not of the form `Basic …`"
        case BasicVerifier():
            yield "user or password is another one"
        case IpVerifier():
            yield f"it comes from {request.remote or 'an unknown address'}, which is in none of `networks`"
        case _:
            yield "the scheme cannot say more"


def _of_header(request: InboundRequest, verifier: HeaderVerifier) -> Iterator[str]:
    known = {secret.reveal() for secret in verifier.secrets}
    if verifier.header not in request.headers:
        other = next((name for name, value in request.headers.items() if as_sent(value) in known), None)
        yield f"the header {verifier.header} is not there{f'; the value stands in {other}' if other else ''}"
        return
    yield from _of_value(as_sent(request.headers[verifier.header]), verifier.secrets, f"the value of {verifier.header}")


def _of_value(sent: bytes, secrets: Sequence[Secret], place: str) -> Iterator[str]:
    for words, secret in meant(secrets, {}):
        if sent == secret.reveal():
            yield f"{place} would match, but for this: {words}"
            return
    yield f"{place} is another one"
