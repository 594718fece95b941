"""The single credits of a wallet: in which order they are spent, and that they expire (contract 7.1, 7.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..kernel.tables import Row
from .rounding import ZERO
from .scope import Scope

if TYPE_CHECKING:
    from ..kernel.world import World

_NEVER = datetime.max.replace(tzinfo=UTC)


def left(scope: Scope, wallet: Row) -> list[Row]:
    """The credits that may still be spent: by priority, then what expires soonest, then the most (the documentation's page on debits)."""
    rows = scope.find("wallet_transactions", wallet_id=wallet["id"], type="credit")
    return sorted((row for row in rows if row["credits_available"] > 0 and not _over(row, scope.now)), key=_place)


def _over(row: Row, now: datetime) -> bool:
    return row["expiry_date"] is not None and row["expiry_date"] <= now


def _place(row: Row) -> tuple[Any, ...]:
    priority = row["priority"]
    return priority is None, priority or 0, row["expiry_date"] or _NEVER, -row["credit_amount"], row["created_at"]


def spendable(scope: Scope, wallet: Row) -> Decimal:
    """What the credits that have not expired are worth."""
    worth: Decimal = sum((row["credits_available"] for row in left(scope, wallet)), ZERO) * wallet["conversion_rate"]
    return worth


def spend(scope: Scope, wallet: Row, credits: Decimal, source: Row | None = None) -> None:
    """Take credits from where they are spent first, or from one source only."""
    for row in [source] if source else left(scope, wallet):
        share = min(row["credits_available"], credits)
        scope.amend(row, {"credits_available": row["credits_available"] - share})
        credits -= share


def expiring(world: World) -> list[Row]:
    """The credits that will expire."""
    rows = world.table("wallet_transactions").everywhere(type="credit")
    return [row for row in rows if row["expiry_date"] is not None and row["credits_available"] > 0]


def first_expiry(world: World) -> datetime | None:
    """When the next credits expire."""
    return min((row["expiry_date"] for row in expiring(world)), default=None)
