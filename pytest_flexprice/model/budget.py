"""How far a price proof may go."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Budget:
    """``events`` in all, and ``amount`` for one line of a preview, in the currency's units (a hundred times that without decimals)."""

    events: int
    amount: Decimal
