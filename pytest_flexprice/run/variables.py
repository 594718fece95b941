"""``.env.<name>``: where a run's keys may lie beside the plan. It is bounded, and not for others to read."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from pytest_flexprice.model.bounded import LARGEST_VARIABLES, Unreadable, read_text

#: How many lines are named.
_SHOWN = 5
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_HANDED_ON = re.compile(r"[A-Z_][A-Z0-9_]*")
_REFERENCE = re.compile(r"\$\{\w+[^}]*\}")


def read(path: Path) -> Mapping[str, str | None]:
    """The variables of a file, none where there is no such file.

    Raises:
        Unreadable: it is no regular file, not small, or not UTF-8, holds lines that set no variable, or says two things of one.
    """
    try:
        text = read_text(path, "the file of variables", LARGEST_VARIABLES)
    except FileNotFoundError:
        return {}
    bindings = list(parse_stream(StringIO(text)))
    # What cannot be read may be a secret: only its line is told.
    broken = [each.original.line for each in bindings if each.error or not _sets(each)]
    if broken:
        more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        numbers = ", ".join(map(str, broken[:_SHOWN]))
        lines = f"lines {numbers}{more} set" if len(broken) > 1 else f"line {numbers} sets"
        raise Unreadable(
            f"{path}: {lines} no variable; write NAME=value, with quotes closed, or begin a comment with #."
        )
    _refuse_ambiguous(path, [each for each in bindings if each.key])
    return dotenv_values(stream=StringIO(text), interpolate=False)


def _sets(binding: Binding) -> bool:
    """Whether a line is blank or a comment, or sets a variable; other shells' syntax and the rest of a broken value do not.

    A name in capitals alone is the way of containers to hand a variable on.
    """
    if binding.key is None:
        return True
    return bool((_HANDED_ON if binding.value is None else _NAME).fullmatch(binding.key))


def _refuse_ambiguous(path: Path, bindings: list[Binding]) -> None:
    """What other readers of such files take for something else: a name set twice, and ``${NAME}`` outside single quotes.

    Raises:
        Unreadable: there is one.
    """
    seen: dict[str, Binding] = {}
    for each in bindings:
        earlier = seen.setdefault(str(each.key), each)
        if earlier.value != each.value:
            lines = f"lines {earlier.original.line} and {each.original.line}"
            raise Unreadable(f"{path}: {lines} set {each.key} to two values; keep one of them.")
        if _REFERENCE.search(each.value or "") and "'" not in each.original.string:
            raise Unreadable(
                f"{path}: line {each.original.line} refers to another variable with ${{…}}, which is not followed; "
                "write the value itself, in single quotes if the sign belongs to it."
            )


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
