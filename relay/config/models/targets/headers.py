"""Headers that a file may set on a delivery."""

from typing import Annotated

from pydantic import AfterValidator

from relay.config.misfits import Expected
from relay.config.models.fields import HeaderName

AUTHORIZATION = "authorization"
# Of one connection, of a message's framing, or set by the relay itself. Sources: RFC 9110, 7.6.1; RFC 9112, 6.
OURS = {
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
}
OUR_PREFIXES = ("proxy-", "webhook-", "x-relay-")
NEVER_STORED = {AUTHORIZATION, "cookie"}


def _own(name: str) -> str:
    if name.lower() in OURS or name.lower().startswith(OUR_PREFIXES):
        raise Expected("a header that the relay does not set itself")
    return name


def _kept(name: str) -> str:
    if name.lower() in NEVER_STORED:
        raise Expected("a header that is kept: credentials never are; `auth` gives a target its own")
    return name


SetHeader = Annotated[HeaderName, AfterValidator(_own)]
PassedHeader = Annotated[SetHeader, AfterValidator(_kept)]
