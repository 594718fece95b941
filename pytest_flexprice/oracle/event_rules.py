"""The rules that sample events are held to, as conditions DuckDB can count (checklist 3.1, contract 3.1 to 3.5).

Each rule is a name, a condition over the columns of one event (see ``event_samples.EVENT``) and the value to show as an example.
What a broken rule means is said in ``event_lint``. Texts are quoted with ``quoted`` wherever they come from a plan or a catalog.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pytest_flexprice.oracle.numbers import DEADLY_QUANTITY, NUMERIC_TEXT, SPACES

INTERNAL_ID = r"cust_[0-9A-HJKMNP-TV-Z]{26}"
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?"
_DAY = r"\d{4}-\d{2}-\d{2}"
RFC_3339 = rf"{_DAY}T{_CLOCK}(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
"""What the server takes as a timestamp, beside the day having to exist (contract 3.1)."""
_NAIVE = rf"{_DAY}[T ]{_CLOCK}"
_LONG = r"-?\d{16,}"
_FUTURE = timedelta(hours=1)
_OLD = timedelta(days=730)
_CENTURY = "2000-01-01T00:00:00Z"


class Rule(NamedTuple):
    """A condition that no event should meet; ``about`` names the property or meter it concerns."""

    name: str
    condition: str
    example: str = "NULL"
    about: str = ""
    event: str = ""


@dataclass(frozen=True)
class Reading:
    """One meter that reads events of a name: how it aggregates, what it reads, what it filters by."""

    event: str
    aggregation: str
    fields: tuple[str, ...]
    expression: bool = False
    filters: Mapping[str, tuple[str, ...]] | None = None


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def path(name: str) -> str:
    """The place of a property by its exact name, as an SQL literal: a JSON pointer, which takes any name there is."""
    return quoted("/" + name.replace("~", "~0").replace("/", "~1"))


def _matches(column: str, pattern: str) -> str:
    return f"regexp_full_match({column}, {quoted(pattern)})"


def structure(now: datetime) -> list[Rule]:
    """What the server, or the checklist, demands of every event, whatever its name."""
    text = "'VARCHAR'"
    day = "try_cast(ts AS TIMESTAMPTZ)"
    valid = f"ts_t = {text} AND {_matches('ts', RFC_3339)} AND try_cast(left(ts, 10) AS DATE) IS NOT NULL"
    missing = "({0}_t IS NULL OR {0}_t = 'NULL' OR {0} = '')"
    return [
        Rule("not an object", "broken"),
        Rule("no event_name", f"NOT broken AND {missing.format('name')}"),
        Rule("event_name no text", f"name_t NOT IN ({text}, 'NULL')", "name"),
        Rule("blank event_name", f"name <> '' AND trim(name, {quoted(SPACES)}) = ''", "name"),
        Rule(
            "white space around event_name",
            f"name_t = {text} AND trim(name, {quoted(SPACES)}) NOT IN (name, '')",
            "name",
        ),
        Rule("no external_customer_id", f"NOT broken AND {missing.format('cust')}"),
        Rule("external_customer_id no text", f"cust_t NOT IN ({text}, 'NULL')", "cust"),
        Rule(
            "white space around external_customer_id",
            f"cust_t = {text} AND trim(cust, {quoted(SPACES)}) <> cust",
            "cust",
        ),
        Rule("internal id", _matches("cust", INTERNAL_ID), "cust"),
        Rule("no event_id", f"NOT broken AND {missing.format('id')}"),
        Rule("event_id no text", f"id_t NOT IN ({text}, 'NULL')", "id"),
        Rule("no timestamp", "NOT broken AND (ts_t IS NULL OR ts_t = 'NULL')"),
        Rule("timestamp a number", f"ts_t NOT IN ({text}, 'NULL')", "ts"),
        Rule("timestamp without zone", f"ts_t = {text} AND {_matches('ts', _NAIVE)}", "ts"),
        Rule(
            "timestamp not RFC 3339",
            f"ts_t = {text} AND NOT ({valid}) AND NOT {_matches('ts', _NAIVE)}",
            "ts",
        ),
        Rule("timestamp before 2000", f"{valid} AND {day} < TIMESTAMPTZ '{_CENTURY}'", "ts"),
        Rule(
            "timestamp long ago", f"{valid} AND {day} >= TIMESTAMPTZ '{_CENTURY}' AND {day} < {_at(now - _OLD)}", "ts"
        ),
        Rule("timestamp in the future", f"{valid} AND {day} > {_at(now + _FUTURE)}", "ts"),
        Rule("timestamp not UTC", f"{valid} AND NOT regexp_matches(ts, '(Z|[+-]00:00)$')", "ts"),
        Rule("properties no object", "props_t NOT IN ('OBJECT', 'NULL')", "left(properties::VARCHAR, 60)"),
    ]


def _at(moment: datetime) -> str:
    return f"TIMESTAMPTZ '{moment.isoformat()}'"


def readings(catalog_meters: Iterable[Any], declared: Mapping[str, Mapping[str, str]], names_in: Any) -> list[Reading]:
    """What meters read of each event name; where no meter is known, the properties that the plan declares as numbers."""
    found = []
    for meter in catalog_meters:
        expression = tuple(names_in(meter.expression)) if meter.expression else ()
        found.append(
            Reading(
                meter.event_name, meter.aggregation, meter.properties or expression, bool(expression), meter.filters
            )
        )
    metered = {one.event for one in found}
    for name, properties in declared.items():
        numbers = tuple(key for key, kind in properties.items() if kind == "number")
        if name not in metered and numbers:
            found.append(Reading(name, "SUM", numbers))
    return found


def quantities(reading: Reading) -> list[Rule]:
    """What every event of that name must have, so that its meter reads what was meant."""
    mine = f"trim(name, {quoted(SPACES)}) = {quoted(reading.event)}"
    rules = []
    for field in reading.fields:
        where = path(field)
        kind, value = f"json_type(properties, {where})", f"json_extract_string(properties, {where})"
        number = f"try_cast({value} AS DOUBLE)"
        numeric = f"({kind} IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE'))"
        as_text = f"({kind} = 'VARCHAR' AND {_matches(value, NUMERIC_TEXT)})"
        conditions = {
            "property missing": f"({kind} IS NULL OR {kind} = 'NULL')",
            "property no number": f"{kind} NOT IN ('NULL') AND NOT {numeric} AND NOT {as_text}",
            "negative quantity": f"({numeric} OR {as_text}) AND {number} < 0",
            "quantity that stops metering": f"({numeric} OR {as_text}) AND abs({number}) > {DEADLY_QUANTITY}",
            "number that loses digits": f"{numeric} AND {_matches(value, _LONG)} AND abs({number}) <= {DEADLY_QUANTITY} "
            f"AND try_cast({value} AS HUGEINT) <> try_cast({number} AS HUGEINT)",
        }
        if reading.aggregation == "COUNT_UNIQUE":
            conditions = {"unique value missing": f"{kind} IS NULL"}
        elif reading.expression:
            conditions["operand missing"] = conditions.pop("property missing")
            conditions["operand no number"] = conditions.pop("property no number")
            conditions.pop("negative quantity")
        shown = f"left(json_extract(properties, {where})::VARCHAR, 60)"
        rules += [Rule(name, f"{mine} AND {one}", shown, field, reading.event) for name, one in conditions.items()]
    return rules


def file_kind(name: str) -> str:
    """How a sample file is read, by its ending: ``ndjson``, ``json``, ``csv`` or ``parquet``; empty when it is none of them."""
    match = re.search(r"\.(ndjson|jsonl|json|csv|parquet)(\.gz|\.zst)?$", name.lower())
    return {"jsonl": "ndjson"}.get(match[1], match[1]) if match else ""
