"""Making subscriptions: which prices become line items, periods, trial, opening invoice (contract 4.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row
from . import (
    addons,
    config,
    drafts,
    entitling,
    grants,
    grouping,
    inheritance,
    invoices,
    line_changes,
    line_commitments,
    line_items,
    overrides,
    periods,
    phases,
    promises,
    transaction,
    views,
)
from .line_items import Origin
from .lines import Period
from .rounding import ONE
from .scope import Scope, customer_of


def milliseconds(moment: datetime) -> datetime:
    """``moment`` cut to its millisecond, as subscriptions keep their dates."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def anchor(body: Mapping[str, Any], start: datetime, zone: tzinfo) -> datetime:
    """The billing anchor: the next calendar boundary, the one given, or the start itself."""
    if body["billing_cycle"] == "calendar":
        return periods.calendar_anchor(start, body["billing_period"], zone)
    return milliseconds(body["billing_anchor"]) if body["billing_anchor"] else start


def trial_days(body: Mapping[str, Any], prices: Sequence[Row]) -> int:
    """The length of the trial: the request's own, else that of the recurring fixed prices, which must agree."""
    if body["trial_period_days"] is not None:
        return int(body["trial_period_days"])
    recurring = [row for row in prices if row["type"] == "FIXED" and row["billing_period"] != periods.ONETIME]
    found = {int(row.get("trial_period_days") or 0) for row in recurring}
    errors.refuse(len(found) > 1, "all recurring fixed plan prices must have the same trial_period_days")
    return found.pop() if found else 0


def create(scope: Scope, body: Mapping[str, Any]) -> tuple[Row, Row | None]:
    """Store a subscription with all that was agreed for it, and bill its opening; returns both.

    Raises :class:`errors.ApiError` for an unknown or archived customer or plan, and for a deal that cannot be.
    """
    belonging = body["inheritance"] or {}
    party = _party(scope, body)
    with transaction.all_or_nothing(scope) as deal:
        row, heirs = _make(deal, body, party, inheritance.STANDALONE)
        for child in belonging.get("grouped_invoicing_children_to_create") or []:
            _make_child(deal, row, body, child)
        if row["subscription_status"] == "draft":
            deal.publish("subscription.draft.created", row)
            return row, None
        invoice = open_billing(deal, row)
        for heir in heirs:
            inheritance.bequeath(deal, row, heir)
        for identifier in belonging.get("subscriptions_ids_for_grouped_invoicing") or []:
            grouping.group(deal, row, identifier)
    phases.open_later(scope, row, party.plan, party.prices, body["phases"] or [])
    scope.publish("subscription.created", row)
    return row, invoice


@dataclass(frozen=True)
class _Party:
    """Who subscribes to what."""

    customer: Row
    plan: Row
    prices: Sequence[Row]


def _party(scope: Scope, body: Mapping[str, Any]) -> _Party:
    customer = customer_of(scope, body["customer_id"], body["external_customer_id"])
    if customer["status"] != "published":
        details = {"customer_id": customer["id"], "status": customer["status"]}
        raise errors.validation("The customer must be active to create a subscription", details)
    plan = scope.named("plans", body["plan_id"], any_status=True)
    if plan["status"] != "published":
        details = {"plan_id": plan["id"], "status": plan["status"]}
        raise errors.validation("The plan must be active to create a subscription", details)
    prices = line_items.matching(scope, plan["id"], "PLAN", body["currency"], body["billing_period"])
    if body["auto_invoice_threshold"] is not None and any(price["type"] != "USAGE" for price in prices):
        raise errors.validation("auto_invoice_threshold is only supported for subscriptions with usage prices only")
    return _Party(customer, plan, prices)


def _make(scope: Scope, body: Mapping[str, Any], party: _Party, kind: str) -> tuple[Row, list[Row]]:
    """Store a subscription with what was agreed; also returns the customers that inherit it."""
    days = trial_days(body, party.prices)
    row = _store(scope, {**body, "trial_period_days": days}, party.customer, party.plan, kind)
    return row, _agree(scope, row, body, party.plan, party.prices)


def _make_child(scope: Scope, parent: Row, body: Mapping[str, Any], child: Mapping[str, Any]) -> None:
    """Store a subscription that is billed with its parent, in step with it; nothing is announced."""
    anchored = parent["billing_anchor"] if parent["billing_cycle"] == "anniversary" else None
    shared = ("currency", "start_date", "billing_period", "billing_period_count", "billing_cycle")
    full = {
        **dict.fromkeys(body),
        **child,
        **{name: parent[name] for name in shared},
        "billing_anchor": anchored,
        "inheritance": {**dict.fromkeys(body["inheritance"]), "parent_subscription_id": parent["id"]},
    }
    party = _party(scope, full)
    row, _ = _make(scope, full, party, inheritance.GROUPED)
    grants.start(scope, row)
    phases.open_later(scope, row, party.plan, party.prices, full["phases"] or [])


def _agree(scope: Scope, row: Row, body: Mapping[str, Any], plan: Row, prices: Sequence[Row]) -> list[Row]:
    """Lines, overrides, belonging, addons, grants, taxes and coupons; returns the customers that inherit."""
    items = _first_lines(scope, row, body, plan, prices)
    overrides.apply(scope, row, body["override_line_items"] or [], items)
    line_commitments.check_beside(row, line_items.of(scope, row))
    heirs = inheritance.prepare(scope, row, body["inheritance"])
    for given in body["addons"] or []:
        addons.attach(scope, row, given)
    entitling.override(scope, row, body["override_entitlements"] or [])
    for given in body["line_items"] or []:
        line_changes.add(scope, row, given)
    grants.agree(scope, row, body["credit_grants"])
    promises.attach_taxes(scope, row, body["tax_rate_overrides"])
    promises.attach_coupons(scope, row, body, items)
    if items and body["phases"]:
        phases.complete_first(scope, row, body["phases"][0])
    return heirs


