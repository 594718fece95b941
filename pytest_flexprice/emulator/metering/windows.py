"""Where the buckets of a window size begin, as SQL over whole UTC seconds (contract 2.1, 3.9; vectors bucket-*)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_WEEK_SHIFT = 4 * _DAY  # the epoch was a Thursday, weeks begin on Sunday
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SECONDS = {
    "MINUTE": _MINUTE,
    "15MIN": 15 * _MINUTE,
    "30MIN": 30 * _MINUTE,
    "HOUR": _HOUR,
    "3HOUR": 3 * _HOUR,
    "6HOUR": 6 * _HOUR,
    "12HOUR": 12 * _HOUR,
    "DAY": _DAY,
}
"""The length of each window size that is a fixed number of seconds from the epoch."""
SIZES = (*SECONDS, "WEEK", "MONTH")


def expression(size: str, column: str, anchor: datetime | None = None, zone: str = "") -> str:
    """SQL for the second in which the bucket of ``column`` begins. An unknown size acts as DAY (recording usage).

    Weeks begin on Sunday; months on the first, or on the day of ``anchor``; with ``zone`` (a known time zone) days are its.
    """
    if zone:
        known = size if size in SIZES else "DAY"
        return f"zoned_start({column}, '{known}', '{ZoneInfo(zone).key}')"
    if size == "MONTH":
        return f"month_start({column}, {(anchor.day if anchor else 1) - 1})"
    if size == "WEEK":
        shifted = f"({column} + {_WEEK_SHIFT})"
        return f"({_floor(shifted, 7 * _DAY)} - {_WEEK_SHIFT})"
    return _floor(column, SECONDS.get(size, _DAY))


def _floor(column: str, step: int) -> str:
    return f"({column} - (({column} % {step}) + {step}) % {step})"


def month_start(second: int, shift: int) -> int:
    """The second in which the (shifted) month of ``second`` begins; a function of the store."""
    moment = _EPOCH + timedelta(seconds=second) - timedelta(days=shift)
    first = moment.replace(day=1, hour=0, minute=0, second=0) + timedelta(days=shift)
    return int((first - _EPOCH).total_seconds())


def zoned_start(second: int, size: str, zone: str) -> int:
    """The second in which the window of ``second`` begins by the clocks of a zone; a function of the store."""
    local = at_second(second).astimezone(ZoneInfo(zone))
    midnight = local.replace(hour=0, minute=0, second=0)
    if size == "MONTH":
        return second_of(midnight.replace(day=1).astimezone(UTC))
    if size == "WEEK":
        return second_of((midnight - timedelta(days=(local.weekday() + 1) % 7)).astimezone(UTC))
    passed = local.hour * _HOUR + local.minute * _MINUTE + local.second
    return second_of((midnight + timedelta(seconds=passed - passed % SECONDS[size])).astimezone(UTC))


def larger(one: str, other: str) -> str:
    """The larger of two window sizes; one that is no size is smaller than any, and only taken when it stands alone."""
    if not one or not other:
        return one or other
    return max((other, one), key=_length)


def _length(size: str) -> int:
    return {"WEEK": 7 * _DAY, "MONTH": 30 * _DAY}.get(size) or SECONDS.get(size, 0)


def second_of(moment: datetime) -> int:
    """The whole second in which ``moment`` lies."""
    return (moment - _EPOCH) // timedelta(seconds=1)


def millisecond_of(moment: datetime) -> int:
    """The whole millisecond in which ``moment`` lies."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def at_second(second: int) -> datetime:
    """The instant of a whole second."""
    return _EPOCH + timedelta(seconds=second)


def at_millisecond(millisecond: int) -> datetime:
    """The instant of a whole millisecond."""
    return _EPOCH + timedelta(milliseconds=millisecond)
