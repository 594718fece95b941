"""``/v1/wallets`` and a customer's wallets (contract 7.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..billing import topups, wallets
from ..billing.scope import Scope, customer_by_id, customer_of
from ..kernel import alerts, errors
from ..kernel.binding import Schema, boolean, decimal, field, instant, integer, mapping, several, strings, text
from ..kernel.call import Call
from ..kernel.lists import OWN, Page
from ..kernel.pricing_rules import by_code, currency_code
from ..kernel.resource import Resource, Values, among, equal, flag
from ..kernel.routing import route
from ..kernel.tables import Row

_TYPES = ("PRE_PAID", "POST_PAID")
_PRICED = ("ALL", "USAGE", "FIXED")
_COLUMNS = ("customer_id", "currency", "balance", "credit_balance", "wallet_status", "wallet_type", "name")
_REFILL = Schema(
    "AutoTopup",
    *several(boolean, "enabled invoicing"),
    *several(decimal, "threshold amount"),
    field("cooldown", Schema("Duration", field("value", integer), field("unit"))),
)
_CREATE = Schema(
    "CreateWalletRequest",
    *several(text, "customer_id external_customer_id name description wallet_type price_unit"),
    field("currency", rules="required", bound=True),
    field("metadata", strings),
    field("config", mapping),
    *several(decimal, "conversion_rate topup_conversion_rate initial_credits_to_load"),
    field("initial_credits_expiry_date_utc", instant),
    field("initial_credits_to_load_expiry_date", integer),
    field("alert_settings", alerts.ALERTS),
    field("auto_topup", _REFILL),
)
_UPDATE = Schema(
    "UpdateWalletRequest",
    *several(text, "name description"),
    field("metadata", strings),
    field("config", mapping),
    field("alert_settings", alerts.ALERTS),
    field("auto_topup", _REFILL),
)


def wallet_by_id(scope: Scope, identifier: str) -> Row:
    return scope.found("wallets", identifier, "Wallet not found", {"wallet_id": identifier}, any_status=True)


WALLETS = Resource(
    "wallets",
    _COLUMNS,
    (
        among("wallet_ids", "id"),
        equal("customer_id"),
        equal("wallet_status"),
        flag("alert_enabled", lambda row, given: bool((row.get("alert_settings") or {}).get("alert_enabled")) is given),
    ),
    sort="name",
    conditions=False,
    offset=OWN,
    find=wallet_by_id,
)


def _page(call: Call, values: Values, page: Page) -> dict[str, Any]:
    """Of wallets ``status`` asks whether they are active, frozen or closed (so the API's description)."""
    wanted, page.status = page.status, None
    rows = [row for row in WALLETS.all(call) if not wanted or row["wallet_status"] == wanted]
    return WALLETS.answer(call, values, page, rows)


WALLETS.serve("/v1/wallets", one=True, answer=_page)


@route("POST", "/v1/wallets", permission="wallet:write")
def create_wallet(call: Call) -> Row:
    """A new wallet, with credits to start with; answers 200."""
    body = call.bind(_CREATE)
    if not body["customer_id"] and not body["external_customer_id"]:
        raise errors.validation("Please provide either customer_id or external_customer_id")
    errors.require_one_of(_TYPES, body["wallet_type"], "wallet type", "type")
    currency = currency_code(body["currency"])
    alerts.check(body["alert_settings"])
    _check_config(body["config"])
    expiry = _expiry(body)
    if body["conversion_rate"] is not None and body["conversion_rate"] <= 0:
        raise errors.validation("Conversion rate must be greater than 0")
    _check_refill(body["auto_topup"])
    if body["price_unit"]:
        unit = by_code(call, body["price_unit"])
        currency, body["conversion_rate"] = unit["base_currency"], unit["conversion_rate"]
    customer = customer_of(call, body["customer_id"], body["external_customer_id"])
    kind = body["wallet_type"] or "PRE_PAID"
    existing = wallets.active(call, customer["id"], currency, kind)
    if existing:
        details = {
            "customer_id": customer["id"], "wallet_id": existing[0]["id"], "currency": currency, "wallet_type": kind,
        }  # fmt: skip
        raise errors.conflict("A customer can only have one active wallet per currency and wallet type", details)
    row = wallets.create(call, customer["id"], currency, **body_of(body))
    credits = body["initial_credits_to_load"]
    if credits is not None and credits > 0:
        wallets.move(call, row, credits, "FREE_CREDIT_GRANT", row["id"], expiry=expiry)
    return row


def _check_config(given: dict[str, Any] | None) -> None:
    kinds = (given or {}).get("allowed_price_types") or []
    if not isinstance(kinds, list) or any(kind not in _PRICED for kind in kinds):
        raise errors.validation("Invalid allowed price types", {"allowed": list(_PRICED)})


def _check_refill(given: dict[str, Any] | None) -> None:
    """Refuse a rule of refills that could not be followed."""
    if not given or not given["enabled"]:
        return
    for name in ("threshold", "amount"):
        if given[name] is None or given[name] < 0 or (name == "amount" and not given[name]):
            raise errors.validation(f"auto_topup {name} is required and must be positive when it is enabled")
    errors.require_one_of(topups.UNITS, (given["cooldown"] or {}).get("unit"), "duration unit", "unit")


def _expiry(body: dict[str, Any]) -> datetime | None:
    """When the first credits expire: an instant, or midnight UTC of a day written as YYYYMMDD."""
    given: datetime | None = body["initial_credits_expiry_date_utc"]
    day = body["initial_credits_to_load_expiry_date"]
    if given is not None or not day:
        return given
    try:
        return datetime.strptime(str(day), "%Y%m%d").replace(tzinfo=UTC)
    except ValueError as error:
        details = {"initial_credits_to_load_expiry_date": day}
        raise errors.validation("Invalid expiry date, expected YYYYMMDD", details) from error


def body_of(body: dict[str, Any]) -> dict[str, Any]:
    """The fields of a create request that a wallet keeps as they are."""
    names = (
        "name", "description", "metadata", "wallet_type", "config", "conversion_rate", "topup_conversion_rate",
        "alert_settings", "auto_topup",
    )  # fmt: skip
    return {name: body[name] for name in names}


@route("PUT", "/v1/wallets/:id", permission="wallet:write")
def update_wallet(call: Call) -> Row:
    """What is given; of the rule of refills as well (the documentation's page on automatic top-ups)."""
    body = call.bind(_UPDATE)
    alerts.check(body["alert_settings"])
    _check_config(body["config"])
    row = wallet_by_id(call, call.params["id"])
    if body["auto_topup"]:
        given = {name: value for name, value in body["auto_topup"].items() if value is not None}
        body["auto_topup"] = {**dict.fromkeys(body["auto_topup"]), **(row.get("auto_topup") or {}), **given}
    _check_refill(body["auto_topup"])
    call.touch(row, **{name: value for name, value in body.items() if value is not None})
    call.publish("wallet.updated", row)
    return row


@route("GET", "/v1/customers/:id/wallets")
def customer_wallets(call: Call) -> list[Row]:
    """A customer's wallets, as a bare array."""
    customer = customer_by_id(call, call.params["id"])
    return call.find("wallets", customer_id=customer["id"], status="published")


@route("POST", "/v1/wallets/:id/terminate", permission="wallet:write")
def terminate_wallet(call: Call) -> dict[str, str]:
    """Close a wallet; what it holds is gone."""
    row = wallet_by_id(call, call.params["id"])
    if row["wallet_status"] != "active":
        raise errors.invalid_operation("Wallet is already terminated")
    wallets.terminate(call, row)
    return {"message": "wallet terminated successfully"}
