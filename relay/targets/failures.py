"""What went wrong with a request, in words that help at night.

They are our own, not the library's: its texts repeat the URL, and with it whatever secret its query holds.
"""

import os
import ssl

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientSSLError,
    ServerDisconnectedError,
)
from aiohttp.http_exceptions import HttpProcessingError

from relay.domain import Outcome
from relay.errors import AddressBlocked


def explain(error: Exception, timeout_s: float) -> tuple[Outcome, str]:
    """Say what an exception of aiohttp's means for an attempt: its outcome, and the reason in words."""
    match error:
        case ClientConnectorError(os_error=AddressBlocked() as blocked):
            return Outcome.BLOCKED, str(blocked)
        case TimeoutError():
            return Outcome.TIMED_OUT, f"no answer within {timeout_s:g} s"
        case ServerDisconnectedError():
            return Outcome.UNREACHABLE, "it closed the connection before it answered"
        case OSError():
            return Outcome.UNREACHABLE, _what_broke(error)
        case HttpProcessingError():
            return Outcome.UNREACHABLE, "what it answered is not HTTP"
        case _:
            return Outcome.ERRORED, f"the request could not be made ({type(error).__name__})"


def _what_broke(error: OSError) -> str:
    """Say at which stage of a connection an error came, and why."""
    match error:
        case ClientConnectorCertificateError():
            return f"its TLS certificate is not accepted: {_reason(error.certificate_error)}"
        case ClientConnectorDNSError():
            return f"its name leads to no address: {_reason(error.os_error)}"
        case ClientSSLError():
            return f"TLS failed: {_reason(error.os_error)}"
        case ClientConnectorError():
            return f"no connection: {_reason(error.os_error)}"
        case OSError(__cause__=ssl.SSLError() as cause):
            return f"TLS failed: {_reason(cause)}"
        case _:
            return f"the connection broke: {os.strerror(error.errno) if error.errno else 'closed by the target'}"


def _reason(error: Exception) -> str:
    """Return an error's own reason, without the numbers and places that libraries wrap it in."""
    match error:
        case ssl.SSLCertVerificationError(verify_message=str(words)) | ssl.SSLError(reason=str(words)):
            return words
        case ssl.SSLError():
            return "broken off"
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
        case OSError(strerror=str(text)):
            return text
        case _:
            return str(error) or "closed by the target"
