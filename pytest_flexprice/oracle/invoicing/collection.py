"""Collecting or sending: the decided collection method of every active subscription (checklist 5.2; contract 4.8).

The customers file decides for a customer that it names with a ``collection_method``, the plan's ``invoicing.collection`` for the others.
Who inherits a subscription gets no invoice: the parent pays, and nothing is decided for the child unless its row says it (contract 11.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_flexprice.model.finding import Finding, Kind, show
from pytest_flexprice.model.golive_plan import Invoicing
from pytest_flexprice.model.subscriptions import ACTIVE, INHERITED, Subscription
from pytest_flexprice.oracle.customers.register import Register
from pytest_flexprice.oracle.customers.subscriptions import paired
from pytest_flexprice.oracle.invoicing.settings import counted

ITEM = "5.2"
GATEWAYS = ("stripe", "razorpay", "nomod", "moyasar", "paddle", "whop", "chargebee")
_SHOWN = 10


def declared_for(register: Register) -> dict[str, str]:
    """The collection method of each subscription whose customer's row declares one, by the subscription's id."""
    found = {}
    for _, _, rows, held in register.pairs():
        for row, one in paired(rows, held):
            if row is not None and one is not None and row.values.get("collection_method"):
                found[one.id] = row.values["collection_method"]
    return found


def collection_findings(
    declared: Invoicing | None, subscriptions: Iterable[Subscription], own: Mapping[str, str] | None = None
) -> list[Finding]:
    """The decided collection method against every active subscription's; ``own`` is what single customers' rows declare."""
    usual, own = (declared and declared.collection) or "", own or {}
    active = [each for each in subscriptions if each.status == ACTIVE and _invoiced(each, own)]
    undecided = [each for each in active if not own.get(each.id, usual)]
    if undecided or not (usual or own):
        return [_not_decided(undecided)]
    found = []
    for method in sorted({usual, *own.values()} - {""}):
        wanted = [each for each in active if own.get(each.id, usual) == method]
        others = [each for each in wanted if each.collection_method != method]
        if others:
            found.append(_wrong(method, others, active))
    return found


def _invoiced(one: Subscription, own: Mapping[str, str]) -> bool:
    return one.kind != INHERITED or one.id in own


def _not_decided(subscriptions: Iterable[Subscription]) -> Finding:
    methods = sorted({each.collection_method for each in subscriptions})
    return Finding(
        ITEM,
        "golive.toml: invoicing.collection",
        "the plan does not say whether invoices are collected automatically or sent",
        consequence="Flexprice collects automatically where nothing is said"
        + (f", and active subscriptions use {show(methods)}" if methods else ""),
        remedy='decide, and declare invoicing.collection as "send_invoice" or "charge_automatically", '
        "or give each customer a collection_method in the customers file",
        kind=Kind.NOT_DECIDED,
    )


def _wrong(method: str, others: list[Subscription], active: list[Subscription]) -> Finding:
    shown = [f"{each.id} of {each.who or 'unknown customer'}" for each in others[:_SHOWN]]
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return Finding(
        ITEM,
        "subscriptions.collection_method",
        f"{len(others)} of {counted(len(active), 'active subscription')} do not use '{method}', as decided for them:"
        f" {', '.join(shown)}{more}",
        expected=method,
        observed=sorted({each.collection_method for each in others}),
        consequence="their customers are charged without being asked"
        if method == "send_invoice"
        else "nobody collects their invoices",
        remedy="subscribe them with the declared collection_method; it is charge_automatically when left out",
    )


def connection_findings(
    declared: Invoicing | None, connections: Iterable[Mapping[str, Any]], own: Mapping[str, str] | None = None
) -> list[Finding]:
    """If any invoices are to be collected automatically, a payment gateway must be connected (contract 4.8)."""
    if "charge_automatically" not in {(declared and declared.collection) or "", *(own or {}).values()}:
        return []
    providers = sorted({str(each.get("provider_type", "")).lower() for each in connections})
    if any(provider in GATEWAYS for provider in providers):
        return []
    return [
        Finding(
            ITEM,
            "connections",
            f"invoices are to be collected automatically, but no payment gateway is connected"
            f"{f' (only {show(providers)})' if providers else ''}",
            consequence="invoices cannot be collected; they stay unpaid, and auto-cancel, where it is on, ends their subscriptions",
            remedy=f"connect one of {', '.join(GATEWAYS)}, or declare send_invoice",
        )
    ]
