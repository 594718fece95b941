"""What is wrong with a feature file that cannot be read, and which lines of one that can are not what their author meant.

A parser that lost its way complains about every line after it, so that the first complaint is the one that counts. A line below
"Scenario" that begins with no keyword is a description to Gherkin: a misspelt step is silently none.
"""

from __future__ import annotations

import re

from gherkin.dialect import DIALECTS

from pytest_flexprice.model.near_miss import distance

_AT = re.compile(r"\((\d+):\d+\):? *(.*)")
_ENGLISH = "en"
#: Words that are near a keyword and begin ordinary sentences.
_ORDINARY = frozenset(
    (
        "the",
        "they",
        "them",
        "than",
        "thin",
        "hen",
        "ten",
        "any",
        "add",
        "end",
        "ant",
        "hand",
        "land",
        "band",
        "sand",
        "bug",
        "buy",
        "bit",
        "put",
    )
)
_SHORTEST = 3


def problem(text: str, error: Exception) -> tuple[int, str]:
    """The line of the first complaint of the parser, and what to do there."""
    complaints = [match for line in str(error).splitlines() if (match := _AT.match(line.strip()))]
    number, words = (int(complaints[0][1]), complaints[0][2]) if complaints else (1, str(error).splitlines()[-1])
    lines = text.splitlines()
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    found = line or next((one.strip() for one in lines if one.strip()), "")
    return number, _cause(found, words, lines)


def _cause(line: str, words: str, lines: list[str]) -> str:
    keyword = line.partition(":")[0].strip()
    languages = [name for name in DIALECTS if keyword in DIALECTS[name]["feature"]]
    if "got" not in words and "unexpected end" not in words:
        return words
    if languages and _ENGLISH not in languages and not any("language:" in one for one in lines):
        return f"'{keyword}:' is another language; write # language: {languages[0]} into the first line"
    near = next((one for one in _heads() if ":" in line and distance(keyword.casefold(), one.casefold(), 2)), "")
    if near:
        return f"'{keyword}:' is no keyword; {near}:?"
    if keyword in _heads() and ":" not in line:
        return f"'{keyword}' has no colon behind it; {keyword}:"
    if "unexpected end" in words:
        return "it ends within a text in quotes, or before its first Feature:"
    return f"'{line}' cannot stand here; what was left open or misspelt is in this line or right above it"


def _heads() -> list[str]:
    found = DIALECTS[_ENGLISH]
    return [
        word
        for key in ("feature", "background", "scenario", "scenarioOutline", "examples", "rule")
        for word in found[key]
    ]


class Steps:
    """The keywords of steps in one language."""

    def __init__(self, language: str) -> None:
        keys = ("given", "when", "then", "and", "but")
        every = [word for key in keys for word in DIALECTS[language][key]]  # type: ignore[literal-required] # these are texts, too
        self._words = {word.strip() for word in every if len(word.strip()) >= _SHORTEST}

    def unread(self, description: str) -> list[str]:
        """The lines of a description that seem to be steps with a misspelt keyword."""
        return [line.strip() for line in description.splitlines() if self._meant(line.strip())]

    def _meant(self, line: str) -> bool:
        word = (line.split() or [""])[0].rstrip(":")
        if len(word) < _SHORTEST or word.casefold() in _ORDINARY:
            return False
        return any(
            word == one or word.casefold() == one.casefold() or distance(word.casefold(), one.casefold(), 1)
            for one in self._words
        )
