"""The scenarios as they are written in feature files, which is what a run's records are held against."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gherkin.parser import Parser

from pytest_flexprice.evidence import gherkin_words
from pytest_flexprice.evidence.execution import identity
from pytest_flexprice.evidence.records import ScenarioRecord
from pytest_flexprice.evidence.scenarios import home
from pytest_flexprice.model.bounded import Unreadable, read_bytes, read_text
from pytest_flexprice.model.checklist import BY_TAG, Level
from pytest_flexprice.model.shown import shown

LARGEST_FEATURE = 1_000_000
LEVEL_TAGS = {level.word: level for level in Level}


class FeatureError(Exception):
    """A feature file that must not run as it is; the message is one sentence with file, line and remedy."""


def features_folder() -> Path:
    """Where the packaged feature files lie: beside the steps, in a checkout, an editable install and a wheel."""
    spec = find_spec("pytest_flexprice.steps")
    return Path(str(spec and spec.origin)).resolve().parents[1] / "features"


@dataclass(frozen=True)
class Written:
    """A scenario as it is written: its name, line and all tags that apply to it; ``rows`` of an outline, None for others.

    ``empty`` is one without a step of its own; ``unread`` are lines that look like steps and are read as its description,
    ``steps`` the texts of its steps, a background's first.
    """

    name: str
    line: int
    tags: frozenset[str]
    rows: int | None = None
    empty: bool = False
    unread: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    @property
    def items(self) -> list[str]:
        """The checklist items that it gives evidence for."""
        return [item.id for tag, item in BY_TAG.items() if tag in self.tags]

    @property
    def level(self) -> Level:
        """The level that it needs; of several the highest."""
        return max((level for tag, level in LEVEL_TAGS.items() if tag in self.tags), default=Level.LINT)


def read_scenarios(path: Path) -> list[Written]:
    """The scenarios of a feature file, read with gherkin-official.

    Raises:
        FeatureError: the file cannot be read, or is not Gherkin.
    """
    try:
        text = read_text(path, "the feature file", LARGEST_FEATURE)
    except (Unreadable, FileNotFoundError) as error:
        raise FeatureError(str(error)) from None
    if read_bytes(path, "the feature file", LARGEST_FEATURE).startswith(codecs.BOM_UTF8):
        raise FeatureError(f"{path}:1: the feature file begins with a byte order mark; save it as UTF-8 without one")
    if odd := next((line for line in text.splitlines() if shown(line) != line), ""):
        number = text.splitlines().index(odd) + 1
        raise FeatureError(f"{path}:{number}: {odd.strip()!r} holds a sign that nothing shows; write the line anew")
    try:
        document = Parser().parse(text)
    except Exception as error:
        line, words = gherkin_words.problem(text, error)
        raise FeatureError(f"{path}:{line}: this is not Gherkin: {words}") from None
    feature = document.get("feature")
    return list(_scenarios(feature, frozenset(), gherkin_words.Steps(feature["language"]))) if feature else []


def _scenarios(node: Any, inherited: frozenset[str], steps: gherkin_words.Steps) -> Iterator[Written]:
    tags = inherited | {tag["name"].lstrip("@") for tag in node.get("tags", ())}
    before = [child["background"] for child in node.get("children", ()) if "background" in child]
    for child in node.get("children", ()):
        if "rule" in child:
            yield from _scenarios(child["rule"], tags, steps)
        if "scenario" in child:
            scenario = child["scenario"]
            own = {tag["name"].lstrip("@") for tag in scenario["tags"]}
            own |= {tag["name"].lstrip("@") for table in scenario["examples"] for tag in table["tags"]}
            texts = [scenario["name"], *(step["text"] for step in scenario["steps"])]
            outline = any("<" in text for text in texts) or bool(scenario["examples"])
            rows = sum(len(table.get("tableBody", ())) for table in scenario["examples"]) if outline else None
            unread = tuple(line for part in (*before, scenario) for line in steps.unread(part.get("description", "")))
            line = scenario["location"]["line"]
            steps_of = tuple(step["text"] for part in (*before, scenario) for step in part["steps"])
            yield Written(scenario["name"], line, tags | own, rows, not scenario["steps"], unread, steps_of)


def expected(files: Iterable[Path], root: Path, packaged: Path | None) -> list[ScenarioRecord]:
    """A record for each scenario that is written in these files, *not run*; an outline has as many as it has rows."""
    records = []
    for path in files:
        own, name = home(path, root, packaged)
        for scenario in read_scenarios(path):
            record = ScenarioRecord(
                node_id=f"{name}::{scenario.name}",
                name=scenario.name,
                items=scenario.items,
                level=scenario.level.word,
                feature_file=name,
                packaged=own,
                message=f"It is written in {name}:{scenario.line}, but was not part of this run.",
            )
            records += [record] * (1 if scenario.rows is None else scenario.rows)
    return records


def never_collected(written: Sequence[ScenarioRecord], known: Iterable[ScenarioRecord]) -> list[ScenarioRecord]:
    """Of the scenarios that are written, those that nobody collected; of an outline, as many as rows are missing."""
    seen = Counter(identity_of_outline(record) for record in {identity(each): each for each in known}.values())
    missing = []
    for record in written:
        key = identity_of_outline(record)
        if seen[key] > 0:
            seen[key] -= 1
        elif record.items:
            missing.append(record)
    return missing


def identity_of_outline(record: ScenarioRecord) -> tuple[bool, str, str]:
    """What the rows of an outline have in common."""
    return record.packaged, record.feature_file, record.name
