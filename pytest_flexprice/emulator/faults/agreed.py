"""No fault: deals that a customers file cannot declare, so that servers which keep them wrongly can be seen (item 5.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..kernel.tables import Row
from .registry import fault

if TYPE_CHECKING:
    from ..seeding.seed import Seeder

DEALS = "deals"
_LARGE = 1000
_SOON = timedelta(days=10)


@fault(DEALS, "customers have taxes, true-ups and fees that end, which is right and must not fail", "seeded")
def agreed(seeder: Seeder) -> None:
    """A tax for whoever has a coupon, a true-up for large commitments, and an end within the next period for the longest one's fees."""
    body = {"subscription_status": ["active"], "with_line_items": True, "limit": 1000}
    found = seeder.call("POST", "/v1/subscriptions/search", body)["items"]
    couponed = {row["subscription_id"] for row in seeder.call("GET", "/v1/coupons/associations?limit=1000")["items"]}
    for row in found:
        if row["id"] in couponed:
            _tax(seeder, row)
        if float(row.get("commitment_amount") or 0) >= _LARGE:
            _stored(seeder, "subscriptions", row["id"])["enable_true_up"] = True
    plain = [row for row in found if row["id"] not in couponed and not row.get("commitment_amount")]
    plain.sort(key=lambda row: str(row["current_period_end"]))
    for line in (plain[-1].get("line_items") or ()) if plain else ():
        item = _stored(seeder, "subscription_line_items", line["id"])
        if item["price_type"] == "FIXED":
            item["end_date"] = _stored(seeder, "subscriptions", plain[-1]["id"])["current_period_end"] + _SOON


def _tax(seeder: Seeder, row: dict[str, Any]) -> None:
    rates = seeder.call("GET", "/v1/taxes/rates?limit=1")["items"]
    for rate in rates:
        known = {"tax_rate_code": rate["code"], "entity_type": "subscription", "entity_id": row["id"]}
        seeder.call("POST", "/v1/taxes/associations", {**known, "currency": row["currency"], "auto_apply": True})


def _stored(seeder: Seeder, table: str, identifier: str) -> Row:
    found = seeder.world.table(table).get(identifier, seeder.environment)
    assert found is not None
    return found
