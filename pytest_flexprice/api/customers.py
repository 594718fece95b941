"""Reading all customers and subscriptions, page by page (contract 4.1, 4.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.errors import ApiError
from pytest_flexprice.api.observed import observing
from pytest_flexprice.model.decimals import ZERO, decimal, words
from pytest_flexprice.model.prices import Price

STATUSES = ("active", "paused", "cancelled", "incomplete", "trialing", "draft")
"""All of them must be asked for: a search without statuses shows active subscriptions only (contract 4.3)."""


def read_customers(flexprice: Flexprice) -> Iterator[dict[str, Any]]:
    """All customers that are not deleted, one request for each 1,000."""
    return flexprice.search("/v1/customers/search")


def read_onboarding(flexprice: Flexprice) -> dict[str, Any]:
    """What the setting ``customer_onboarding`` does with unknown external ids; nothing where the key may not read it."""
    try:
        return dict((flexprice.get("/v1/settings/customer_onboarding") or {}).get("value") or {})
    except ApiError:
        return {}


def read_archived_customers(flexprice: Flexprice) -> dict[str, str]:
    """The external ids of archived customers, each with the day on which it last changed (contract 1.10, 4.1)."""
    rows = flexprice.search("/v1/customers/search", {"status": "archived"})
    return {
        str(row["external_id"]): str(row.get("updated_at") or "")[:10]
        for row in rows
        if row.get("status") == "archived"
    }


def read_subscriptions(flexprice: Flexprice, **only: Any) -> Iterator[dict[str, Any]]:
    """All subscriptions of every status with their plan and lines, one request for each 1,000."""
    return flexprice.search(
        "/v1/subscriptions/search", {"subscription_status": list(STATUSES), "with_line_items": True, **only}
    )


def read_plan_prices(flexprice: Flexprice) -> dict[str, Price]:
    """All prices of plans by id, those that have ended too (contract 2.4)."""
    rows = flexprice.list("/v1/prices", allow_expired_prices="true")
    return {row["id"]: Price.from_api(row) for row in rows if row.get("entity_type") == "PLAN"}


def read_own_prices(flexprice: Flexprice) -> dict[str, Price]:
    """All prices of single subscriptions by id (contract 11.2)."""
    with observing("4.2", "the prices of subscriptions"):
        rows = flexprice.list("/v1/prices", allow_expired_prices="true")
        return {row["id"]: Price.from_api(row) for row in rows if row.get("entity_type") == "SUBSCRIPTION"}


def read_coupon_codes(flexprice: Flexprice) -> dict[str, frozenset[str]]:
    """The codes of attached coupons by subscription, in lower case as Flexprice stores them (contract 11.2)."""
    found: dict[str, set[str]] = {}
    with observing("4.2", "the coupons of subscriptions"):
        for row in flexprice.list("/v1/coupons/associations"):
            code = str((row.get("coupon") or {}).get("coupon_code") or "").lower()
            found.setdefault(str(row.get("subscription_id")), set()).add(code)
    return {key: frozenset(codes) for key, codes in found.items()}


def read_own_allowances(flexprice: Flexprice) -> dict[str, list[str]]:
    """What single subscriptions are allowed beside their plan, in words, by subscription; nothing where the key may not read it."""
    found: dict[str, list[str]] = {}
    try:
        for row in flexprice.search("/v1/entitlements/search", {"entity_type": "SUBSCRIPTION", "expand": "features"}):
            if row.get("entity_type") == "SUBSCRIPTION":
                found.setdefault(str(row.get("entity_id")), []).append(_allowed(row))
    except ApiError:
        return {}
    return found


def read_prepaid(flexprice: Flexprice) -> dict[str, list[tuple[str, str]]]:
    """The prepaid credits that customers hold, currency and words, by the customer's id; nothing where the key may not read wallets.

    They pay finalized invoices (contract 5.4, recording invoice_coupon_tax_wallet).
    """
    found: dict[str, list[tuple[str, str]]] = {}
    try:
        for row in flexprice.list("/v1/wallets"):
            held = decimal(row.get("balance"), ZERO)
            if held > 0 and row.get("wallet_type") == "PRE_PAID" and row.get("wallet_status") == "active":
                currency = str(row.get("currency") or "").lower()
                told = f"prepaid credits of {words(held)} {currency}".rstrip() + f" in wallet '{row.get('name') or ''}'"
                found.setdefault(str(row.get("customer_id")), []).append((currency, told))
    except ApiError:
        return {}
    return found


def _allowed(row: Mapping[str, Any]) -> str:
    feature = row.get("feature") or {}
    name = f"'{feature.get('lookup_key') or feature.get('name') or row.get('feature_id')}'"
    if row.get("feature_type") != "metered":
        return name
    limit = row.get("usage_limit")
    return f"{'without limit' if limit is None else limit} of {name} {row.get('usage_reset_period') or ''}".rstrip()
