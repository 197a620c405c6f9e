"""What a secret may have been meant to be: mistakes made in copying one, told without the value."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote_to_bytes

from relay.domain import Secret

Guess = tuple[str, Secret]

PREFIXES = (b"whsec_", b"sha256=", b"Bearer ", b"whpk_")
COMMON = (b"secret", b"test", b"changeme", b"your-secret", b"YOUR_SECRET", b"webhook-secret")


def meant(secrets: Sequence[Secret], others: Mapping[str, Sequence[Secret]]) -> Iterator[Guess]:
    """Yield what may be the right secret, in words that say what is wrong with the configured one."""
    for position, secret in enumerate(secrets, 1):
        name = "the secret" if len(secrets) == 1 else f"secret {position}"
        for words, value in _variants(secret.reveal()):
            if value.strip() and value != secret.reveal():
                yield f"{name} {words}", Secret(value)
    for source, theirs in others.items():
        yield from ((f"it is signed with the secret of the source {source}", secret) for secret in theirs)
    yield from (("it is signed with a word from an example or a test, not with a secret", Secret(it)) for it in COMMON)


def _variants(value: bytes) -> Iterator[tuple[str, bytes]]:
    yield "has white space around it that does not belong to it", value.strip()
    yield "lacks the line break at its end that the vendor signs with", value + b"\n"
    yield "stands in quotes that do not belong to it", value.strip().strip(b"\"'")
    for prefix in PREFIXES:
        yield (
            f"has {prefix.decode().strip()} before it, which the vendor does not sign with",
            value.removeprefix(prefix),
        )
        yield f"lacks {prefix.decode().strip()} before it, which the vendor signs with", prefix + value
    whole = PREFIXES[0] + base64.b64encode(value)
    yield "is taken as it stands, `whsec_` and all, and not as the key that it holds in base64", whole
    yield "is percent-encoded, and must not be", unquote_to_bytes(value)
    yield "is in upper case where the vendor's is in lower case", value.lower()
    yield "is in lower case where the vendor's is in upper case", value.upper()
    yield from _decoded(value)
    yield "must be written as base64", base64.b64encode(value)
    yield "must be written as hex", value.hex().encode()


def _decoded(value: bytes) -> Iterator[tuple[str, bytes]]:
    bare = value.removeprefix(PREFIXES[0])
    for words, decode in (("hex", binascii.unhexlify), ("base64", _from_base64)):
        try:
            yield f"is the key's {words}: the vendor signs with what it stands for (`key_from: {words}`)", decode(bare)
        except (binascii.Error, ValueError):
            continue


def _from_base64(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
