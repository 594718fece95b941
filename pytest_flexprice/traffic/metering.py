"""What meters make of a whole log, as Ibis expressions with the semantics of ``oracle.metering`` (contract 2.1, 3.3, 3.5).

A log is a table with one row an event: ``name`` (trimmed), ``customer``, ``id``, ``second`` (of the epoch, UTC), ``properties`` (a JSON
text) and ``seq``, which orders events of one id and second.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import ibis

from pytest_flexprice.model.decimals import EVENT_PLACES, ZERO, cut, decimal, product, tidy
from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.values import printed
from pytest_flexprice.traffic.dialects import Dialect
from pytest_flexprice.traffic.fetching import fetched
from pytest_flexprice.traffic.numbers import (
    BEYOND,
    QUANTITY,
    Rows,
    is_compound,
    with_printed,
    with_property,
    with_quantity,
    with_written,
)
from pytest_flexprice.traffic.operands import with_expression

MOST_COMPOUNDS = 1000
_KEY = ("customer", "id", "second")
_VALUES = ("quantity", "deadly", "places", "unique", "grouped")


class Counted(NamedTuple):
    """What a meter counts of the events of one group: its value, and how many different event ids there are."""

    value: Decimal
    event_count: int


@dataclass(frozen=True)
class Metering:
    """One meter over one log; ``compounds`` are printed forms of lists and objects that it filters by or counts.

    ``keeps_absent`` keeps the events that lack the property whose values are counted. ``once`` tells that no id comes twice in
    a day of the log, so that none need be looked for.
    """

    meter: Meter
    dialect: Dialect
    compounds: Mapping[str, Mapping[str, str]]
    keeps_absent: bool = False
    once: bool = False

    def accepted(self, log: Rows) -> Rows:
        """The events that the meter takes: its name byte for byte, and every filter."""
        rows = log.filter(log.name == self.meter.event_name)
        for number, one in enumerate(self.meter.filters):
            rows = self._printed(rows, one.key, f"f{number}")
            rows = rows.filter(rows[f"f{number}"].isin(one.values)).select(*log.columns)
        return rows

    def rows(self, log: Rows, keep: Sequence[str] = ()) -> Rows:
        """The rows that the meter keeps, one per customer, event id and second: of equal ones the last stays."""
        rows = self._valued(self.accepted(log)).select(*_KEY, "seq", *keep, *_VALUES)
        return self._last(rows.filter(rows.quantity.notnull()))

    def worthless(self, log: Rows) -> Rows:
        """The events that it takes and counts 0 because they hold no number, or one below zero."""
        rows = self.accepted(log)
        columns = rows.columns
        rows = with_written(with_property(rows, self.dialect, self.meter.aggregation.field, "v"), "v")
        return rows.filter(rows.q_written.isnull() | rows.q_written.startswith("-")).select(*columns)

    def _last(self, rows: Rows) -> Rows:
        kept = rows if self.once else self._latest(rows)
        if self.meter.aggregation.type != "COUNT_UNIQUE" or self.keeps_absent:
            return kept
        return kept.filter(kept.unique.notnull())

    @staticmethod
    def _latest(rows: Rows) -> Rows:
        repeated = rows.group_by(*_KEY).agg(times=rows.count())
        repeated = repeated.filter(repeated.times > 1)
        again = rows.semi_join(repeated, _KEY)
        newest = ibis.window(group_by=list(_KEY), order_by=[again.seq.desc(), again.quantity.desc()])
        again = again.mutate(place=ibis.row_number().over(newest))
        again = again.filter(again.place == 0).select(*rows.columns)
        once = rows.anti_join(repeated, _KEY)
        return once.union(again)

    def _printed(self, rows: Rows, key: str, name: str) -> Rows:
        return with_printed(with_property(rows, self.dialect, key, name), name, self.compounds.get(key, {}))

    def _valued(self, rows: Rows) -> Rows:
        """The columns that aggregations need: quantity, deadly, places, unique, grouped."""
        spec = self.meter.aggregation
        grouped: Any = ibis.literal("")
        if spec.group_by:
            rows = with_property(rows, self.dialect, spec.group_by, "g")
            grouped = ibis.ifelse(rows.g_raw.startswith('"'), rows.g_text, ibis.null("string"))
        rows = rows.mutate(grouped=grouped)
        if spec.type in ("COUNT", "COUNT_UNIQUE"):
            rows = rows.mutate(quantity=ibis.literal(1).cast(QUANTITY), deadly=ibis.literal(False), places=0)
            unique = spec.type == "COUNT_UNIQUE"
            return self._printed(rows, spec.field, "unique") if unique else rows.mutate(unique=ibis.null("string"))
        rows = rows.mutate(unique=ibis.null("string"))
        if spec.expression:
            return with_expression(rows, spec.expression, self.dialect)
        return with_quantity(with_property(rows, self.dialect, spec.field, "v"), "v")


def metering(log: Rows, meter: Meter, dialect: Dialect, *, once: bool = False) -> Metering:
    """The meter over the log, with what has to be known of the log before."""
    found = {key: fetched(compound_rows(log, meter, key, dialect)) for key in keys_of(meter)}
    compounds = {key: printed_forms(rows, key, meter) for key, rows in found.items()}
    return Metering(meter, dialect, {key: known for key, known in compounds.items() if known}, once=once)


def keys_of(meter: Meter) -> list[str]:
    """The properties of which a meter needs the printed form: those that it filters by or whose values it counts."""
    keys = [one.key for one in meter.filters]
    return list(dict.fromkeys([*keys, meter.aggregation.field] if meter.aggregation.type == "COUNT_UNIQUE" else keys))


def compound_rows(log: Rows, meter: Meter, key: str, dialect: Dialect) -> Rows:
    """The different lists and objects that a meter's events hold as a property, one more at most than are printed."""
    rows = with_property(log.filter(log.name == meter.event_name), dialect, key, "c")
    return rows.filter(is_compound(rows.c_raw)).select(raw=rows.c_raw).distinct().limit(MOST_COMPOUNDS + 1)


