"""Entitlement allowances: what of a usage is free (contract 2.5; billing vectors ``soft-*``, ``unlimited-25``, ``zero-limit-25``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from pytest_flexprice.model.decimals import ZERO, decimal, difference, total
from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.parsing import parses
from pytest_flexprice.oracle.metering.meters import Usage

_PARTS_ARE_LESS = ("COUNT", "SUM", "SUM_WITH_MULTIPLIER", "MAX", "COUNT_UNIQUE")
"""Aggregations of which no part of a window has more than the whole: what is free of the whole is free of its parts."""


@dataclass(frozen=True)
class Allowance:
    """A metered entitlement: ``limit`` is what is free per reset period, ``None`` everything, 0 nothing.

    Hard limits bill like soft ones, so which one it is does not matter here (contract 2.5).
    """

    meter_id: str
    limit: Decimal | None
    reset: str = "MONTHLY"

    @classmethod
    @parses("entitlement")
    def from_api(cls, data: Mapping[str, Any], meter_id: str = "") -> Allowance | None:
        """The allowance of an entitlement's JSON (with its ``feature`` in it, or the meter's id given); none if not metered."""
        if data.get("feature_type", "metered") != "metered" or data.get("is_enabled") is False:
            return None
        limit = data.get("usage_limit")
        return cls(
            meter_id=meter_id or (data.get("feature") or {}).get("meter_id", ""),
            limit=None if limit is None else decimal(limit),
            reset=data.get("usage_reset_period") or "",
        )


def by_meter(entitlements: Iterable[Mapping[str, Any]]) -> dict[str, Allowance]:
    """The allowances of entitlements' JSON, by meter; several of one meter add up (aggregation mode additive)."""
    found: dict[str, Allowance] = {}
    for data in entitlements:
        one = Allowance.from_api(data)
        if one is None or not one.meter_id:
            continue
        other = found.get(one.meter_id)
        if other is not None:
            unlimited = other.limit is None or one.limit is None
            limit = None if unlimited else total(each.limit for each in (one, other) if each.limit is not None)
            one = Allowance(one.meter_id, limit, one.reset)
        found[one.meter_id] = one
    return found


class Billable(NamedTuple):
    """What is left to bill, and what the allowance took off (``None`` without an entitlement)."""

    quantity: Decimal
    allowed: Decimal | None


def billable(
    usage: Usage, used: Decimal, allowance: Allowance | None, billing_period: str, anchor: datetime
) -> Billable:
    """The quantity to bill of ``used`` units (for bucketed meters the sum of the buckets).

    The allowance comes off before tiers and packages. DAILY counts per UTC day; MONTHLY in a longer billing period per month
    of the billing anchor; any other reset acts once per billing period.

    Raises:
        NotVerified: the usage per day or month is needed and not known, or a NEVER allowance was drawn on in earlier periods.
    """
    if allowance is None:
        return Billable(used, None)
    if allowance.limit is None:
        return Billable(ZERO, used)
    if allowance.reset == "NEVER" and usage.before:
        raise not_verified(
            "",
            f"entitlements.{usage.meter.name}",
            f"not verified: how an allowance that never resets continues in a later period ('{usage.meter.name}')",
        )
    limit, bucketed = allowance.limit, bool(usage.meter.aggregation.bucket_size)
    kind = usage.meter.aggregation.type
    if (used <= limit and kind in _PARTS_ARE_LESS) or (kind == "AVG" and not used):  # no quantity is negative
        return Billable(ZERO, used)
    size = {"DAILY": "DAY", "MONTHLY": "MONTH"}.get(allowance.reset, "")
    if bucketed or allowance.reset == billing_period or not size:
        left = max(difference(used, limit), ZERO)
    else:
        left = total(max(difference(value, limit), ZERO) for value in usage.per(size, anchor))
    return Billable(left, max(difference(used, left), ZERO))
