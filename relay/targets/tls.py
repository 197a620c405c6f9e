"""TLS as a target's files want it: verified, always."""

import ssl

from relay.domain import TlsFiles


def context_of(files: TlsFiles) -> ssl.SSLContext:
    """Make the context for a target's connections. Errors: OSError, also for what is no certificate."""
    context = ssl.create_default_context(cafile=files.ca)
    if files.cert is not None:
        context.load_cert_chain(files.cert, files.key, password=_no_password)
    return context


def _no_password() -> str:
    """Answer in place of a person: OpenSSL would wait for one at a terminal."""
    return ""
