"""A meter's questions about a log in DuckDB, compiled once for all meters of one shape: that takes longer than a small log's answers.

Names, properties and values stand in the compiled text as stand-ins, and so do bounds; what is asked is filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ibis
import ibis.expr.operations as ops
import pyarrow as pa

from pytest_flexprice.model.meters import Filter, Meter
from pytest_flexprice.traffic.dialects import dialect, pointed
from pytest_flexprice.traffic.fetching import compiling
from pytest_flexprice.traffic.metering import Counted, Metering, asked, collected, compound_rows, keys_of, printed_forms
from pytest_flexprice.traffic.numbers import Rows

START, END, SIZE = 8_000_000_000_000_001, 8_000_000_000_000_002, 8_000_000_000_000_003
"""Stand in the compiled text for the bounds, in seconds, and for the size of the stretches."""
BOUNDS = {"customer": "string", "start": "int64", "end": "int64", "owner": "string"}
_BOUNDS = "flexprice_bounds"
_COMPILED: dict[Hashable, list[str]] = {}
_MOST_COMPILED = 500
Numbers = Mapping[int, int]


def stretched(table: Rows, start: int, end: int, size: int) -> Rows:
    """The rows of ``[start, end)`` with the start of the stretch that each lies in."""
    rows = table.filter(table.second >= start, table.second < end)
    return rows.mutate(stretch=rows.second - rows.second % size)


def bounded(table: Rows, bounds: Rows) -> Rows:
    """The rows of customers, each within the bounds of its own, with the owner to whom they count."""
    rows = table.inner_join(bounds, "customer")
    return rows.filter(rows.second >= rows.start, rows.second < rows.end).select(*table.columns, "owner")


@dataclass(frozen=True)
class Questions:
    """What is asked of a log's table in DuckDB."""

    table: Rows
    compounds: dict[Meter, tuple[int, int, Mapping[str, Mapping[str, str]]]] = field(default_factory=dict)

    def totals(self, meter: Meter, start: int, end: int, size: int, *, once: bool) -> dict[int, Counted]:
        """What the meter makes of each stretch of ``size`` seconds in ``[start, end)``, as the environment's totals count it.

        ``once`` tells that no id comes twice in a day, and that stretches are no longer than one.
        """
        numbers = {START: start, END: end, SIZE: size}

        def rows() -> Rows:
            return stretched(self.table, START, END, SIZE)

        first, last, compounds = self.compounds.get(meter, (end, start, {}))
        if not (first <= start and end <= last):
            compounds = self._compounds(meter, "totals", rows, numbers)
            self.compounds[meter] = start, end, compounds
        own = Metering(meter, dialect("duckdb"), compounds, keeps_absent=True, once=once)
        return {key[0]: value for key, value in self._counted(own, rows, "stretch", numbers).items()}

    def usages(self, meter: Meter, bounds: Mapping[str, Sequence[Any]], *, once: bool) -> dict[str, Counted]:
        """What the meter makes of the events of each owner, within the ``bounds`` of their customers."""
        kinds = {"string": pa.string(), "int64": pa.int64()}
        given = pa.table({name: pa.array(bounds[name], kinds[kind]) for name, kind in BOUNDS.items()})
        self.table.get_backend().con.register(_BOUNDS, given)

        def rows() -> Rows:
            return bounded(self.table, ibis.table(BOUNDS, name=_BOUNDS))

        own = Metering(meter, dialect("duckdb"), self._compounds(meter, "usages", rows, {}), once=once)
        return {key[0]: value for key, value in self._counted(own, rows, "owner", {}).items()}

    def worthless(self, meter: Meter, start: int, end: int) -> int:
        """How many events count 0 although they hold something else or nothing."""

        def built(shape: Meter) -> list[Rows]:
            rows = stretched(self.table, START, END, SIZE)
            found = Metering(shape, dialect("duckdb"), compounds).worthless(rows)
            return [found.agg(events=found.count())]

        numbers = {START: start, END: end, SIZE: end - start}
        compounds = self._compounds(meter, "worthless", lambda: stretched(self.table, START, END, SIZE), numbers)
        (sql,) = self._compiled(meter, "worthless", built, exactly=bool(compounds))
        return int(self._fetched(sql, numbers)[0]["events"])

    def _counted(
        self, own: Metering, rows: Callable[[], Rows], by: str, numbers: Numbers
    ) -> dict[tuple[Any, ...], Counted]:
        def built(shape: Meter) -> list[Rows]:
            return asked(shape, replace(own, meter=shape).rows(rows(), [by]), [by], once=own.once and own.keeps_absent)

        kind = (by, own.once, own.keeps_absent)
        sqls = self._compiled(own.meter, kind, built, exactly=bool(own.compounds))
        return collected(own.meter, [by], sqls, lambda sql: self._fetched(sql, numbers))

    def _compounds(
        self, meter: Meter, kind: str, rows: Callable[[], Rows], numbers: Numbers
    ) -> dict[str, dict[str, str]]:
        def built(shape: Meter) -> list[Rows]:
            return [compound_rows(rows(), shape, key, dialect("duckdb")) for key in keys_of(shape)]

        sqls = self._compiled(meter, ("compounds", kind), built)
        found = {
            key: printed_forms(self._fetched(sql, numbers), key, meter)
            for key, sql in zip(keys_of(meter), sqls, strict=True)
        }
        return {key: known for key, known in found.items() if known}

    def _compiled(
        self, meter: Meter, kind: Hashable, built: Callable[[Meter], Sequence[Rows]], *, exactly: bool = False
    ) -> list[str]:
        """The questions as SQL; ``exactly`` where more of the meter than its shape is in them."""
        connection, table = self.table.get_backend(), self.table.op()
        own = _Shape.of(meter)
        if exactly or not isinstance(table, ops.DatabaseTable):
            with compiling(connection):
                return [connection.compile(each) for each in built(meter)]
        key = (table.name, table.namespace, table.schema, own.meter, kind)
        if key not in _COMPILED:
            if len(_COMPILED) >= _MOST_COMPILED:
                _COMPILED.clear()
            with compiling(connection):
                _COMPILED[key] = [connection.compile(each) for each in built(own.meter)]
        return [own.filled(sql) for sql in _COMPILED[key]]

    def _fetched(self, sql: str, numbers: Numbers) -> list[dict[str, Any]]:
        for stands, value in numbers.items():
            sql = sql.replace(str(stands), str(value))
        answer = self.table.get_backend().raw_sql(sql)
        names = [str(column[0]) for column in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


@dataclass(frozen=True)
class _Shape:
    """A meter with stand-ins for what is its own, and the SQL texts that they stand for."""

    meter: Meter
    texts: Mapping[str, str]

    @staticmethod
    def of(meter: Meter) -> _Shape:
        known: dict[tuple[str, bool], str] = {}

        def stand(text: str, *, key: bool = False) -> str:
            return known.setdefault((text, key), f"flexprice{'-key' if key else ''}-{len(known)}-") if text else text

        spec = meter.aggregation
        if not spec.expression:
            spec = replace(spec, field=stand(spec.field, key=True), group_by=stand(spec.group_by, key=True))
        filters = tuple(Filter(stand(one.key, key=True), tuple(map(stand, one.values))) for one in meter.filters)
        shape = Meter("", "", stand(meter.event_name), replace(spec, multiplier=None), filters)
        return _Shape(shape, {own: pointed(text)[1:] if key else text for (text, key), own in known.items()})

    def filled(self, sql: str) -> str:
        for own, text in self.texts.items():
            sql = sql.replace(own, text.replace("'", "''"))
        return sql
