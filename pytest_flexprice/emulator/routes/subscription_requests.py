"""The request that makes a subscription: its fields, and what is refused before anything is looked up (contract 4.2)."""

from __future__ import annotations

from typing import Any

from ..billing import config, inheritance, line_changes, line_commitments, overrides, periods, phases
from ..kernel import errors
from ..kernel.binding import Schema, decimal, field, instant, integer, mapping, several, strings, text
from ..kernel.call import Call
from ..kernel.pricing_rules import currency_code
from ..kernel.render import dec
from .deal_requests import AGREED, INHERITANCE

STATUSES = ("active", "paused", "cancelled", "incomplete", "trialing", "draft")
_COLLECTION = ("charge_automatically", "send_invoice")
_CYCLES = ("anniversary", "calendar")
_BEHAVIORS = {
    "charge_automatically": ("allow_incomplete", "error_if_incomplete", "default_active"),
    "send_invoice": ("default_active", "default_incomplete"),
}
_WORDS = {
    "charge_automatically": "allow_incomplete, error_if_incomplete, and default_active",
    "send_invoice": "default_active and default_incomplete",
}
CREATE = Schema(
    "CreateSubscriptionRequest",
    *several(text, "customer_id external_customer_id lookup_key billing_cycle payment_behavior"),
    *several(text, "gateway_payment_method_id collection_method proration_behavior payment_terms"),
    *several(text, "subscription_status timezone"),
    *several(text, "plan_id currency billing_period", "required"),
    *several(instant, "start_date end_date billing_anchor"),
    field("billing_period_count", integer),
    field("metadata", strings),
    field("auto_invoice_threshold", decimal),
    field("inheritance", INHERITANCE),
    *AGREED,
    field("checkout", mapping),
)


def require_known(status: str, allowed: tuple[str, ...] = STATUSES) -> None:
    """400 for a status that subscriptions cannot have, or cannot be given here."""
    errors.refuse(status not in allowed, "Invalid subscription status", allowed_status=list(STATUSES), status=status)


def check(body: dict[str, Any], call: Call) -> None:
    """What is refused before anything is looked up, in the server's order."""
    threshold = body["auto_invoice_threshold"]
    if threshold is not None and threshold < 0:
        details = {"auto_invoice_threshold": dec(threshold)}
        raise errors.validation("auto_invoice_threshold must be zero or greater", details)
    if threshold is not None and any((body["inheritance"] or {}).values()):  # so the API's own description
        raise errors.validation("auto_invoice_threshold is only supported for standalone subscriptions")
    if not body["customer_id"] and not body["external_customer_id"]:
        raise errors.validation("Please provide either customer_id or external_customer_id")
    if body["inheritance"] is not None:
        inheritance.check(body["inheritance"])
    body["currency"] = currency_code(body["currency"])
    _check_period(body)
    _check_collection(body)
    start, end = body["start_date"] or call.now, body["end_date"]
    errors.refuse(end is not None and end < start, "End date must be after start date", end_date=end, start_date=start)
    config.check_proration(body["proration_behavior"])
    if (body["trial_period_days"] or 0) < 0:
        details = {"trial_period_days": body["trial_period_days"]}
        raise errors.validation("Use 0 to disable trial or omit to inherit from plan prices", details)
    errors.refuse(body["subscription_status"] == "draft" and body["phases"], "Draft subscriptions cannot have phases")
    _check_amounts(body)
    _check_deal(body, call)
    if body["checkout"]:
        raise errors.not_implemented("checkout on POST /v1/subscriptions")


def _check_period(body: dict[str, Any]) -> None:
    if body["billing_period"] not in (*periods.BILLING_PERIODS, periods.ONETIME):
        raise errors.validation("Invalid billing period", {"billing_period": body["billing_period"]})
    if body["billing_period"] == periods.ONETIME:
        raise errors.validation("Invalid billing period type", {"period": body["billing_period"]})
    errors.require_allowed(_CYCLES, body["billing_cycle"], "Invalid billing cycle", "billing_cycle")
    if body["billing_anchor"] and body["billing_cycle"] == "calendar":
        details = {"billing_anchor": body["billing_anchor"], "billing_cycle": body["billing_cycle"]}
        raise errors.validation("billing_anchor can only be passed when billing_cycle is anniversary", details)


def _check_collection(body: dict[str, Any]) -> None:
    if body["collection_method"] == "default_incomplete":  # an old word for an automatic collection that may fail
        body["collection_method"] = "charge_automatically"
        if body["payment_behavior"] in (None, "", "default_incomplete"):
            body["payment_behavior"] = "allow_incomplete"
    errors.require_allowed(_COLLECTION, body["collection_method"], "Invalid collection method", "collection_method")
    terms = f"Payment terms must be one of: {', '.join(config.PAYMENT_TERMS)}"
    errors.require_allowed(config.PAYMENT_TERMS, body["payment_terms"], terms, "payment_terms")
    if (body["billing_period_count"] or 1) < 1:
        details = {"billing_period_count": body["billing_period_count"]}
        raise errors.validation("Billing Period must be a valid positive number", details)
    method = body["collection_method"] or "charge_automatically"
    behavior = body["payment_behavior"]
    if behavior and behavior not in _BEHAVIORS[method]:
        details = {"collection_method": method, "payment_behavior": behavior}
        details["allowed_behaviors"] = list(_BEHAVIORS[method])
        raise errors.validation(f"Only {_WORDS[method]} are supported for {method} collection method", details)
    if behavior == "error_if_incomplete":
        raise errors.not_implemented("payment_behavior error_if_incomplete on POST /v1/subscriptions")


def _check_amounts(body: dict[str, Any]) -> None:
    require_known(body["subscription_status"] or "draft", ("draft", "active"))
    if body["commitment_amount"] is not None and body["commitment_amount"] < 0:
        details = {"commitment_amount": body["commitment_amount"]}
        raise errors.validation("Commitment amount must be greater than or equal to 0", details)
    duration = body["commitment_duration"]
    if duration and duration not in periods.BILLING_PERIODS:
        raise errors.validation("Invalid billing period", {"billing_period": duration})
    if body["overage_factor"] is not None and body["overage_factor"] < 1:
        details = {"overage_factor": body["overage_factor"]}
        raise errors.validation("Overage factor must be greater than or equal to 1.0", details)


def _check_deal(body: dict[str, Any], call: Call) -> None:
    for index, grant in enumerate(body["credit_grants"] or []):
        if grant["scope"] != "SUBSCRIPTION":
            details = {"grant_index": index, "grant_scope": grant["scope"] or ""}
            message = "Credit grants created with a subscription must have SUBSCRIPTION scope"
            raise errors.validation(message, details)
    line_commitments.check_all(body["line_item_commitments"])
    overrides.check_once(body["override_line_items"] or [])
    for line in body["line_items"] or []:
        line_changes.check_new({"start_date": body["start_date"] or call.now, "end_date": body["end_date"]}, line)
    if body["phases"]:
        phases.check(body["phases"], body["start_date"] or call.now, body["end_date"])
