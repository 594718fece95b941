"""The windows of a commitment that holds for each of them by itself: those with usage, and with true-up the idle ones too.

The server lists idle weeks from Monday while it counts usage by weeks from Sunday; usage of a week that is not in the list
is not billed when idle windows are filled.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ..metering import windows
from . import periods, usage
from .readings import Reading
from .rounding import ZERO
from .scope import Scope

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def quantities(scope: Scope, reading: Reading, anchor: datetime, *, idle: bool) -> list[tuple[datetime, Decimal]]:
    """The quantity of each window of a reading, by its start; with ``idle`` 0 for those without usage so far."""
    part = reading.period
    used = usage.windows(scope, reading.customers, reading.meter, (part.start, part.end), anchor)
    if not idle:
        return sorted(used.items())
    until = min(max(scope.now, part.start), part.end)
    return [
        (start, used.get(start, ZERO))
        for start in starts(part.start, until, reading.meter["aggregation"]["bucket_size"], anchor)
    ]


def starts(start: datetime, end: datetime, size: str, anchor: datetime) -> list[datetime]:
    """Where the windows begin that have a part in ``[start, end)``."""
    found = []
    moment = _first(start, size, anchor)
    while moment < end:
        found.append(moment)
        moment = _next(moment, size, anchor)
    return found


def begin(moment: datetime, size: str) -> datetime:
    """Where the window begins into which a bucket is put; a size that is none leaves it where it is."""
    if size not in windows.SIZES:
        return moment
    return _first(moment, size, _EPOCH)


def _first(start: datetime, size: str, anchor: datetime) -> datetime:
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if size == "WEEK":
        return midnight - timedelta(days=midnight.weekday())
    if size == "MONTH":
        return windows.at_second(windows.month_start(windows.second_of(start), anchor.day - 1))
    step = timedelta(seconds=windows.SECONDS[size])
    return start - (start - _EPOCH) % step


def _next(moment: datetime, size: str, anchor: datetime) -> datetime:
    if size == "MONTH":
        return periods.add_months(moment, 1, anchor.day)
    return moment + timedelta(seconds=7 * windows.SECONDS["DAY"] if size == "WEEK" else windows.SECONDS[size])
