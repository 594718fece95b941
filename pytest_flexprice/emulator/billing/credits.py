"""The single credits of a wallet: in which order they are spent, and that they expire (contract 7.1, 7.2)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..kernel.tables import Row
from .rounding import ZERO
from .scope import Scope


def left(scope: Scope, wallet: Row) -> list[Row]:
    """The credits that may still be spent: by priority, then what expires soonest, then the oldest."""
    rows = scope.find("wallet_transactions", wallet_id=wallet["id"], type="credit")
    usable = (row for row in rows if row["expiry_date"] is None or row["expiry_date"] > scope.now)
    return sorted((row for row in usable if row["credits_available"] > 0), key=_place)


def _place(row: Row) -> tuple[Any, ...]:
    priority, expiry = row["priority"], row["expiry_date"]
    return priority is None, priority or 0, expiry is None, expiry or row["created_at"]


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
