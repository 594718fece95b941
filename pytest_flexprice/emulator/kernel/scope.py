"""Where and in whose name something happens: one tenant's environment of a world, and the user who is noted for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import errors
from .tables import Row, Table
from .world import World


def unknown(table: str, identifier: str) -> errors.ApiError:
    """404 in the words that most kinds of objects have (recordings errors_read, deals_addons_coupons_tax)."""
    title = "Taxrate" if table == "tax_rates" else table.removesuffix("s").replace("_", " ").capitalize()
    details = {f"{title.lower().replace(' ', '_')}_id": identifier}
    return errors.not_found(f"{title} with ID {identifier} was not found", details)


class Scope:
    """What a request and a job of the server have in common: reading and writing rows of one environment."""

    world: World
    environment: str

    if TYPE_CHECKING:  # read-only for some, fields for others

        @property
        def tenant(self) -> str:
            """The tenant's id."""

        @property
        def user(self) -> str:
            """The id that goes into ``created_by`` and ``updated_by``."""

    @property
    def now(self) -> datetime:
        """The server's time."""
        return self.world.clock.now()

    def table(self, name: str) -> Table:
        """A table of the world."""
        return self.world.table(name)

    def get(self, table: str, identifier: str | None) -> Row | None:
        """A row of this environment by id, of any status."""
        return self.table(table).get(identifier, self.environment) if identifier else None

    def need(self, table: str, identifier: str) -> Row:
        """A row that is known to be there."""
        row = self.get(table, identifier)
        if row is None:
            raise LookupError(f"{table} has no {identifier}")
        return row

    def found(
        self,
        table: str,
        identifier: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        *,
        any_status: bool = False,
    ) -> Row:
        """The row of that id, published unless ``any_status``; else 404 with ``message``."""
        row = self.get(table, identifier)
        if row is None or not (any_status or row.get("status", "published") == "published"):
            raise errors.not_found(message, details)
        return row

    def named(self, table: str, identifier: str, *, any_status: bool = False) -> Row:
        """The row of that id, published unless ``any_status``; else :func:`unknown`."""
        row = self.get(table, identifier)
        if row is None or not (any_status or row.get("status", "published") == "published"):
            raise unknown(table, identifier)
        return row

    def keyed(self, table: str, message: str, details: Mapping[str, Any] | None = None, /, **key: str) -> Row:
        """The published row of a key; else 404 with ``message``, whose details are the key unless given."""
        row = self.first(table, **key)
        if row is None:
            raise errors.not_found(message, details or key)
        return row

    def first(self, table: str, **equal: Any) -> Row | None:
        """The oldest published row of this environment with these values."""
        return self.table(table).first(self.environment, **equal, status="published")

    def find(self, table: str, **equal: Any) -> list[Row]:
        """The rows of this environment with these values, oldest first."""
        return self.table(table).find(self.environment, **equal)

    def stamped(self, *, with_environment: bool = True) -> dict[str, Any]:
        """What every object carries: environment (unless the object has it already), tenant, status, times and users."""
        now = self.now
        return {
            **({"environment_id": self.environment} if with_environment else {}),
            "tenant_id": self.tenant,
            "status": "published",
            "created_at": now,
            "updated_at": now,
            "created_by": self.user,
            "updated_by": self.user,
        }

    def insert(self, table: str, prefix: str, **fields: Any) -> Row:
        """Store a new object."""
        return self.table(table).insert({"id": self.world.new_id(prefix), **fields, **self.stamped()}, self.environment)

    def copied(self, table: str, prefix: str, row: Row, **changes: Any) -> Row:
        """Store a new object like another one, with an id, times and users of its own; what it follows is not its own."""
        fields = {name: value for name, value in row.public().items() if name not in ("id", "parent_price_id")}
        stamp = {name: value for name, value in self.stamped().items() if name in row}
        fresh = {"id": self.world.new_id(prefix), **fields, **stamp, **changes}
        return self.table(table).insert(fresh, self.environment)

    def touch(self, row: dict[str, Any], **changes: Any) -> None:
        """Change a row and note when and by whom."""
        self.amend(row, {**changes, "updated_at": self.now, "updated_by": self.user})

    def amend(self, row: dict[str, Any], changes: Mapping[str, Any]) -> None:
        """Change a row without a note of it."""
        row.update(changes)

    def publish(self, name: str, row: Mapping[str, Any]) -> None:
        """Announce ``name`` (``invoice.update``: kind ``invoice``) about a row."""
        kind = "wallet_transaction" if name.startswith("wallet.transaction.") else name.split(".", 1)[0]
        self.world.publish(self.environment, name, kind=kind, id=row["id"])


@dataclass(frozen=True)
class Work(Scope):
    """A scope without a request: what a job of the server does, or a part of what a request does."""

    world: World
    tenant: str
    environment: str
    user: str

    @classmethod
    def on(cls, world: World, row: Mapping[str, Any]) -> Work:
        """The scope of a job that works on ``row``: nobody's user."""
        return cls(world, row["tenant_id"], row["environment_id"], "")
