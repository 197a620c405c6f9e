"""What a target repeats of our secrets is not shown: an answer may hold the whole URL that was called."""

from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = b"***"
TAIL_BYTES_MIN = 4  # a shorter beginning of a secret at the end of an excerpt says nothing
SECRET_CHARACTERS_MIN = 4  # a shorter one would mask half of what was said


def concealed(excerpt: bytes, secrets: Iterable[str]) -> bytes:
    """Return an answer's beginning without secrets, and without what may be the beginning of one at its end."""
    for secret in secrets:
        if len(secret) < SECRET_CHARACTERS_MIN:
            continue
        for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
            excerpt = _without(excerpt, form.encode())
    return excerpt


def _without(excerpt: bytes, secret: bytes) -> bytes:
    excerpt = excerpt.replace(secret, MASK)
    for length in range(min(len(secret) - 1, len(excerpt)), TAIL_BYTES_MIN - 1, -1):
        if excerpt.endswith(secret[:length]):
            return excerpt[:-length] + MASK
    return excerpt
