"""Addons, coupons and tax rates put on a running subscription or taken off it, and another end of its trial.

These kinds of ``modify`` were not recorded: shapes and rules are those of the API's own description.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..kernel import errors
from ..kernel.scope import unknown
from ..kernel.tables import Row
from . import addons, grants, line_items, promises, quantities, trials
from .periods import ONETIME
from .quantities import Change
from .rounding import ONE, ZERO
from .scope import Scope

Given = Mapping[str, Any]
Changed = dict[str, list[dict[str, Any]]]
_TRIAL_ENDS = ("immediate", "scheduled_date")


def _adds(kind: str, params: Given) -> bool:
    """Whether something is added, not removed."""
    errors.refuse(params.get("action") not in ("add", "remove"), f"Valid values for {kind} action: add, remove")
    return bool(params["action"] == "add")


def _required(params: Given, name: str) -> Any:
    errors.refuse(not params.get(name), f"{name} is required for action '{params['action']}'")
    return params[name]


def _association(scope: Scope, table: str, row: Row, identifier: str, owner: str) -> Row:
    """A published association of the subscription; 404 otherwise."""
    found = scope.get(table, identifier)
    if found is None or found["status"] != "published" or found[owner] != row["id"]:
        raise unknown(table, identifier)
    return found


def add_addon(scope: Scope, row: Row, given: Given) -> tuple[Row, list[dict[str, Any]]]:
    """Attach an addon with its credits and, where that is asked for, bill its fees for the rest of the period."""
    association = addons.attach(scope, row, given)
    if row["subscription_status"] == "active":
        grants.pay_all(scope, row)
    return association, prorate(scope, row, given, begun=_lines(scope, row, association))


def remove_addon(scope: Scope, given: Given) -> tuple[Row, list[dict[str, Any]]]:
    """Detach an addon and, where that is asked for, credit its fees for the rest of the period."""
    association = addons.detach(scope, given)
    row = scope.need("subscriptions", association["entity_id"])
    return association, prorate(scope, row, given, ended=_lines(scope, row, association))


def _lines(scope: Scope, row: Row, association: Row) -> list[Row]:
    return [line for line in line_items.of(scope, row) if line["addon_association_id"] == association["id"]]


def prorate(
    scope: Scope, row: Row, given: Given, *, begun: Iterable[Row] = (), ended: Iterable[Row] = ()
) -> list[dict[str, Any]]:
    """Where a request asks for it, bill fees that begin within the running period and credit those that end in it."""
    if given["proration_behavior"] != "create_prorations" or row["subscription_status"] != "active":
        return []
    changes = [Change(line, ZERO, line["quantity"] or ONE, line["start_date"]) for line in begun]
    changes += [Change(line, line["quantity"] or ONE, ZERO, line["end_date"]) for line in ended]
    period = row["current_period_start"], row["current_period_end"]
    fees = [one for one in changes if one.item["price_type"] == "FIXED" and one.item["billing_period"] != ONETIME]
    return quantities.settle(scope, row, [one for one in fees if period[0] <= one.moment < period[1]])


def addon(scope: Scope, row: Row, params: Given) -> Changed:
    """Attach or detach an addon; what is shown are its lines, and what was billed or credited."""
    adding = _adds("addon", params)
    given = _required(params, params["action"])
    association, made = add_addon(scope, row, given) if adding else remove_addon(scope, given)
    lines = [line(one, "created" if adding else "ended") for one in _lines(scope, row, association)]
    return {"line_items": lines, **({"invoices": made} if made else {})}


def line(item: Row, action: str) -> dict[str, Any]:
    """A line that a change made or ended, as its answer shows it."""
    shown = {name: item[name] for name in ("id", "price_id", "quantity", "start_date", "end_date") if item[name]}
    return {**shown, "change_action": action}


def coupon(scope: Scope, row: Row, params: Given) -> Changed:
    """Attach a coupon by its code, to the subscription or one of its lines, or take an association away."""
    if not _adds("coupon", params):
        identifier = _required(params, "coupon_association_id")
        found = _association(scope, "coupon_associations", row, identifier, "subscription_id")
        scope.touch(found, status="archived")
        return {}
    line = params.get("subscription_line_item_id")
    if line and params.get("subscription_id"):
        raise errors.validation("Give either subscription_id or subscription_line_item_id of the coupon, not both")
    if line and not any(one["id"] == line for one in line_items.of(scope, row)):
        raise errors.validation("The line item is not of this subscription", {"subscription_line_item_id": line})
    dates = params.get("start_date") or scope.now, params.get("end_date")
    promises.attach_coupon(scope, row, _required(params, "coupon_code"), dates, line or None)
    return {}


def tax(scope: Scope, row: Row, params: Given) -> Changed:
    """Let a tax rate count for the subscription, or no more."""
    if not _adds("tax", params):
        identifier = _required(params, "tax_association_id")
        found = _association(scope, "tax_associations", row, identifier, "entity_id")
        when = params.get("effective_date")
        scope.touch(found, **({"end_date": when} if when and when > scope.now else {"status": "archived"}))
        return {}
    identifier = _required(params, "tax_rate_id")
    rate = scope.named("tax_rates", identifier)
    given = {"priority": None, "auto_apply": True, "currency": row["currency"], "metadata": None}
    given["start_date"] = params.get("effective_date")
    promises.associate_tax(scope, rate, "subscription", row["id"], given)
    return {}


def trial_end(scope: Scope, row: Row, params: Given) -> Changed:
    """End the trial now, or move its end."""
    action = params.get("action")
    errors.refuse(action not in _TRIAL_ENDS, f"Valid values for trial end action: {', '.join(_TRIAL_ENDS)}")
    if row["subscription_status"] != "trialing":
        details = {"subscription_id": row["id"], "subscription_status": row["subscription_status"]}
        raise errors.validation("Only the trial of a trialing subscription can be changed", details)
    now = scope.now
    end = now if action == "immediate" else params.get("new_trial_end")
    if end is None:
        raise errors.validation("new_trial_end is required for action 'scheduled_date'")
    errors.refuse(end < now, "new_trial_end must be in the future", new_trial_end=end)
    scope.touch(row, trial_end=end, current_period_end=end)
    if action == "immediate":
        trials.start_paying(scope, row)
    changed = {"id": row["id"], "action": "updated", "status": row["subscription_status"], "trial_end": end}
    return {"subscriptions": [{**changed, "current_period_end": row["current_period_end"]}]}


KINDS = {"quantity_change": quantities.change, "addon": addon, "coupon": coupon, "tax": tax, "trial_end": trial_end}
"""What each type of modification does to a subscription."""
