"""In whose name and where billing works: a caller's request, or a job of the server itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..kernel import errors
from ..kernel.tables import Row, Table

if TYPE_CHECKING:
    from ..kernel.call import Call
    from ..kernel.world import World


@dataclass(frozen=True)
class Scope:
    """One tenant's environment of a world, and the user whose id goes into ``created_by`` and ``updated_by``."""

    world: World
    tenant: str
    environment: str
    user: str

    @classmethod
    def of(cls, call: Call) -> Scope:
        """The scope of a request."""
        return cls(call.world, call.tenant, call.environment, call.caller.user_id)

    @classmethod
    def of_job(cls, world: World, row: Mapping[str, Any]) -> Scope:
        """The scope of a job that works on ``row``: nobody's user."""
        return cls(world, row["tenant_id"], row["environment_id"], "")

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

    def find(self, table: str, **equal: Any) -> list[Row]:
        """The rows of this environment with these values, oldest first."""
        return self.table(table).find(self.environment, **equal)

    def insert(self, table: str, prefix: str, **fields: Any) -> Row:
        """Store a new object; ``fields`` come between its id and what every object carries."""
        return self.table(table).insert({"id": self.world.new_id(prefix), **fields, **self.stamp()}, self.environment)

    def stamp(self, *, with_environment: bool = True) -> dict[str, Any]:
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

    def touch(self, row: Row, **changes: Any) -> None:
        """Change a row and note when and by whom."""
        row.update({**changes, "updated_at": self.now, "updated_by": self.user})

    def publish(self, name: str, row: Mapping[str, Any]) -> None:
        """Announce ``name`` (``invoice.update``: kind ``invoice``) about a row."""
        self.world.publish(self.environment, name, kind=name.split(".", 1)[0], id=row["id"])


def customer_by_id(scope: Scope, identifier: str) -> Row:
    """A customer of any status: what an archived one has can still be read; 404 otherwise."""
    row = scope.get("customers", identifier)
    if row is None:
        raise errors.not_found(f"Customer with ID {identifier} was not found", {"customer_id": identifier})
    return row


def customer_by_external_id(scope: Scope, key: str, *, named: bool = False) -> Row:
    """A published customer by external id; 404 otherwise, whose details some calls extend by the field's name."""
    row = scope.table("customers").first(scope.environment, external_id=key, status="published")
    if row is None:
        details = {"lookup_key": key, **({"external_customer_id": key} if named else {})}
        raise errors.not_found(f"Customer with lookup key {key} was not found", details)
    return row


def subscription_by_id(scope: Scope, identifier: str) -> Row:
    """A subscription of any status; 404 otherwise."""
    row = scope.get("subscriptions", identifier)
    if row is None:
        raise errors.not_found("Subscription not found")
    return row
