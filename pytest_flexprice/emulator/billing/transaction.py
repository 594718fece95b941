"""All that one request stores, changes and announces, or nothing of it when the request is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..kernel.tables import Row, Table
from .scope import Scope, Work


@dataclass(frozen=True)
class _Transaction(Work):
    """A scope that knows what was done through it, and announces nothing before the end."""

    made: list[tuple[Table, Row]] = field(default_factory=list)
    before: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    told: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def insert(self, table: str, prefix: str, **fields: Any) -> Row:
        """Store a new object and remember it."""
        row = super().insert(table, prefix, **fields)
        self.made.append((self.table(table), row))
        return row

    def amend(self, row: dict[str, Any], changes: Mapping[str, Any]) -> None:
        """Change a row and remember what it was."""
        self.before.append((row, dict(row)))
        super().amend(row, changes)

    def publish(self, name: str, row: Mapping[str, Any]) -> None:
        """Keep an announcement for the end."""
        self.told.append((name, row))

    def undo(self) -> None:
        """Take everything back, the last first."""
        for row, values in reversed(self.before):
            for name in row.keys() - values.keys():
                del row[name]
            row.update(values)
        for table, made in reversed(self.made):
            table.remove(made)

    def announce(self, scope: Scope) -> None:
        for name, row in self.told:
            scope.publish(name, row)


@contextmanager
def undone(scope: Scope) -> Iterator[Scope]:
    """A scope whose work is undone in any case, to see what it would come to; no number of an invoice is used up by it."""
    transaction = _Transaction(scope.world, scope.tenant, scope.environment, scope.user)
    numbers = dict(scope.world.sequences)
    try:
        yield transaction
    finally:
        transaction.undo()
        scope.world.sequences = numbers


@contextmanager
def all_or_nothing(scope: Scope) -> Iterator[Scope]:
    """A scope whose work is undone when an error leaves the block, of whatever kind."""
    transaction = _Transaction(scope.world, scope.tenant, scope.environment, scope.user)
    try:
        yield transaction
    except Exception:
        transaction.undo()
        raise
    transaction.announce(scope)
