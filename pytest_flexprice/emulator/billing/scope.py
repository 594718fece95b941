"""In whose name and where billing works: a caller's request, or a job of the server itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..kernel import errors
from ..kernel.place import Place
from ..kernel.tables import Row

if TYPE_CHECKING:
    from ..kernel.call import Call
    from ..kernel.world import World


@dataclass(frozen=True)
class Scope(Place):
    """A place without a request."""

    world: World
    tenant: str
    environment: str
    user: str

    @classmethod
    def of(cls, call: Call) -> Scope:
        """The scope of a request."""
        return cls(call.world, call.tenant, call.environment, call.user)

    @classmethod
    def of_job(cls, world: World, row: Mapping[str, Any]) -> Scope:
        """The scope of a job that works on ``row``: nobody's user."""
        return cls(world, row["tenant_id"], row["environment_id"], "")


def customer_by_id(scope: Scope, identifier: str) -> Row:
    """A customer of any status: what an archived one has can still be read; 404 otherwise."""
    return scope.named("customers", identifier, any_status=True)


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
