"""Strangers' text, made fit to be looked at."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from relay.web.dashboard.legible import BODY_CHARACTERS_MAX, legible, shown_body


def test_what_would_hide_or_turn_text_around_is_shown_by_a_sign() -> None:
    """ANSI, NUL, right-to-left and zero-width marks, and the byte order mark."""
    assert "␛[31mred␀" == legible("\x1b[31mred\0")
    assert "⟨RIGHT-TO-LEFT OVERRIDE⟩fdp.exe" == legible("\u202efdp.exe")
    assert "a⟨ZERO WIDTH SPACE⟩b⟨U+0085⟩" == legible("a\u200bb\x85")


def test_what_people_write_stays_as_it_is() -> None:
    """Any script, line breaks and tabs."""
    text = "Größe\t5 m²\nשלום 你好 🙂"
    assert text == legible(text)


@given(st.text())
def test_nothing_unseen_is_left(text: str) -> None:
    """No control character but tab and line feed, and nothing that sets a direction."""
    left = set(legible(text)) - set("\t\n")

    assert not [char for char in left if unicodedata.category(char) == "Cc" or char in "\u202a\u202b\u202d\u202e"]


@given(st.binary(max_size=200).filter(lambda body: b"\xef\xbf\xbd" not in body))
def test_a_short_body_is_shown_whole(body: bytes) -> None:
    """Whatever its bytes are."""
    shown, hidden_bytes = shown_body(body)

    assert 0 == hidden_bytes
    assert body.decode("utf-8", "ignore").replace("\r\n", "\n") == shown.replace("\ufffd", "")


def test_of_a_long_body_only_its_beginning_is_shown() -> None:
    """And how much is behind it is told."""
    assert ("x" * BODY_CHARACTERS_MAX, 5) == shown_body(b"x" * (BODY_CHARACTERS_MAX + 5))
    assert ("\ufffd" * BODY_CHARACTERS_MAX, 7) == shown_body(b"\xff" * (BODY_CHARACTERS_MAX + 7))
