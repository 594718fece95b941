"""What a line of a sample file is that is not one event: recognised, and told with how to write it (checklist 3.1)."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple


class EventForm(NamedTuple):
    """A form that events may have: what it is called, and what becomes what; or, in place of that, what to do."""

    name: str
    mapping: str
    remedy: str = ""


def parsed(text: str) -> Any:
    """The data of a JSON text; of another one the text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def array_form(one: Any) -> EventForm | None:
    """The form of a line that is JSON and no object."""
    is_some = isinstance(one, list) and bool(one) and isinstance(one[0], dict)
    return (
        EventForm("arrays of events", "", "name the file .json, or write each event on a line of its own")
        if is_some
        else None
    )


def line_form(text: str, *, within: bool = False) -> EventForm | None:
    """A line that is no JSON but holds an object, such as one with a time and a level before it; or what else it may be.

    ``within`` says that the file begins here, or that lines before were parts of JSON: then a lone bracket is one, too.
    """
    start = text.find("{")
    inner = parsed(text[start:]) if start >= 0 else None
    if isinstance(inner, dict) and start == 0:
        return EventForm("JSON objects within a text", "the text to the object that it holds")
    if isinstance(inner, dict):
        shown = text[:start].strip()
        return EventForm(
            "lines of a log, with text before each object", f"each line to its object, without '{shown[:20]}…'"
        )
    plain = text.strip()
    if within and _BRACKET.fullmatch(plain):
        return EventForm(PRETTY[0], "", PRETTY[1])
    return next((EventForm(name, "", remedy) for pattern, name, remedy in _LINES if pattern.match(plain)), None)


PRETTY = ("lines of JSON that goes over several lines", "name the file .json")
_BRACKET = re.compile(r"[\[\]{}],?")
_LINES = tuple(
    (re.compile(pattern, re.DOTALL), name, remedy)
    for pattern, name, remedy in (
        (
            r"\{.*\}\s*,$",
            "objects with a comma behind each",
            "take the commas away; an array goes into a file named .json",
        ),
        (r"\"[^\"]*\"\s*:.*", *PRETTY),
        (r"\{.*\}\s*\{.*\}$", "several objects on one line", "write each object on a line of its own"),
        (
            r"\{\s*'|\{\s*\w+\s*:",
            "objects of a programming language, not of JSON",
            "write them by its own JSON writer, with double quotes",
        ),
        (
            r"(?:\w[\w.-]*=(?:\"[^\"]*\"|\S*)\s*){2,}$",
            "lines of key=value",
            "write each line as a JSON object of its keys",
        ),
        (r"(?://|#|--|/\*)", "comments", "take them out of the file"),
        (r"(?:curl|http|POST)\b", "commands or requests", "keep the body of each"),
        (r"(?:- )?[A-Za-z_][\w.-]*:(?:\s|$)", "YAML", "write each event as a JSON object"),
        (r"[^{}<\[\"]+(?:[,;\t|][^{}<\[]*){2,}$", "lines of CSV", "name the file .csv"),
    )
)
