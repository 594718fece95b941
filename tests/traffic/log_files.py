"""A log of one event in every kind of file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pytest_flexprice.model.times import Window
from pytest_flexprice.model.traffic_plan import Traffic
from pytest_flexprice.traffic.log import Log
from pytest_flexprice.traffic.source import opened

DAY = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))


ROW = {
    "event_id": "e1",
    "event_name": " use ",
    "external_customer_id": "acct",
    "timestamp": "2026-11-20T08:00:00.5Z",
    "properties": {"n": 2.5, "kind": 'q"uote'},
}


AT = datetime(2026, 11, 20, 8, tzinfo=UTC)


def file_of(folder: Path, kind: str, rows=(ROW,)) -> str:
    path = folder / f"log.{kind}"
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if kind == "ndjson":
        path.write_text(lines, encoding="utf-8")
        return path.name
    (folder / "rows.json").write_text(lines, encoding="utf-8")
    kinds = {name: "JSON" if isinstance(value, dict) else "VARCHAR" for name, value in rows[0].items()}
    source = f"read_json('{folder}/rows.json', format='newline_delimited', columns={kinds})"
    duckdb.sql(f"COPY (SELECT * FROM {source}) TO '{path}'")
    return path.name


def events_of(folder, most=10, variable=lambda name: None, **given):
    with opened(Traffic(**given), folder, variable) as log:
        return Log(log).events(DAY, most)
