"""What is wrong with TOML that cannot be read, in the words of somebody who wrote it by hand: every such line, with its cause.

The parser stops at the first mistake and tells what it expected there; what people do (curly quotes, ``True``, ``31.12.2026``, a path of
Windows) is recognised from the line. A line's value may be a secret, so that it is never shown.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

_MOST = 20
_UNCLOSED, _RUNNING = "Unclosed array", "Unterminated string"
_LONG_QUOTES = ('"""', "'''")
_AT = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)$")
_PAIR = re.compile(r"""(\s*(?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*\s*=)\s*(.*)""", re.DOTALL)
_TWICE = re.compile(r"\((.*)\)")
_DAY = re.compile(r"""["']?(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d\d)|\d{4}[./-]\d{1,2}[./-]\d{1,2})\b""")
_TIME = "a day is written 2026-12-31, without quotes"
_NUMBER = "a number is written 1000 or 10.5, without signs of thousands and without a zero before it"
_QUOTED = 'a text stands in quotes: key = "text"'
_INVISIBLE = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]"
)
_ENDED = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w.+:-]+|[\]}])\s*(;|//|,|--|\S)""")

_CURLY = re.compile("[\u201c-\u201f\u2018-\u201b\u00ab\u00bb]")
_ESCAPE = "in double quotes \\ begins an escape; write a path with /, or in single quotes"

# Looked for in this order in what the parser says.
_MESSAGES = (
    ("overwrite", "this key is there twice; keep one of them"),
    (
        "Cannot declare",
        "[{name}] is there twice; write its keys below one of them, or [[{name}]] if it is a list of tables",
    ),
    ("Invalid date", f"there is no such day or time; {_TIME}"),
    ("'\\'", _ESCAPE),
    ("hex value", _ESCAPE),
    ("escape", _ESCAPE),
)
# Looked for in this order in what the parser says, where no odd sign explains it.
_OPEN = (
    (_UNCLOSED, "the bracket is opened here and never closed"),
    (_RUNNING, "the quote is opened here and never closed"),
    ("Expected \"'", "the quote is opened here and never closed"),
    ("Illegal character '\\n'", "the quote is not closed on this line"),
)
# Looked for in this order in the line, cut.
_LINES = (
    (r"<{7}|={7}|>{7}", "a merge left its marks here; decide for one side and take them out"),
    (r"[\[{]?\s*\"[^\"]*\"\s*:", "this is JSON; write key = value below [table]"),
    (r"<(?!<)", "this is a page or XML; write key = value below [table]"),
    (r"\[\[[^\]]*\](?!\])", "two brackets at the beginning need two at the end: [[events]]"),
    (r"\[[^\]]*$", "the bracket is not closed"),
    (r"\[", 'a name with other signs than letters, digits, - and _ stands in quotes: [environments."my name"]'),
    (r"[\w.-]+\s*:", "a key and its value have = between them, not a colon"),
    (r"//|;", "a comment begins with #"),
    (r"[^=]*$", "a line is key = value, [table], [[list of tables]] or # comment"),
)
# Looked for in this order in what stands behind the sign of equality.
_VALUES = (
    (r"=", "one = stands between a key and its value"),
    (r"(?i:true|false|yes|no|on|off)\s*(?:#.*)?$", "write true or false, in small letters and without quotes"),
    (r"(?i:null|none|nil|undefined|n/a|-)?\s*(?:#.*)?$", "there is no value here; leave the key out where nothing is decided"),
    (r"\{[^}]*$", "a table in braces stands on one line; or write its keys below a [table] of their own"),
    (r"\{[^=]*:", "in braces, too, a key and its value have = between them, not a colon"),
    (r"\{.*,\s*\}", "the last pair in braces has no comma behind it"),
    (_DAY.pattern, _TIME),
    (r"[\d.,_' ]+(?:#.*)?$", _NUMBER),
    (r"[$€£]", _NUMBER),
    (r"[\"'](?:[^\"'])*$", "the quote is not closed on this line"),
    (r"[A-Za-z<@/~\\.*]", _QUOTED),
)  # fmt: skip
_COMPILED = [[(re.compile(pattern), words) for pattern, words in each] for each in (_LINES, _VALUES)]


def problems(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not TOML, each with what is wrong and how to write it; 0 is the end of the text."""
    return islice(_problems(text), _MOST)


def _problems(text: str) -> Iterator[tuple[int, str]]:
    lines = text.split("\n")
    last = 0
    while True:
        try:
            tomllib.loads("\n".join(lines))
        except RecursionError:
            yield 0, "it is nested too deep; write it flatter"
        except ValueError as error:
            number, message = _placed(str(error), lines)
            if number and number <= last:
                return
            line = lines[number - 1] if number else ""
            pair = _PAIR.match(line)
            yield number, (f"{pair[1].rstrip(' =').strip()}: " if pair else "") + _cause(line, message)
            # The rest is read as if this line were right; of a table's name, or an end that is missing, nobody knows what was meant.
            if pair and not _open(pair[2]):
                lines[number - 1] = "" if "overwrite" in message else f'{pair[1]} ""'
                last = number
                continue
        return


def _placed(message: str, lines: list[str]) -> tuple[int, str]:
    place = _AT.search(message)
    if place is None:
        return 0, message
    said = message[: place.start()]
    before = lines[: int(place[1]) - 1] if place[1] else lines
    next_pair = not place[1] or (len(before) < len(lines) and _PAIR.match(lines[len(before)]))
    if said == _UNCLOSED or (next_pair and _ends_in_list(before)):  # told where it begins, not where no list can go on
        return _opened(_UNCLOSED, before), _UNCLOSED
    if opener := _runs_into(before, lines[len(before)] if len(before) < len(lines) else ""):
        return opener, _RUNNING
    number = int(place[1]) if place[1] else _opened(said, lines)
    return (number if number <= len(lines) else 0), said


def _runs_into(before: list[str], line: str) -> int:
    """The line on which begins a text of several lines that only the quotes of this line's own text end; 0 where none does."""
    pair = _PAIR.match(line)
    if pair and pair[2].startswith(_LONG_QUOTES):
        try:
            tomllib.loads("\n".join(before))
        except (ValueError, RecursionError) as error:
            place = _AT.search(str(error))
            return _opened(str(error)[: place.start()], before) if place and not place[1] else 0
    return 0


def _ends_in_list(lines: list[str]) -> bool:
    """Whether a bracket or two at their end would make the lines whole."""
    for missing in ("]", "]]"):
        with suppress(ValueError, RecursionError):
            tomllib.loads("\n".join([*lines, missing]))
            return True
    return False


def _opened(message: str, lines: list[str]) -> int:
    """The line on which begins what the end of the text leaves open; 0 where there is none."""
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    last = numbered[-1][1] if numbered else ""
    if quoted := re.match(r"""Expected "('+)"$""", message):
        begins = [number for number, line in numbered if quoted[1] in line]
    elif message == _RUNNING and '"""' not in last and last.count('"') % 2:
        begins = [numbered[-1][0]]
    elif message == _RUNNING:
        begins = [number for number, line in numbered if '"""' in line]
    elif message == _UNCLOSED:
        begins = [number for number, line in numbered if _PAIR.match(line)]
    else:
        begins = [number for number, _ in numbered]
    return begins[-1] if begins else 0


def _open(value: str) -> bool:
    """Whether the value may go on in the next lines, so that these are no pairs of their own."""
    return value.startswith(_LONG_QUOTES) or any(value.count(one) > value.count(other) for one, other in ("[]", "{}"))


def _cause(line: str, message: str) -> str:
    odd = _CURLY.search(line) or _INVISIBLE.search(line)
    pair = _PAIR.match(line)
    if told := next((words for part, words in _MESSAGES if part in message), ""):
        name = ".".join(re.findall(r"'([^']*)'", message))
        return told.format(name=name)
    if odd:
        what = "a curly quote" if _CURLY.match(odd[0]) else "an invisible character"
        return f"U+{ord(odd[0]):04X}, {what}, stands here; write it anew"
    if "\r" in line.rstrip("\r"):
        return "its lines end with a carriage return alone; save it with the line ends of Unix or Windows"
    if told := next((words for part, words in _OPEN if part in message), ""):
        return told
    if not pair:
        return next((words for pattern, words in _COMPILED[0] if pattern.match(line.strip())), _said(message))
    value = pair[2].strip()
    return next((words for pattern, words in _COMPILED[1] if pattern.match(value)), "") or _behind(value, message)


def _behind(value: str, message: str) -> str:
    found = _ENDED.match(value)
    if found and "Expected newline" in message:
        return f"behind a value nothing may stand but a comment with #; '{found[1]}' does"
    return _said(message)


def _said(message: str) -> str:
    """The parser's own words."""
    return f"{message[:1].lower()}{message[1:]}; correct that line"