def _first_lines(scope: Scope, row: Row, body: Mapping[str, Any], plan: Row, prices: Sequence[Row]) -> dict[str, Row]:
    """The lines of the plan's prices, in the first phase where there are any; by price. A child has none."""
    heir = (body["inheritance"] or {}).get("parent_subscription_id")
    if heir and row["subscription_type"] != inheritance.GROUPED:
        return {}
    given = body["phases"] or []
    phase = phases.store(scope, row, given[0]) if given else None
    end = phase["end_date"] if phase else None
    agreed = body["line_item_commitments"] or {}
    return {
        price["id"]: line_items.add(
            scope,
            row,
            Origin.plan(plan),
            price,
            line_items.span(row, price, end=end),
            commitment=line_commitments.promise(scope, agreed.get(price["id"]), price),
            subscription_phase_id=phase["id"] if phase else None,
        )
        for price in prices
    }


def _store(scope: Scope, body: Mapping[str, Any], customer: Row, plan: Row, kind: str) -> Row:
    start = milliseconds(body["start_date"] or scope.now)
    days = body["trial_period_days"] or 0
    status = "draft" if body["subscription_status"] == "draft" else ("trialing" if days > 0 else "active")
    zone = config.zone(customer["timezone"])
    trial_end = start + timedelta(days=days) if days > 0 else None
    anchored = anchor(body, start, zone)
    count = body["billing_period_count"] or 1
    last = milliseconds(body["end_date"]) if body["end_date"] else None
    end = trial_end if status == "trialing" else None
    end = end or periods.period_end(start, anchored, (body["billing_period"], count), last, zone)
    return scope.insert(
        "subscriptions",
        "subs",
        **{
            **inheritance.blank(scope),
            **{name: body[name] or None for name in ("lookup_key", "metadata", "commitment_duration")},
            **{name: body[name] for name in ("commitment_amount", "auto_invoice_threshold")},
            "overage_factor": body["overage_factor"] or ONE,
            "trial_start": start if days > 0 else None,
            "trial_end": trial_end,
        },
        customer_id=customer["id"],
        plan_id=plan["id"],
        subscription_status=status,
        **{name: body[name] for name in ("currency", "billing_period", "payment_terms")},
        billing_anchor=anchored,
        billing_cycle=body["billing_cycle"] or "anniversary",
        start_date=start,
        end_date=last,
        current_period_start=start,
        current_period_end=end,
        billing_cadence="RECURRING",
        billing_period_count=count,
        pause_status="none",
        payment_behavior=body["payment_behavior"] or "default_active",
        collection_method=body["collection_method"] or "charge_automatically",
        gateway_payment_method_id=body["gateway_payment_method_id"] or "",
        timezone=customer["timezone"],
        proration_behavior=body["proration_behavior"] or "none",
        enable_true_up=bool(body["enable_true_up"]),
        subscription_type=kind,
        synced_price_sequence=views.price_sequence(scope, plan["id"]),
    )


def open_billing(scope: Scope, row: Row) -> Row | None:
    """The opening invoice (of the advance fees, or the free one of a trial) and the credit grants.

    That of a subscription without lines of its own stays an empty draft, which is not returned.
    """
    trial = row["subscription_status"] == "trialing"
    reason = "SUBSCRIPTION_TRIAL_START" if trial else "SUBSCRIPTION_CREATE"
    invoice = drafts.new_subscription_invoice(scope, row, reason, Period.running(row))
    if not inheritance.has_invoices(row):
        grants.start(scope, row)
        return None
    invoices.close(scope, invoice)
    if trial and row["collection_method"] == "charge_automatically":
        invoices.pay_trial(scope, invoice)
    if row["payment_behavior"] in ("allow_incomplete", "default_incomplete") and invoice["amount_remaining"] > 0:
        row["subscription_status"] = "incomplete"
    grants.start(scope, row)
    return invoice


def activate(scope: Scope, row: Row, start: datetime) -> Row | None:
    """Turn a draft into a running subscription that starts at ``start``; returns its opening invoice."""
    start = milliseconds(start)
    own_anchor = row["billing_anchor"] == row["start_date"]
    if row["billing_cycle"] == "calendar":
        anchored = periods.calendar_anchor(start, row["billing_period"], config.zone(row["timezone"]))
    else:
        anchored = start if own_anchor else row["billing_anchor"]
    zone, step = config.zone(row["timezone"]), (row["billing_period"], row["billing_period_count"])
    end = periods.period_end(start, anchored, step, row["end_date"], zone)
    length = row["trial_end"] - row["trial_start"] if row["trial_end"] else None
    scope.touch(
        row,
        subscription_status="trialing" if length else "active",
        start_date=start,
        billing_anchor=anchored,
        current_period_start=start,
        current_period_end=start + length if length else end,
        trial_start=start if length else None,
        trial_end=start + length if length else None,
    )
    for item in scope.find("subscription_line_items", subscription_id=row["id"]):
        price = scope.need("prices", item["price_id"])
        parent = scope.get("prices", price.get("parent_price_id")) if price["entity_type"] == "SUBSCRIPTION" else None
        when = line_items.span(row, parent or price)
        scope.touch(item, start_date=when.start, end_date=when.end)
    invoice = open_billing(scope, row)
    scope.publish("subscription.activated", row)
    return invoice
