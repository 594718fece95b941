"""Why a sample file cannot be read: it is no file, of another kind than its name says, in another encoding, or no JSON (checklist 3.1)."""

from __future__ import annotations

import codecs
from pathlib import Path

from pytest_flexprice.model.finding import NotVerified, not_verified
from pytest_flexprice.model.json_words import Mistake, parsed
from pytest_flexprice.oracle.samples.rules import file_kind

_START = 1 << 20
_WHOLE = 20 << 20
_WITH_SLASHES = "write the path with / in the plan's samples, beginning beside the plan"


def require_readable(file: Path, name: str) -> None:
    """That a file is there, of a kind that its name tells, and text in UTF-8 where it is text.

    Raises:
        NotVerified: it is not.
    """
    if not file.is_file():
        folders = (f"it is a folder; name the files in it, such as {file.name}/*.ndjson", "")
        raise unreadable(
            name,
            *(
                folders
                if file.is_dir()
                else ("there is no such file", _WITH_SLASHES if "\\" in name else "correct the plan's samples")
            ),
        )
    if not file_kind(file.name):
        raise unreadable(
            name,
            "its name ends in none of .ndjson, .jsonl, .json, .csv and .parquet",
            "record some events as they are sent, one JSON object a line, and name that file",
        )
    try:
        problem = encoding_problem(file)
    except OSError as error:
        raise unreadable(name, f"{error.strerror}", "let this user read it") from None
    if problem:
        raise unreadable(name, problem)


def encoding_problem(path: Path) -> str:
    """What is wrong with how a text file is written, as far as its first megabyte shows; empty where nothing is."""
    with path.open("rb") as file:
        start = file.read(_START)
    for ending, sign in ((".gz", b"\x1f\x8b"), (".zst", b"\x28\xb5\x2f\xfd")):
        if (path.suffix == ending) != start.startswith(sign) and start:
            return f"it is {'not ' if path.suffix == ending else ''}compressed as {ending}; name it by what it is"
    if path.suffix in (".gz", ".zst", ".parquet"):
        return ""
    if start.startswith(b"PK\x03\x04"):
        return "it is a spreadsheet or a zip archive; save what is in it as CSV in UTF-8"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "it is UTF-16; save it as UTF-8"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError as error:
        line = start.count(b"\n", 0, error.start) + 1
        return f"line {line} is not UTF-8; save it as UTF-8"
    return ""


def json_problem(path: Path) -> str:
    """What is wrong with a JSON file of at most 20 MB, with its line; empty where nothing is."""
    if path.suffix != ".json" or path.stat().st_size > _WHOLE:
        return ""
    text = path.read_text(encoding="utf-8-sig")
    try:
        parsed(text)
    except Mistake as mistake:
        return f"it {mistake}"
    return ""


def unreadable(file: str, reason: str, remedy: str = "") -> NotVerified:
    """The exception for a sample file that cannot be read."""
    return not_verified("3.1", f"samples.{file}", f"sample file {file} cannot be read: {reason}", remedy=remedy)