def printed_forms(rows: Sequence[Mapping[str, Any]], key: str, meter: Meter) -> dict[str, str]:
    """The printed form of each list and object, by its JSON text.

    Raises:
        NotVerified: there are too many.
    """
    texts = [str(row["raw"]) for row in rows]
    if len(texts) > MOST_COMPOUNDS:
        raise not_verified(
            "3.1",
            f"meters.{meter.name}",
            f"property '{key}' of the log holds more than {MOST_COMPOUNDS:,} lists or objects, of which meter '{meter.name}' needs"
            " the printed form",
            remedy="send a plain value",
        )
    return {text: printed(json.loads(text)) for text in texts}


Fetch = Callable[[Rows], list[dict[str, Any]]]


def counted(own: Metering, log: Rows, *by: str, fetch: Fetch = fetched) -> dict[tuple[Any, ...], Counted]:
    """The meter's value and number of events in each group of the log by those columns; groups without rows are left out.

    Raises:
        NotVerified: a value depends on something unknown, or on a number that cannot be stored.
    """
    rows = own.rows(log, [name for name in by if name not in _KEY])
    return collected(own.meter, by, asked(own.meter, rows, by), fetch)


def collected(meter: Meter, by: Sequence[str], tables: Sequence[Rows], fetch: Fetch) -> dict[tuple[Any, ...], Counted]:
    """What ``counted`` finds, of the questions that ``asked`` gives."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    multiplied = meter.aggregation.type == "SUM_WITH_MULTIPLIER"
    for table in tables[:-1] if multiplied else tables:
        for row in fetch(table):
            groups.setdefault(tuple(row[name] for name in by), {}).update(row)
    if any(_is_cut(meter, row) for row in groups.values()):
        _multiply_apart(meter, fetch(tables[-1]), by, groups)
    return {key: _counted(meter, row) for key, row in groups.items()}


def asked(meter: Meter, rows: Rows, by: Sequence[str], *, once: bool = False) -> list[Rows]:
    """The questions about a meter's rows; of a multiplied one the last, each different quantity with how often it comes, is only asked
    where it is needed.

    ``once`` tells that no id comes twice in a group.
    """
    multiplied = meter.aggregation.type == "SUM_WITH_MULTIPLIER"
    apart = [rows.group_by(*by, "quantity").agg(times=rows.count())] if multiplied else []
    return [*_aggregates(meter, rows, by, once=once), *apart]


def _is_cut(meter: Meter, row: Mapping[str, Any]) -> bool:
    """Whether a multiplier makes more decimals than are kept, so that each product is cut before they are added up."""
    factor = meter.aggregation.multiplier
    if meter.aggregation.type != "SUM_WITH_MULTIPLIER" or factor is None or not row["rows"]:
        return False
    return bool(row["places"] - min(int(factor.as_tuple().exponent), 0) > EVENT_PLACES)


def _multiply_apart(
    meter: Meter,
    quantities: Sequence[Mapping[str, Any]],
    by: Sequence[str],
    groups: dict[tuple[Any, ...], dict[str, Any]],
) -> None:
    """The sums of products that are cut one by one, of every different quantity with how often it comes."""
    factor = meter.aggregation.multiplier
    assert factor is not None
    for row in groups.values():
        row["product"] = ZERO
    for one in quantities:
        row = groups[tuple(one[name] for name in by)]
        row["product"] += product(cut(product(one["quantity"], factor)), Decimal(one["times"]))


def _aggregates(meter: Meter, rows: Rows, by: Sequence[str], *, once: bool) -> Iterator[Rows]:
    spec = meter.aggregation
    wanted: dict[str, Any] = {
        "event_count": rows.count() if once else rows.id.nunique(),
        "rows": rows.count(),
        "deadly": rows.deadly.sum(),
        "places": rows.places.max(),
        "ungrouped": rows.grouped.isnull().sum(),
    }
    if spec.type == "COUNT_UNIQUE":
        wanted["value"] = rows.unique.nunique()
    elif spec.type == "MAX":
        wanted["value"] = rows.quantity.max()
    elif spec.type not in ("COUNT", "LATEST"):
        wanted["value"] = rows.quantity.sum()
    yield rows.group_by(*by).agg(**wanted) if by else rows.agg(**wanted)
    if spec.type == "LATEST":
        latest = rows.mutate(latest=rows.second.max().over(ibis.window(group_by=list(by)))).filter(
            lambda each: each.second == each.latest
        )
        ends = {"value": latest.quantity.max(), "least": latest.quantity.min()}
        yield latest.group_by(*by).agg(**ends) if by else latest.agg(**ends)


def _counted(meter: Meter, row: Mapping[str, Any]) -> Counted:
    if row.get("deadly"):
        raise _unknown(meter, f"{row['deadly']:,} events of the log count more than Flexprice can store")
    if row.get("ungrouped"):
        raise _unknown(meter, f"{row['ungrouped']:,} events of the log have no text in the property it groups by")
    if row.get("least") != row.get("value") and meter.aggregation.type == "LATEST":
        raise _unknown(meter, "it takes the latest event, and several of the log share its second")
    if meter.aggregation.type == "COUNT":
        return Counted(Decimal(row["event_count"]), row["event_count"])
    value = decimal(row["value"], ZERO)
    return Counted(tidy(_FINISH.get(meter.aggregation.type, _as_it_is)(meter, row, value)), row["event_count"])


def _as_it_is(_meter: Meter, _row: Mapping[str, Any], value: Decimal) -> Decimal:
    return value


def _average(_meter: Meter, row: Mapping[str, Any], value: Decimal) -> Decimal:
    return Decimal(repr(float(value) / row["rows"])) if row["rows"] else ZERO


def _multiplied(meter: Meter, row: Mapping[str, Any], value: Decimal) -> Decimal:
    factor = meter.aggregation.multiplier
    if factor is None:
        return value
    if row["rows"] and row["places"] >= BEYOND:
        raise _unknown(meter, "quantities of the log have more decimals than can be multiplied")
    return decimal(row.get("product"), product(value, factor))


_FINISH = {"AVG": _average, "SUM_WITH_MULTIPLIER": _multiplied}


def _unknown(meter: Meter, reason: str) -> Exception:
    return not_verified("3.1", f"meters.{meter.name}", f"not verified: meter '{meter.name}': {reason}")
