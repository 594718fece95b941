"""What billing finds in the scope of a request or of a job: customers and subscriptions."""

from __future__ import annotations

from ..kernel import errors
from ..kernel.scope import Scope, Work
from ..kernel.tables import Row

__all__ = ["Scope", "Work", "customer_by_external_id", "customer_by_id", "subscription_by_id"]


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
