"""Which prices of a plan or an addon a subscription takes (contract 4.2, recording price_matching)."""

from __future__ import annotations

from ..kernel import catalog, errors
from ..kernel.tables import Row
from . import periods
from .scope import Scope


def matching(scope: Scope, owner: str, kind: str, currency: str, period: str) -> list[Row]:
    """The prices of a plan or addon that a subscription takes: its billing period (or one-time) and currency, not ended.

    Raises :class:`errors.ApiError` when nothing is left.
    """
    now = scope.now
    rows = [
        row
        for row in scope.find("prices", entity_id=owner, entity_type=kind, status="published")
        if row["billing_period"] in (period, periods.ONETIME) and not catalog.is_ended(row, now)
    ]
    details = {"entity_id": owner, "entity_type": kind}
    if not rows:
        raise errors.validation("The entity must have at least one price to create a subscription", details)
    rows = [row for row in rows if row["currency"] == currency]
    if not rows:
        raise errors.validation("No prices match the subscription criteria", details)
    return rows
