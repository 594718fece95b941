"""What entitles a subscription: its plan, its addons, itself, and what was agreed instead of those (contract 2.5, 11.2).

Overridden entitlements were not recorded: an entitlement of the subscription's own stands in for the one it names as its parent,
as the API's own description has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..kernel import errors
from ..kernel.catalog import entitlements_of
from ..kernel.tables import Row
from . import addons
from .scope import Scope

_TAKEN_OVER = ("feature_id", "feature_type", "usage_reset_period", "is_soft_limit", "display_order", "aggregation_mode")
_AGREED = ("usage_limit", "is_enabled", "static_value", "config_value")


def of(scope: Scope, subscription: Row) -> list[Row]:
    """The entitlements in force, those of an addon as often as the subscription has it in its running period."""
    had = [row["addon_id"] for row in addons.current(scope, subscription)]
    owners = [subscription["plan_id"], *had, subscription["id"]]
    rows = [row for owner in owners for row in entitlements_of(scope, owner)]
    replaced = {row.get("parent_entitlement_id") for row in rows if row["entity_id"] == subscription["id"]}
    return [row for row in rows if row["id"] not in replaced]


def override(scope: Scope, subscription: Row, given: Sequence[Mapping[str, Any]]) -> None:
    """Agree on other limits or values than the plan's and the addons' entitlements have.

    Raises :class:`errors.ApiError` for one that is not the subscription's, and for one that is named twice.
    """
    known = {row["id"]: row for row in of(scope, subscription)}
    for index, one in enumerate(given):
        parent = known.pop(one["entitlement_id"], None)
        if parent is None:
            details = {"index": index, "entitlement_id": one["entitlement_id"]}
            message = "Each entitlement of the plan or of an addon can be overridden once per subscription"
            raise errors.validation(message, details)
        if one["usage_limit"] is not None and one["usage_limit"] < 0:
            message = "Usage limit must be greater than or equal to 0"
            raise errors.validation(message, {"usage_limit": one["usage_limit"]})
        agreed = {name: parent.get(name) if one[name] is None else one[name] for name in _AGREED[1:]}
        row = scope.insert(
            "entitlements",
            "ent",
            environment_id=scope.environment,
            entity_type="SUBSCRIPTION",
            entity_id=subscription["id"],
            parent_entitlement_id=parent["id"],
            usage_limit=one["usage_limit"],
            **{name: parent[name] for name in _TAKEN_OVER},
            **{name: value for name, value in agreed.items() if value is not None},
        )
        scope.publish("entitlement.created", row)
