"""All that one request stores, or nothing: what was inserted is taken away again when the request is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row, Table
from .scope import Scope


@dataclass(frozen=True)
class _Transaction(Scope):
    """A scope that knows what was inserted through it."""

    made: list[tuple[Table, Row]] = field(default_factory=list)

    def insert(self, table: str, prefix: str, **fields: Any) -> Row:
        """Store a new object and remember it."""
        row = super().insert(table, prefix, **fields)
        self.made.append((self.table(table), row))
        return row


@contextmanager
def all_or_nothing(scope: Scope) -> Iterator[Scope]:
    """A scope whose inserts are undone when an :class:`errors.ApiError` leaves the block."""
    transaction = _Transaction(scope.world, scope.tenant, scope.environment, scope.user)
    try:
        yield transaction
    except errors.ApiError:
        for table, row in reversed(transaction.made):
            table.remove(row)
        raise
