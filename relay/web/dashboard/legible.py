"""Text that strangers wrote, made fit to be looked at: nothing in it hides, or turns around what stands beside it."""

import re
import unicodedata

BODY_CHARACTERS_MAX = 20_000
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_NO_TEXT = re.compile("[\ud800-\udfff]")  # bytes that are none, one by one


def legible(text: str) -> str:
    """Return a text with a visible sign for every character that would not be seen, or would reorder others."""
    return _HIDDEN.sub(_sign, text)


def shown_body(body: bytes) -> tuple[str, int]:
    """Return the beginning of a body as text, and how many of its bytes are not shown."""
    beginning = body[: BODY_CHARACTERS_MAX * 4].decode("utf-8", "surrogateescape")[:BODY_CHARACTERS_MAX]
    shown_bytes = len(beginning.encode("utf-8", "surrogateescape"))
    text = _NO_TEXT.sub("\ufffd", beginning).replace("\r\n", "\n")
    return text, len(body) - shown_bytes


def _sign(match: re.Match[str]) -> str:
    """Return the picture of a control character (ESC is ␛), and the number of any other."""
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return f"⟨{unicodedata.name(match[0], f'U+{code:04X}')}⟩"
