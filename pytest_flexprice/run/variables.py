"""``.env.<name>``: where a run's keys may lie beside the plan. It is bounded, and not for others to read."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from pytest_flexprice.model.bounded import LARGEST_VARIABLES, read_text


def read(path: Path) -> Mapping[str, str | None]:
    """The variables of a file, none where there is no such file.

    Raises:
        Unreadable: it is no regular file, not small, or not UTF-8.
    """
    try:
        return dotenv_values(stream=StringIO(read_text(path, "the file of variables", LARGEST_VARIABLES)))
    except FileNotFoundError:
        return {}


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
