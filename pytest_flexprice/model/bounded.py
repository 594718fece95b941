"""Files, numbers and nesting have bounds: what a person writes is small, and what is not small is refused before it is read.

A file is a regular one of a sane size and UTF-8; a number has a sane number of digits; nesting has a sane depth. Whatever is beyond
ends in one sentence, not in a hang, a full memory or a ``RecursionError``.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from decimal import Decimal
from io import BufferedReader
from pathlib import Path
from typing import Any

from pytest_flexprice.model import json_words, toml_words
from pytest_flexprice.model.decimals import LARGEST_EXPONENT, MOST_DIGITS

LARGEST_PLAN = 1_000_000
LARGEST_VARIABLES = 100_000
LARGEST_CATALOG = 50_000_000
LARGEST_CUSTOMERS = 200_000_000
DEEPEST = 64
MOST_DOTS = 32

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
_UNITS = ((1_000_000, "MB"), (1_000, "kB"), (1, "bytes"))
# Texts and comments are passed over as a whole, also where their end is missing, so that each character is looked at once.
_JSON = re.compile(r'"(?:[^"\\]+|\\.)*"?|(?P<open>[\[{])|(?P<close>[\]}])|(?P<number>[0-9][0-9.eE+-]*)', re.DOTALL)
_TOML = re.compile(
    r'"""(?:[^"\\]+|\\.|"(?!""))*(?:""")?' + r"|'''(?:[^']+|'(?!''))*(?:''')?"
    r'|"(?:[^"\\\n]+|\\.)*"?' + r"|'[^'\n]*'?|#[^\n]*"
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<line>\n)|(?P<number>(?<![A-Za-z0-9_.])[0-9][0-9A-Za-z_.+-]*)|(?P<dot>\.)",
    re.DOTALL,
)


class Unreadable(ValueError):
    """A file or value is beyond its bounds; the message is one sentence that says what to correct."""


def opened(path: Path, what: str, largest: int | None = None) -> BufferedReader:
    """A regular file, open for reading; ``what`` it is, such as "the customers file", is for the sentence.

    Raises:
        FileNotFoundError: there is no such file; whoever asks knows the remedy.
        Unreadable: it is no regular file, is larger than ``largest`` bytes, or cannot be read.
    """
    try:
        # Without O_NONBLOCK a named pipe without a writer would already hang here.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise Unreadable(f"{path}: {what} cannot be read ({reason}); make it a readable file.") from None
    except ValueError:
        raise Unreadable(f"{str(path)!r}: {what} cannot have this name; name a file.") from None
    problem = _problem(os.fstat(handle), largest)
    if problem:
        os.close(handle)
        raise Unreadable(f"{path}: {what} {problem}.")
    return os.fdopen(handle, "rb")


def read_bytes(path: Path, what: str, largest: int) -> bytes:
    """What a regular file of at most ``largest`` bytes holds.

    Raises:
        FileNotFoundError, Unreadable: as for ``opened``.
    """
    with opened(path, what, largest) as file:
        content = file.read(largest + 1)
    if len(content) > largest:  # it grew meanwhile, or its file system does not tell sizes
        raise Unreadable(f"{path}: {what} {_too_large(largest)}.")
    return content


def read_text(path: Path, what: str, largest: int) -> str:
    """What a regular file of at most ``largest`` bytes holds, as UTF-8; a byte order mark at its beginning is passed over.

    Raises:
        FileNotFoundError, Unreadable: as for ``opened``; also where it is not UTF-8, with the line.
    """
    content = read_bytes(path, what, largest)
    if b"\0" in content[:4]:  # without the mark by which UTF-16 is known
        raise Unreadable(f"{path}:1: {what} is not UTF-8; save it as UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unreadable(f"{path}:{line}: {what} is not UTF-8; save it as UTF-8.") from None


def parse_toml(text: str, path: Path, what: str) -> dict[str, Any]:
    """The tables of a TOML text, its numbers exact: an int, or a ``Decimal``.

    Raises:
        Unreadable: it is not TOML, or a number, key or nesting is beyond its bounds; the sentence names the file and each such line.
    """
    _within_bounds(_TOML, text, path, what)
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        told = "; ".join(f"{f'line {line}: ' if line else ''}{words}" for line, words in toml_words.problems(text))
        raise Unreadable(f"{path}: this is not TOML: {told}.") from None


def parse_json(text: str, path: Path, what: str) -> Any:
    """The data of a JSON text, its numbers exact: an int, or a ``Decimal``.

    Raises:
        Unreadable: it is not JSON, has a name twice, or a number or nesting beyond its bounds; the sentence names file and line.
    """
    _within_bounds(_JSON, text, path, what)
    try:
        return json_words.parsed(text)
    except json_words.Mistake as mistake:
        raise Unreadable(f"{path}: {what} {mistake}.") from None


def _problem(status: os.stat_result, largest: int | None) -> str:
    kind = next((word for test, word in _KINDS if test(status.st_mode)), "")
    if kind:
        return f"is {kind}; name a regular file"
    return _too_large(largest) if largest is not None and status.st_size > largest else ""


def _too_large(largest: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if largest >= size)
    return f"is larger than {largest // size} {unit}; make it smaller"


def _within_bounds(tokens: re.Pattern[str], text: str, path: Path, what: str) -> None:
    depth = dots = 0
    for token in tokens.finditer(text):
        kind = token.lastgroup
        if kind in ("open", "close"):
            depth = max(depth + (1 if kind == "open" else -1), 0)
        elif kind == "line":
            dots = 0
        elif kind in ("dot", "number"):
            dots += token[0].count(".")
        problem = _beyond(depth, dots, token)
        if problem:
            line = text.count("\n", 0, token.start()) + 1
            raise Unreadable(f"{path}:{line}: {what} {problem}.")


def _beyond(depth: int, dots: int, token: re.Match[str]) -> str:
    if depth > DEEPEST:
        return f"is nested deeper than {DEEPEST} levels; write it flatter"
    if dots > MOST_DOTS:
        return f"has a key of more than {MOST_DOTS} parts; write it shorter"
    if token.lastgroup == "number" and _has_too_many_digits(token[0]):
        return f"holds a number of more than {MOST_DIGITS} digits, or with an exponent beyond {LARGEST_EXPONENT}; correct it"
    return ""


def _has_too_many_digits(number: str) -> bool:
    mantissa, _, exponent = number.lower().partition("e") if number[:2].lower() != "0x" else (number, "", "")
    digits = exponent.strip("+-")
    return len(mantissa) > MOST_DIGITS or (digits.isdigit() and (len(digits) > 9 or int(digits) > LARGEST_EXPONENT))
