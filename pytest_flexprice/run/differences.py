"""Many findings: a readable few for the report, all of them in a file beside the evidence."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from itertools import chain

from pytest_flexprice.model.finding import Finding, plain
from pytest_flexprice.model.grouping import Told, summarise
from pytest_flexprice.run.run import Run

HEADER = ("severity", "kind", "who", "problem", "expected", "observed")


def listed(told: Iterable[Told], run: Run, name: str) -> list[Finding]:
    """Few findings one by one; of many of a kind one that counts them. All are in ``<name>-<worker>.csv`` in the evidence folder,
    redacted; there is no file when there is nothing to tell."""
    stream = iter(told)
    first = next(stream, None)
    if first is None:
        return []
    path = run.folder / f"{name}-{run.worker}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)

        def write(one: Told) -> None:
            found = one.finding
            values = (plain(found.expected), plain(found.observed))
            row = (found.severity.value, one.kind, one.subject, found.problem, *values)
            writer.writerow([run.redactor.text("" if value is None else str(value)) for value in row])

        return summarise(chain([first], stream), write, path.name)
