"""When an event happened, from whatever a company's log holds as its time, as Ibis expressions (contract 3.1).

A timestamp, an RFC 3339 text, the texts that databases write of a timestamp, or a number of seconds, milli-, micro- or nanoseconds
since 1970, told apart by how many digits it has.
"""

from __future__ import annotations

import ibis

from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.traffic.dialects import Column, Dialect

_HOUR = "([01][0-9]|2[0-3])"
_STAMP = f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_HOUR}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]+)?"
NAIVE = _STAMP + "$"
_ZONED = _STAMP + f"(Z|[+-]{_HOUR}:[0-5][0-9])$"
_SHORT_ZONE, _HOURS_ZONE = _STAMP + "[+-][0-9]{4}$", _STAMP + "[+-][0-9]{2}$"
_NUMBER = "^[0-9]{9,19}([.][0-9]+)?$"
_UNITS = ((11, 1), (14, 1_000), (17, 1_000_000), (19, 1_000_000_000))
"""Up to so many digits before its point, a number counts parts of a second, so many in one."""
_UTC = "timestamp('UTC')"
EXPECTED = "a timestamp, an RFC 3339 text or a number since 1970"


def is_readable(column: Column) -> bool:
    """Whether a column's type may hold times."""
    kind = column.type()
    return bool(kind.is_timestamp() or kind.is_string() or (kind.is_numeric() and not kind.is_boolean()))


def seconds(column: Column, zone: str, name: str, dialect: Dialect, *, thorough: bool = True) -> Column:
    """The whole second of the epoch that each event lies in; NULL where that cannot be read.

    Without ``thorough`` only RFC 3339 texts are read, at half the cost: engines try every other way on every text.

    Raises:
        NotVerified: timestamps have no zone, and the plan names none.
    """
    kind = column.type()
    if kind.is_timestamp():
        if kind.timezone is None and not zone:
            raise naive(f"column '{name}' holds timestamps without a zone")
        return dialect.second(column if kind.timezone is not None else dialect.zoned(column, zone))
    if kind.is_numeric():
        whole = column.cast("int64") if kind.is_integer() else dialect.tried(column.floor(), "int64")
        return _counted(whole.cast("string"))
    if not thorough:
        return dialect.second(dialect.tried(_only(column, _ZONED), _UTC))
    text = _usual(column.strip())
    ways = [dialect.second(dialect.tried(_only(each, _ZONED), _UTC)) for each in (column, text)]
    if zone:
        ways.append(dialect.second(dialect.zoned(dialect.tried(_only(text, NAIVE), "timestamp"), zone)))
    return ibis.coalesce(*ways, _counted(_only(text, _NUMBER)))


def naive(what: str) -> Exception:
    """The exception for times of which it is not known when they were."""
    return not_verified(
        "3.1",
        "traffic.timezone",
        f"{what} in the company's log, so it is not known when events happened",
        remedy="set traffic.timezone, such as 'UTC'",
    )


def _only(text: Column, pattern: str) -> Column:
    return ibis.ifelse(text.re_search(pattern), text, ibis.null("string"))


def _usual(text: Column) -> Column:
    """The texts that databases and programs write, as RFC 3339 has them."""
    text = text.upper().re_replace("\\[[A-Z/_+-]+\\]$", "").re_replace(" ?(UTC|Z)$", "Z").replace(",", ".")
    return ibis.cases(
        (text.re_search(_SHORT_ZONE), text.substr(0, text.length() - 2) + ":" + text.substr(text.length() - 2)),
        (text.re_search(_HOURS_ZONE), text + ":00"),
        else_=text,
    )


def _counted(text: Column) -> Column:
    """Seconds of a number of parts of seconds."""
    whole = text.re_replace("[.][0-9]*$", "")
    number = _only(whole, "^[0-9]{1,19}$").cast("int64")
    return ibis.cases(*((whole.length() <= digits, number // each) for digits, each in _UNITS))
