"""What billing finds in the scope of a request or of a job: customers and subscriptions."""

from __future__ import annotations

from ..kernel.scope import Scope, Work
from ..kernel.tables import Row

__all__ = ["Scope", "Work", "customer_by_external_id", "customer_by_id", "customer_of", "subscription_by_id"]


def customer_by_id(scope: Scope, identifier: str) -> Row:
    """A customer of any status: what an archived one has can still be read; 404 otherwise."""
    return scope.named("customers", identifier, any_status=True)


def customer_by_external_id(scope: Scope, key: str, *, named: bool = False) -> Row:
    """A published customer by external id; 404 otherwise, whose details some calls extend by the field's name."""
    details = {"lookup_key": key, **({"external_customer_id": key} if named else {})}
    return scope.keyed("customers", f"Customer with lookup key {key} was not found", details, external_id=key)


def customer_of(scope: Scope, identifier: str | None, key: str | None) -> Row:
    """The customer of an id, or else of an external id; 404 otherwise."""
    return customer_by_id(scope, identifier) if identifier else customer_by_external_id(scope, key or "")


def subscription_by_id(scope: Scope, identifier: str) -> Row:
    """A subscription of any status; 404 otherwise."""
    return scope.found("subscriptions", identifier, "Subscription not found", any_status=True)
