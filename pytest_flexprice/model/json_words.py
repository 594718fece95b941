"""What is wrong with JSON that cannot be read, in the words of somebody who edits it by hand (comments, a comma too many, 'quotes')."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

_SHOWN = 40
_MOST = 10
# Looked for in this order in what stands at the mistake, then in what the parser says.
_SIGNS = (
    (r"(?s)$", "it ends here, in the middle: the file is empty or was cut off"),
    (r"<{7}|={7}|>{7}", "a merge left its marks here; decide for one side and take them out"),
    (r"<", "this is a page or XML, perhaps that of a login"),
    (r"PK\x03", "this is a spreadsheet or a zip archive"),
    (r"version https://git-lfs", "this is a pointer of Git LFS, not the file itself"),
    (r"//|/\*|#", "JSON has no comments; take it out"),
    (r"'", 'texts and names stand in double quotes: "key": "text"'),
    ("[\u201c-\u201f\u2018-\u201b]", "a curly quote stands here; write it anew"),
    (r"(?i:true|false|null|none|yes|no)\b", "write true, false or null, in small letters"),
)
_MESSAGES = (
    ("Extra data", "the document ended before this; only one may be in the file"),
    ("Unterminated string", "the quote is opened here and never closed"),
    ("control character", "the quote is not closed on this line"),
    ("escape", r"in quotes \ begins an escape; write \\"),
    ("',' delimiter", "a comma, or a closing bracket, is missing before this"),
    ("':' delimiter", "a colon is missing behind the name"),
    ("property name", "a name in double quotes belongs here"),
    ("Illegal trailing comma", "a comma stands behind the last entry; take it out"),
    ("recursion", "it is nested too deep; write it flatter"),
)

# What can stand at a mistake, and what is read instead to find the next one; lines are kept.
_INSTEAD = (
    (re.compile(r"(?://|#)[^\n]*|/\*(?s:.*?)\*/"), ""),
    (re.compile(r"'([^'\"\\\n]*)'|[\u201c-\u201f]([^\"\\\n\u201c-\u201f]*)[\u201c-\u201f]"), r'"\1\2"'),
    (re.compile(r"(?i:true|false|null|none|yes|no)\b"), "null"),
    (re.compile(r",(?=\s*[\]}])"), ""),
)


class Mistake(Exception):
    """The text is not JSON, or has a name twice; the message follows what it is called, and says the lines where they are known."""


def parsed(text: str) -> Any:
    """The data of a JSON text, its numbers exact: an int, or a ``Decimal``.

    Raises:
        Mistake: it is not JSON, or an object has a name twice, of which all but the last would be lost; at most ten mistakes are
            told at once.
    """
    twice: dict[str, None] = {}

    def kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document = dict(pairs)
        if len(document) < len(pairs):
            twice.update(dict.fromkeys(name for name, count in Counter(name for name, _ in pairs).items() if count > 1))
        return document

    def read(document: str) -> Any:
        return json.loads(document, parse_float=Decimal, object_pairs_hook=kept)

    told: list[str] = []
    try:
        document = read(text)
    except json.JSONDecodeError as error:
        told = [
            "is not JSON: " + "; ".join(f"{_lines(lines)}: {cause}" for cause, lines in _causes(error, read).items())
        ]
    except (ValueError, RecursionError) as error:
        told = [f"is not JSON: {_of_message(str(error))}"]
    if twice:
        names = ", ".join(f"'{name[:_SHOWN]}'" for name in twice)
        told.append(f"has {names} twice in one object, of which all but the last would be lost; keep one of them")
    if told:
        raise Mistake("; and it ".join(told))
    return document


def _lines(numbers: Iterable[int]) -> str:
    listed = [str(number) for number in numbers]
    return f"line{'s' if listed[1:] else ''} {', '.join(listed)}"


def _causes(error: json.JSONDecodeError, read: Callable[[str], Any]) -> dict[str, dict[int, None]]:
    """The lines of each cause; after the first, the text is read as if those before were right."""
    told: dict[str, dict[int, None]] = {}
    guessed = 0
    for _ in range(_MOST):
        if error.lineno == guessed:  # perhaps it was no comma that was missing there
            break
        told.setdefault(_cause(error), {})[error.lineno] = None
        text = _mended(error)
        guessed = error.lineno if len(text) > len(error.doc) else 0
        try:
            if text:
                read(text)
            break
        except json.JSONDecodeError as following:
            error = following
        except (ValueError, RecursionError):
            break
    return told


def _mended(error: json.JSONDecodeError) -> str:
    """The text as if this mistake were not in it; empty where nobody knows what was meant."""
    rest = error.doc[error.pos :].lstrip()
    before = error.doc[: len(error.doc) - len(rest)]
    for pattern, instead in _INSTEAD:
        if found := pattern.match(rest):
            return before + found.expand(instead) + "\n" * found[0].count("\n") + rest[found.end() :]
    written = before.rstrip()
    gap = before[len(written) :]
    if written.endswith(",") and rest[:1] in ("]", "}"):
        return written[:-1] + gap + rest
    if "',' delimiter" in error.msg and "\n" in gap and re.match(r'["{\[\d-]', rest):
        return f"{written},{gap}{rest}"
    return ""


def _cause(error: json.JSONDecodeError) -> str:
    rest = error.doc[error.pos :].lstrip()
    if error.doc[: error.pos].rstrip().endswith(",") and rest[:1] in ("]", "}"):
        return "a comma stands behind the last entry; take it out"
    found = next((words for pattern, words in _SIGNS if re.match(pattern, rest)), "")
    return found or _of_message(error.msg)


def _of_message(message: str) -> str:
    told = next((words for part, words in _MESSAGES if part in message), "")
    return (
        told or "a text belongs in double quotes, and nothing else but numbers, true, false, null, [] and {} is a value"
    )
