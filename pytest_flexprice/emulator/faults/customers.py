"""Faults of customers and subscriptions (checklist section 4): changes to the rows that are about to be seeded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..kernel.render import gotime
from .catalog import Catalog, plans
from .registry import fault

if TYPE_CHECKING:
    from ..seeding.seed import Seeder

Rows = list[dict[str, Any]]
AHEAD = timedelta(days=20)


def _subscribed(rows: Rows) -> dict[str, Any]:
    """The first customer who has a plan."""
    return next((row for row in rows if row.get("plan")), {})


@fault("F81", "a customer was never created in Production", "customers")
def missing_customer(rows: Rows) -> None:
    """The last customer is not there."""
    rows.pop()


@fault("F82", "a customer's external id differs in its case", "customers")
def other_case(rows: Rows) -> None:
    """The first customer has the id in the other case."""
    rows[0]["external_id"] = rows[0]["external_id"].swapcase()


@fault("F83", "a customer appeared from events with a mistyped id", "customers")
def phantom(rows: Rows) -> None:
    """A customer named like its external id, without a subscription, as the onboarding workflow makes them."""
    identifier = rows[0]["external_id"] + "_"
    metadata = {"created_by_workflow": "true"}
    rows.append({"external_id": identifier, "name": identifier, "metadata": metadata})


@fault("F84", "a customer is on another plan", "customers")
def other_plan(rows: Rows) -> None:
    """The first customer has the plan of another one."""
    first = _subscribed(rows)
    other = next((row["plan"] for row in rows if row.get("plan") not in (None, "", first.get("plan"))), None)
    if other:
        first["plan"] = other


@fault("F86", "a customer has no subscription", "customers")
def no_subscription(rows: Rows) -> None:
    """The first customer was created and never subscribed."""
    _subscribed(rows).pop("plan", None)


@fault("F87", "a customer has two active subscriptions and is billed twice", "customers")
def doubled(rows: Rows) -> None:
    """The first customer was subscribed again."""
    rows.append(dict(_subscribed(rows)))


@fault("F88", "a subscription is a draft that nobody activated", "customers")
def draft(rows: Rows) -> None:
    """The first customer's subscription never started."""
    _subscribed(rows)["subscription_status"] = "draft"


@fault("F89", "a subscription is paused", "seeded")
def paused(seeder: Seeder) -> None:
    """The first subscription was paused after its creation."""
    for identifier in list(seeder.seeded.subscriptions.values())[:1]:
        seeder.call("PUT", f"/v1/subscriptions/{identifier}", {"status": "paused"})


@fault("F90", "a usage price is in another currency, so subscriptions dropped its line without a word", "catalog")
def dropped_line(catalog: Catalog) -> None:
    """The first usage price of the biggest plan is in another currency."""
    for _key, plan in plans(catalog):
        usage = [price for price in plan.get("prices") or () if price["type"] == "USAGE"]
        if usage:
            usage[0]["currency"] = "usd" if usage[0]["currency"] == "eur" else "eur"
            return


@fault("F92", "a subscription starts in the future", "customers")
def future_start(rows: Rows) -> None:
    """The first customer's subscription starts 20 days from now."""
    start = (datetime.now(UTC) + AHEAD).replace(microsecond=0)
    _subscribed(rows)["start_date"] = gotime(start)


@fault("F93", "a subscription is billed by the calendar instead of by its anniversary", "customers")
def other_cycle(rows: Rows) -> None:
    """The first customer's billing cycle is the other one."""
    row = _subscribed(rows)
    row["billing_cycle"] = "anniversary" if row.get("billing_cycle") == "calendar" else "calendar"


@fault("F95", "a subscription charges automatically because nobody said otherwise", "customers")
def automatic(rows: Rows) -> None:
    """The first customer's subscription has the default collection method."""
    _subscribed(rows)["collection_method"] = "charge_automatically"


@fault("F102", "the subscriptions collect by different methods", "customers")
def mixed_collection(rows: Rows) -> None:
    """Every second subscription collects by the other method."""
    for row in [row for row in rows if row.get("plan")][::2]:
        automatic_now = row.get("collection_method") == "charge_automatically"
        row["collection_method"] = "send_invoice" if automatic_now else "charge_automatically"


@fault("F103", "invoices are to be collected automatically, and no payment gateway is connected", "customers")
def nobody_collects(rows: Rows) -> None:
    """Every subscription charges automatically; there are never connections here."""
    for row in rows:
        row["collection_method"] = "charge_automatically"
