"""What every scheme does with a request: read one header, compare with secrets. All on bytes, as they came."""

from collections.abc import Iterable
from hmac import compare_digest

from relay.domain import InboundRequest, Refusal, Secret
from relay.errors import SecretInvalid


def as_sent(text: str) -> bytes:
    """Return the bytes that a header or a URL came as.

    The server decodes them as UTF-8 with `surrogateescape`; a surrogate made in any other way cannot have come
    over a wire, and only has to be unlike everything that can.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def only_header(request: InboundRequest, name: str) -> str | Refusal:
    """Return the one header of that name. Two are refused: nobody can say which of them was meant."""
    values = request.headers.getall(name, None)
    if values is None:
        return Refusal.MISSING
    return values[0] if len(values) == 1 and values[0] else Refusal.MALFORMED


def header_values(request: InboundRequest, name: str, numbered: int | None) -> list[str] | Refusal:
    """Return every header of that name, or of `NAME-1`, `NAME-2` … up to a number, where the scheme defines several."""
    if numbered is None:
        values = request.headers.getall(name, [])
    else:
        values = []
        for number in range(1, numbered + 1):
            value = only_header(request, f"{name}-{number}")
            if value is Refusal.MISSING:
                break
            if isinstance(value, Refusal):
                return value
            values.append(value)
    return list(values) if values else Refusal.MISSING


def refuse_unlike(secrets: Iterable[Secret], claimed: bytes) -> Refusal | None:
    """Compare with every secret, in a time that does not tell which one came close."""
    matches = [compare_digest(secret.reveal(), claimed) for secret in secrets]
    return None if any(matches) else Refusal.MISMATCH


def require_secrets(secrets: tuple[Secret, ...]) -> None:
    """Insist on something to compare with: nobody may come in by knowing nothing. Errors: SecretInvalid."""
    if not secrets:
        raise SecretInvalid("this scheme needs a secret")
    if any(not secret.reveal().strip() for secret in secrets):
        raise SecretInvalid("a secret is empty or blank")
