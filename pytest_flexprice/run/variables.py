"""``.env.<name>``: where a run's keys may lie beside the plan. It is bounded, and not for others to read."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from pytest_flexprice.model.bounded import LARGEST_VARIABLES, Unreadable, read_text

#: How many lines are named.
_SHOWN = 5


def read(path: Path) -> Mapping[str, str | None]:
    """The variables of a file, none where there is no such file.

    Raises:
        Unreadable: it is no regular file, not small, or not UTF-8, or holds lines that set no variable.
    """
    try:
        text = read_text(path, "the file of variables", LARGEST_VARIABLES)
    except FileNotFoundError:
        return {}
    # What cannot be read may be a secret: only its line is told.
    broken = [str(one.original.line) for one in parse_stream(StringIO(text)) if one.error]
    if broken:
        more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        lines = f"lines {', '.join(broken[:_SHOWN])}{more} set" if len(broken) > 1 else f"line {broken[0]} sets"
        raise Unreadable(
            f"{path}: {lines} no variable; write NAME=value, with quotes closed, or begin a comment with #."
        )
    return dotenv_values(stream=StringIO(text))


def open_to_others(path: Path) -> str:
    """A sentence where others than its owner may read or change the file, else "" (also where it does not exist)."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return ""
    if not mode & 0o077:
        return ""
    doing = "change" if mode & 0o022 else "read"
    return (
        f"{path.name} holds keys and others on this machine may {doing} it (mode {mode:04o}); run chmod 600 {path.name}"
    )
