"""Shown data is data: what would steer a terminal, a reader's direction or a decoder is made visible instead."""

from __future__ import annotations

import re

_SIGNS = "\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb"
_STEERING = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{_SIGNS}]")
# Colours, positions and the lines that pytest itself writes over stay; titles, clipboards, bells and whatever else does not.
_BEYOND_PYTEST = re.compile(f"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f-\x9f\ud800-\udfff{_SIGNS}]|\x1b(?![\\[78])")


def shown(text: str) -> str:
    """A text with every steering character in its escaped form; line ends and tabs stay, a carriage return before one goes."""
    return _STEERING.sub(_visible, text.replace("\r\n", "\n"))


def tame(text: str) -> str:
    """What a terminal is sent: as ``shown``, but pytest's own colours and cursor movements stay."""
    return _BEYOND_PYTEST.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
