"""Faults of customers and subscriptions (checklist section 4): changes to the rows that are about to be seeded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_flexprice.model.customer_columns import DEALS

from ..kernel.render import gotime
from .registry import fault

if TYPE_CHECKING:
    from ..seeding.seed import Seeder

Rows = list[dict[str, Any]]
AHEAD = timedelta(days=20)
AUTOMATIC = "charge_automatically"
_IDS = ("external_id", "parent")
_SUBSCRIBED_AS = ("plan", "currency", "billing_period", "billing_period_count", *DEALS)


def _subscribed(rows: Rows) -> dict[str, Any]:
    """The first customer who has a plan, one whose subscription simply runs if there is any, and whom nobody inherits from."""
    parents = {row.get("parent") for row in rows}
    held = [row for row in rows if row.get("plan")]
    runs = [row for row in held if row.get("status") in (None, "", "active") and not row.get("parent")]
    plain = [row for row in runs if row["external_id"] not in parents]
    return next(iter(plain or held), {})


@fault("F81", "a customer was never created in Production", "customers")
def missing_customer(rows: Rows) -> None:
    """The last customer whom nobody inherits from is not there."""
    parents = {row.get("parent") for row in rows}
    for row in [row for row in rows if row["external_id"] not in parents][-1:]:
        rows.remove(row)


@fault("F82", "a customer's external id differs in its case", "customers")
def other_id_case(rows: Rows) -> None:
    """The first customer whose id has letters has it in the other case."""
    for identifier in [row["external_id"] for row in rows if row["external_id"].swapcase() != row["external_id"]][:1]:
        for row in rows:
            row.update({name: identifier.swapcase() for name in _IDS if row.get(name) == identifier})


@fault("F83", "a customer appeared from events with a mistyped id", "customers")
def phantom(rows: Rows) -> None:
    """A customer named like its external id, without a subscription, as the onboarding workflow makes them."""
    identifier = rows[0]["external_id"] + "_"
    metadata = {"created_by_workflow": "true"}
    rows.append({"external_id": identifier, "name": identifier, "metadata": metadata})


@fault("F84", "a customer is on another plan", "customers")
def other_plan(rows: Rows) -> None:
    """The first customer was subscribed as another one, of another plan, should have been."""
    first = _subscribed(rows)
    others = [row for row in rows if row.get("plan") not in (None, "", first.get("plan")) and not row.get("parent")]
    terms = [first.get(name) for name in ("currency", "billing_period")]
    others.sort(key=lambda row: [row.get(name) for name in ("currency", "billing_period")] != terms)
    for other in others[:1]:
        first.update({name: other.get(name) for name in _SUBSCRIBED_AS if name in other or name in first})


fault("F86", "a customer has no subscription", "customers")(lambda rows: _subscribed(rows).pop("plan", None))
fault("F87", "a customer has two active subscriptions and is billed twice", "customers")(
    lambda rows: rows.append(dict(_subscribed(rows)))
)
fault("F88", "a subscription is a draft that nobody activated", "customers")(
    lambda rows: _subscribed(rows).update(subscription_status="draft")
)


@fault("F89", "a subscription is paused", "seeded")
def paused(seeder: Seeder) -> None:
    for identifier in seeder.seeded.subscriptions.values():
        if seeder.call("GET", f"/v1/subscriptions/{identifier}")["subscription_status"] == "active":
            seeder.call("PUT", f"/v1/subscriptions/{identifier}", {"status": "paused"})
            return


@fault("F92", "a subscription starts in the future", "customers")
def future_start(rows: Rows) -> None:
    start = (datetime.now(UTC) + AHEAD).replace(microsecond=0)
    row = _subscribed(rows)
    row["start_date"] = gotime(start)
    too_early = str(row.get("end_date") or "") < row["start_date"]
    for name in ("trial_end", "billing_anchor", *(["end_date"] if too_early else [])):
        row.pop(name, None)


@fault("F93", "a subscription is billed by the calendar instead of by its anniversary", "customers")
def other_cycle(rows: Rows) -> None:
    row = _subscribed(rows)
    row.pop("billing_anchor", None)
    row["billing_cycle"] = "anniversary" if row.get("billing_cycle") == "calendar" else "calendar"


@fault("F95", "a subscription charges automatically because nobody said otherwise", "customers")
def automatic(rows: Rows) -> None:
    _subscribed([row for row in rows if row.get("collection_method") != AUTOMATIC])["collection_method"] = AUTOMATIC


@fault("F102", "the subscriptions collect by different methods", "customers")
def mixed_collection(rows: Rows) -> None:
    for row in [row for row in rows if row.get("plan")][::2]:
        automatic_now = row.get("collection_method") == AUTOMATIC
        row["collection_method"] = "send_invoice" if automatic_now else AUTOMATIC


@fault("F103", "invoices are to be collected automatically, and no payment gateway is connected", "customers")
def nobody_collects(rows: Rows) -> None:
    for row in rows:
        row["collection_method"] = AUTOMATIC
