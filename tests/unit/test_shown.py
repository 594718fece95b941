"""What is shown cannot steer whoever reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model.shown import shown, tame


@given(st.text(alphabet=st.characters(), max_size=60))
def test_nothing_shown_steers_anything(text: str) -> None:
    told = shown(text)
    assert told.encode("utf-8").decode("utf-8") == told
    assert not set(told) & {chr(code) for code in (*range(9), *range(11, 32), 127, *range(128, 160))}
    assert shown(told) == told


@given(
    st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\n\täß漢🙂"), max_size=60)
)
def test_ordinary_text_stays(text: str) -> None:
    assert shown(text) == tame(text) == text


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\x00b", "a\\x00b"),
        ("\udc80", "\\udc80"),
        ("\u202eevil", "\\u202eevil"),
        ("one\r\ntwo", "one\ntwo"),
        ("100\rtotal", "100\\x0dtotal"),
        ("\x9b2J", "\\x9b2J"),
    ],
)
def test_what_steers_is_made_visible(text: str, visible: str) -> None:
    assert shown(text) == visible


def test_a_terminal_keeps_the_colours_of_pytest_and_nothing_more() -> None:
    assert tame("\x1b[31mred\x1b[0m\r") == "\x1b[31mred\x1b[0m\r"
    assert tame("\x1b]52;c;AAAA\x07\x1bPq\x1b\\") == "\\x1b]52;c;AAAA\\x07\\x1bPq\\x1b\\"
