"""What a target repeats of our secrets is not shown: an answer may hold the whole URL that was called."""

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

from relay.targets.exchange import EXCERPT_BYTES

MASK = b"***"
TAIL_BYTES_MIN = 4  # a shorter beginning of a secret at the end of an excerpt says nothing
SECRET_CHARACTERS_MIN = 4  # a shorter one would mask half of what was said


def concealed(excerpt: bytes, secrets: Iterable[str]) -> bytes:
    """Return an answer's beginning without secrets; where it was cut, without the beginning of one at its end."""
    if not excerpt:
        return excerpt
    is_cut = len(excerpt) >= EXCERPT_BYTES
    for secret in secrets:
        for form in _forms(secret):
            excerpt = excerpt.replace(form, MASK)
            excerpt = _without_tail(excerpt, form) if is_cut else excerpt
    return excerpt


@lru_cache(maxsize=64)
def _forms(secret: str) -> tuple[bytes, ...]:
    """Return a secret as it may be written: as it is, and in a URL."""
    if len(secret) < SECRET_CHARACTERS_MIN:
        return ()
    return tuple({form.encode() for form in (secret, quote(secret, safe=""), quote_plus(secret))})


def _without_tail(excerpt: bytes, secret: bytes) -> bytes:
    for length in range(min(len(secret) - 1, len(excerpt)), TAIL_BYTES_MIN - 1, -1):
        if excerpt.endswith(secret[:length]):
            return excerpt[:-length] + MASK
    return excerpt
