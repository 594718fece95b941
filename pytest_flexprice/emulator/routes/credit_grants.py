"""``/v1/creditgrants``: grants of a plan or subscription (contract 2.3, recording credit_grants)."""

from __future__ import annotations

from typing import Any

from ..billing import grants
from ..billing.scope import customer_by_id, subscription_by_id
from ..kernel import errors
from ..kernel.binding import Schema, decimal, field, instant, integer, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.resource import Resource, all_items, among, equal
from ..kernel.routing import route

SCOPES = ("PLAN", "SUBSCRIPTION", "ADDON")
CADENCES = ("ONETIME", "RECURRING")
DURATION_UNITS = ("DAY", "WEEK", "MONTH", "YEAR")
EXPIRATIONS = ("NEVER", "DURATION", "BILLING_CYCLE")
PERIODS = ("DAILY", "WEEKLY", "MONTHLY", "QUARTERLY", "HALF_YEARLY", "ANNUAL")
_OPTIONAL = (
    "subscription_id", "period", "period_count", "expiration_duration", "expiration_duration_unit", "priority",
    "start_date", "end_date", "conversion_rate", "topup_conversion_rate", "metadata",
)  # fmt: skip

GRANT = Schema(
    "CreateCreditGrantRequest",
    *several(text, "name scope cadence", "required"),
    *several(text, "plan_id subscription_id addon_id period expiration_type expiration_duration_unit"),
    *several(decimal, "credits conversion_rate topup_conversion_rate"),
    *several(integer, "period_count expiration_duration priority"),
    *several(instant, "start_date end_date"),
    field("metadata", strings),
)
_UPDATE = Schema("UpdateCreditGrantRequest", field("name"), field("metadata", strings), field("end_date", instant))


_DELETE = Schema("DeleteCreditGrantRequest", field("effective_date", instant))
GRANTS = Resource(
    "credit grants",
    ("name", "scope", "plan_id", "subscription_id"),
    (among("plan_ids", "plan_id"), among("subscription_ids", "subscription_id"), equal("scope")),
)
GRANTS.serve("/v1/creditgrants", search=False, one=True)


def _check(body: dict[str, Any]) -> None:
    errors.require_one_of(SCOPES, body["scope"], "credit grant scope", "scope")
    credits = body["credits"] or decimal(0)
    errors.refuse(credits <= 0, "Please provide a positive credits", credits=credits)
    errors.require_one_of(CADENCES, body["cadence"], "credit grant cadence", "cadence")
    if body["cadence"] == "RECURRING" and body["period"] not in PERIODS:
        raise errors.validation("Period is required for RECURRING cadence", {"cadence": body["cadence"]})
    expiration, unit = body["expiration_type"], body["expiration_duration_unit"]
    errors.require_one_of(EXPIRATIONS, expiration, "expiration type", "expiration_type")
    errors.require_one_of(DURATION_UNITS, unit, "expiration duration unit", "expiration_duration_unit")
    if expiration == "DURATION" and not (body["expiration_duration"] and unit):
        raise errors.validation("Expiration duration and its unit are required for DURATION expiration type")


def _require_owner(call: Call, body: dict[str, Any]) -> None:
    if body["scope"] == "SUBSCRIPTION":
        errors.refuse(not body["subscription_id"], "Please provide a valid subscription id")
        subscription_by_id(call, body["subscription_id"])
        if body["start_date"] is None:
            details = {"scope": body["scope"]}
            raise errors.validation("Please provide a start date for the credit grant", details)
        return
    kind = body["scope"].lower()
    identifier = body[f"{kind}_id"]
    errors.refuse(not identifier, f"Please provide a valid {kind} id")
    call.named(f"{kind}s", identifier, any_status=True)


@route("POST", "/v1/creditgrants", permission="credit_grant:write")
def create_grant(call: Call) -> Reply:
    """A new grant; subscribing to its plan makes a wallet with its credits."""
    body = call.bind(GRANT)
    _check(body)
    _require_owner(call, body)
    if body["scope"] == "SUBSCRIPTION":
        granted = {**body, "expiration_type": body["expiration_type"] or "NEVER"}
        return created(grants.add(call, call.need("subscriptions", body["subscription_id"]), granted))
    fields = {name: body[name] for name in ("name", "scope")}
    fields |= {name: body[name] for name in ("plan_id", "addon_id") if body[name]}
    fields |= {name: body[name] for name in ("credits", "cadence")}
    fields["expiration_type"] = body["expiration_type"] or "NEVER"
    fields |= {name: body[name] for name in _OPTIONAL if body[name] is not None}
    return created(call.insert("credit_grants", "cg", **fields))


@route("GET", "/v1/subscriptions/:id/grants/upcoming")
def upcoming_of_subscription(call: Call) -> dict[str, Any]:
    """The next instalment of each grant of a subscription."""
    return all_items(grants.upcoming(call, [subscription_by_id(call, call.params["id"])]))


@route("GET", "/v1/customers/:id/grants/upcoming")
def upcoming_of_customer(call: Call) -> dict[str, Any]:
    """The next instalment of each grant of a customer's subscriptions."""
    customer = customer_by_id(call, call.params["id"])
    return all_items(grants.upcoming(call, call.find("subscriptions", customer_id=customer["id"])))


@route("PUT", "/v1/creditgrants/:id", permission="credit_grant:write")
def update_grant(call: Call) -> Any:
    """Change name, metadata or end."""
    body = call.bind(_UPDATE)
    row = GRANTS.found(call, call.params["id"])
    call.touch(row, **{name: value for name, value in body.items() if value})
    return row


@route("DELETE", "/v1/creditgrants/:id", permission="credit_grant:write")
def delete_grant(call: Call) -> dict[str, str]:
    """Archive a grant, now whatever date is given."""
    if call.body.strip():
        call.bind(_DELETE)
    call.touch(GRANTS.found(call, call.params["id"]), status="archived")
    return {"message": "credit grant deleted successfully"}
