"""The full list of differences on disk beside the evidence, as CSV for people and as Parquet for machines."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pytest_flexprice.model.decimals import words
from pytest_flexprice.model.shown import shown
from pytest_flexprice.traffic.causes import Difference
from pytest_flexprice.traffic.reconcile import Reconciled

COLUMNS = ("cause", "event_id", "event_name", "external_customer_id", "timestamp", "detail", "quantity", "meter_id")
_FORMULA = re.compile(r"[=+@\t\r-](?![0-9]+(?:\.[0-9]+)?$)")  # and no number
_SCHEMA = pa.schema([(name, pa.timestamp("us", "UTC") if name == "timestamp" else pa.string()) for name in COLUMNS])


def write(result: Reconciled, folder: Path) -> list[Path]:
    """Both lists beside ``folder``; quantities are decimal texts, times UTC. Returns what was written."""
    paths = [folder.with_name(f"{folder.name}.traffic.{kind}") for kind in ("csv", "parquet")]
    with paths[0].open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(map(_shown, _row(one, one.time.isoformat())) for one in result.differences)
    pq.write_table(_table(result.differences), paths[1])
    return paths


def _shown(value: object) -> object:
    """A cell as a spreadsheet may show it: a name that begins like a formula is a text, and nothing in it steers or breaks a line."""
    text = shown(value) if isinstance(value, str) else value
    return f"'{text}" if isinstance(text, str) and _FORMULA.match(text) else text


def _row(one: Difference, time: object) -> list[object]:
    return [
        one.cause.value, one.event_id, one.name, one.customer, time, one.detail, words(one.quantity), one.meter,
    ]  # fmt: skip


def _table(differences: Sequence[Difference]) -> pa.Table:
    rows = [dict(zip(COLUMNS, _row(one, one.time), strict=True)) for one in differences]
    return pa.Table.from_pylist(rows, _SCHEMA)
