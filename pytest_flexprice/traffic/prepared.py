"""A meter's questions about stretches of a log, compiled once: compiling one takes longer than a small log's answer (DuckDB)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_flexprice.model.meters import Meter
from pytest_flexprice.traffic.dialects import Dialect
from pytest_flexprice.traffic.fetching import compiling
from pytest_flexprice.traffic.metering import Counted, Metering, asked, collected, metering
from pytest_flexprice.traffic.numbers import Rows

START, END, SIZE = 8_000_000_000_000_001, 8_000_000_000_000_002, 8_000_000_000_000_003
"""Stand in the compiled text for the bounds, in seconds, and for the size of the stretches."""


@dataclass(frozen=True)
class Prepared:
    """One meter's questions over ``[first, last)``, as SQL."""

    meter: Meter
    first: int
    last: int
    questions: Sequence[str]
    connection: Any

    def counted(self, start: int, end: int, size: int) -> dict[int, Counted]:
        """What the meter makes of each stretch of ``size`` seconds in ``[start, end)``, which lies within what it was prepared for."""
        bounds = {START: start, END: end, SIZE: size}

        def fetch(sql: str) -> list[dict[str, Any]]:
            for stands, value in bounds.items():
                sql = sql.replace(str(stands), str(value))
            answer = self.connection.raw_sql(sql)
            names = [str(column[0]) for column in answer.description]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

        return {key[0]: value for key, value in collected(self.meter, ("stretch",), self.questions, fetch).items()}

    def covers(self, start: int, end: int) -> bool:
        """Whether it was prepared for this stretch."""
        return self.first <= start and end <= self.last


def stretched(table: Rows, start: int, end: int, size: int) -> Rows:
    """The rows of ``[start, end)`` with the start of the stretch that each lies in."""
    rows = table.filter(table.second >= start, table.second < end)
    return rows.mutate(stretch=rows.second - rows.second % size)


def of_totals(rows: Rows, meter: Meter, dialect: Dialect, *, once: bool = False) -> Metering:
    """The meter as the environment's totals count: an event without the property whose values it counts has a value too (11.1)."""
    return replace(metering(rows, meter, dialect, once=once), keeps_absent=True)


def prepared(table: Rows, meter: Meter, dialect: Dialect, start: int, end: int, *, once: bool) -> Prepared:
    """The questions about a log in DuckDB; lists and objects are those of ``[start, end)``.

    ``once`` tells that no id comes twice in a day, and that stretches are no longer than one.
    """
    own = of_totals(stretched(table, start, end, 1), meter, dialect, once=once)
    connection = table.get_backend()
    rows = own.rows(stretched(table, START, END, SIZE), ["stretch"])
    questions = asked(meter, rows, ["stretch"], once=once)
    with compiling(connection):
        return Prepared(meter, start, end, [connection.compile(each) for each in questions], connection)
