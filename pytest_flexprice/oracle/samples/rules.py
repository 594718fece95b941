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

from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.values import DEADLY_QUANTITY, SPACES

INTERNAL_ID = r"cust_[0-9A-HJKMNP-TV-Z]{26}"
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?"
_DAY = r"\d{4}-\d{2}-\d{2}"
RFC_3339 = rf"{_DAY}T{_CLOCK}(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
"""A timestamp as the standard writes it; the day has to exist, too (contract 3.1)."""
TAKEN = rf"{_DAY}T([01]?\d|2[0-3]):[0-5]\d:[0-5]\d([.,]\d+)?(Z|[+-]([01]\d|2[0-4]):([0-5]\d|60))"
"""What the server's own parser takes beyond that: a decimal comma, an hour of one digit, offsets up to 24:60."""
MOMENT = (
    f"CASE WHEN regexp_full_match(ts, '{RFC_3339}') THEN try_cast(ts AS TIMESTAMPTZ) "
    f"WHEN regexp_full_match(ts, '{TAKEN}') THEN "
    r"try_cast(regexp_replace(regexp_replace(replace(ts, ',', '.'), 'T(\d):', 'T0\1:'), '(Z|[+-]\d\d:\d\d)$', 'Z') AS TIMESTAMPTZ) "
    "- to_minutes(coalesce(try_cast(regexp_extract(ts, '([+-])[0-9:]{5}$', 1) || '1' AS INTEGER) "
    r"* (try_cast(regexp_extract(ts, '[+-](\d\d):\d\d$', 1) AS INTEGER) * 60 + try_cast(right(ts, 2) AS INTEGER)), 0)) END"
)
"""The instant of a timestamp ``ts`` that the server takes, as an SQL expression."""
SPACED = f"^[{SPACES}]|[{SPACES}]$"
"""White space at either end, as a pattern that is cheaper than cutting it off."""
TEXT, NULL, OBJECT, DIGITS = 34, 110, 123, "45, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57"
"""The first character of a JSON text, a null, an object and a number, as code points."""
_NAIVE = rf"{_DAY}[T ]{_CLOCK}"
_LONG = r"-?\d{16,}"
AHEAD = "timestamp in the future"
_FUTURE = timedelta(hours=1)
_OLD = timedelta(days=365)
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


def column(kind: str, name: str) -> str:
    """The column of a property: its JSON text (``json``), its text (``text``) or its number (``number``)."""
    return '"' + f"{kind}:{name}".replace('"', '""') + '"'


def matches(value: str, pattern: str) -> str:
    """The condition that a whole text matches a pattern."""
    return f"regexp_full_match({value}, {quoted(pattern)})"


def structure(now: datetime, billed_since: datetime | None = None) -> list[Rule]:
    """What the server, or the checklist, demands of every event, whatever its name; nothing is billed before ``billed_since``."""
    text, null = TEXT, NULL
    missing = f"NOT broken AND ({{0}}_c IS NULL OR {{0}}_c = {null} OR {{0}} = '')"
    other = f"{{0}}_c NOT IN ({text}, {null})"
    written = f"ts_c = {text} AND moment IS NULL"
    return [
        Rule("not an object", "broken"),
        Rule("no event_name", missing.format("name")),
        Rule("event_name no text", other.format("name"), "event_name"),
        Rule("blank event_name", "spaced AND trimmed = ''", "name"),
        Rule("white space around event_name", "spaced AND trimmed <> ''", "name"),
        Rule("no external_customer_id", missing.format("cust")),
        Rule("external_customer_id no text", other.format("cust"), "external_customer_id"),
        Rule("white space around external_customer_id", f"regexp_matches(cust, {quoted(SPACED)})", "cust"),
        Rule("internal id", f"starts_with(cust, 'cust_') AND {matches('cust', INTERNAL_ID)}", "cust"),
        Rule("no event_id", missing.format("id")),
        Rule("event_id no text", other.format("id"), "event_id"),
        Rule("no timestamp", f"NOT broken AND (ts_c IS NULL OR ts_c = {null})"),
        Rule("timestamp a number", other.format("ts"), '"timestamp"'),
        Rule("timestamp without zone", f"CASE WHEN {written} THEN {matches('ts', _NAIVE)} END", "ts"),
        Rule("timestamp not RFC 3339", f"CASE WHEN {written} THEN NOT {matches('ts', _NAIVE)} END", "ts"),
        Rule("timestamp before 2000", f"moment < TIMESTAMPTZ '{_CENTURY}'", "ts"),
        Rule("timestamp long ago", f"moment >= TIMESTAMPTZ '{_CENTURY}' AND moment < {_at(now - _OLD)}", "ts"),
        *_before(billed_since),
        Rule("timestamp in a loose form", f"moment IS NOT NULL AND NOT {matches('ts', RFC_3339)}", "ts"),
        Rule(AHEAD, f"moment > {_at(now + _FUTURE)}", "ts"),
        Rule(
            "timestamp not UTC",
            "moment IS NOT NULL AND NOT suffix(ts, 'Z') AND NOT regexp_matches(ts, '[+-]00:00$')",
            "ts",
        ),
        Rule("properties no object", f"props_c NOT IN ({OBJECT}, {null})", "left(properties::VARCHAR, 60)"),
    ]


def _before(billed_since: datetime | None) -> list[Rule]:
    if billed_since is None:
        return []
    condition = f"moment >= TIMESTAMPTZ '{_CENTURY}' AND moment < {_at(billed_since)}"
    return [Rule("timestamp before every subscription", condition, "ts")]


def _at(moment: datetime) -> str:
    return f"TIMESTAMPTZ '{moment.isoformat()}'"


def readings(meters: Iterable[Meter], declared: Mapping[str, Mapping[str, str]], names_in: Any) -> list[Reading]:
    """What meters read of each event name; where no meter is known, the properties that the plan declares as numbers."""
    found = []
    for meter in meters:
        spec = meter.aggregation
        expression = tuple(names_in(spec.expression))
        found.append(
            Reading(meter.event_name, spec.type, meter.properties or expression, bool(expression), meter.allowed)
        )
    metered = {one.event for one in found}
    for name, properties in declared.items():
        numbers = tuple(key for key, kind in properties.items() if kind == "number")
        if name not in metered and numbers:
            found.append(Reading(name, "SUM", numbers))
    return found


def quantities(reading: Reading) -> list[Rule]:
    """What every event of that name must have, so that its meter reads what was meant."""
    rules = []
    for field in reading.fields:
        raw, value, number = column("json", field), column("text", field), column("number", field)
        numeric = f"ascii({raw}) IN ({DIGITS})"
        absent = f"({raw} IS NULL OR {raw} = 'null')"
        conditions = {
            "property missing": absent,
            "property no number": f"NOT {absent} AND {number} IS NULL",
            "negative quantity": f"{number} < 0",
            "quantity that stops metering": f"abs({number}) > {DEADLY_QUANTITY}",
            "number that loses digits": f"CASE WHEN {numeric} AND abs({number}) > 9e15 AND abs({number}) <= {DEADLY_QUANTITY} "
            f"AND {matches(value, _LONG)} THEN try_cast({value} AS HUGEINT) <> try_cast({number} AS HUGEINT) END",
        }
        if reading.aggregation == "COUNT_UNIQUE":
            conditions = {"unique value missing": f"{raw} IS NULL"}
        elif reading.expression:
            conditions["operand missing"] = conditions.pop("property missing")
            conditions["operand no number"] = conditions.pop("property no number")
            conditions["negative operand"] = conditions.pop("negative quantity")
        mine = f"trimmed = {quoted(reading.event)}"
        rules += [
            Rule(name, f"{mine} AND {one}", f"left({raw}, 60)", field, reading.event)
            for name, one in conditions.items()
        ]
    return rules


def file_kind(name: str) -> str:
    """How a sample file is read, by its ending: ``ndjson``, ``json``, ``csv`` or ``parquet``; empty when it is none of them."""
    match = re.search(r"\.(ndjson|jsonl|json|csv|parquet)(\.gz|\.zst)?$", name.lower())
    return {"jsonl": "ndjson"}.get(match[1], match[1]) if match else ""
