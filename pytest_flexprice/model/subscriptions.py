"""A subscription and its lines as a search answers them, read once: whose it is, what it is on, when it bills (contract 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import ZERO, decimal
from pytest_flexprice.model.parsing import parses
from pytest_flexprice.model.times import instant_of, written

STANDALONE, PARENT, INHERITED, GROUPED = "standalone", "parent", "inherited", "grouped_invoicing"
ACTIVE, CANCELLED = "active", "cancelled"
_LINE = (
    "price_id", "meter_id", "billing_period", "start_date", "end_date", "entity_type", "subscription_phase_id", "quantity",
    "display_name",
)  # fmt: skip
_KEPT = (
    "id", "customer_id", "subscription_status", "subscription_type", "parent_subscription_id", "plan_id", "currency",
    "billing_period", "billing_period_count", "billing_cycle", "collection_method", "payment_terms", "start_date",
    "billing_anchor", "trial_end", "end_date", "cancel_at", "cancelled_at", "created_at", "commitment_amount", "overage_factor",
)  # fmt: skip


@dataclass(frozen=True)
class SubscriptionLine:
    """A line of a subscription: the price it bills by, and between which moments (``None``: open).

    Attributes:
        of: whose price it is: ``plan``, ``addon`` or ``subscription``.
        phase: the id of the phase that it belongs to; empty outside of phases.
        quantity: how many of a fee are bought; ``None`` where the answer does not say.
    """

    price_id: str
    meter_id: str = ""
    billing_period: str = ""
    start: datetime | None = None
    end: datetime | None = None
    of: str = "plan"
    phase: str = ""
    quantity: Decimal | None = None
    display_name: str = ""

    @classmethod
    def from_api(cls, data: Mapping[str, Any]) -> SubscriptionLine:
        """A line from the JSON of its subscription."""
        return cls(
            price_id=str(data.get("price_id") or ""),
            meter_id=str(data.get("meter_id") or ""),
            billing_period=str(data.get("billing_period") or ""),
            start=instant_of(data, "start_date"),
            end=instant_of(data, "end_date"),
            of=str(data.get("entity_type") or "plan"),
            phase=str(data.get("subscription_phase_id") or ""),
            quantity=decimal(data["quantity"], ZERO) if data.get("quantity") else None,
            display_name=str(data.get("display_name") or ""),
        )


@dataclass(frozen=True)
class Subscription:
    """A subscription. Fields that the customers file has a column for have the column's name.

    Attributes:
        kind: one of ``STANDALONE``, ``PARENT``, ``INHERITED`` (its parent bills everything), ``GROUPED``.
        external_customer_id: empty where the answer does not hold the customer.
        plan_status: empty where the answer does not hold the plan, as are its key and name.
        lines: ``None`` where the server left them out, as it does unless it is asked for them.
        managed_by: what its maker says of itself in the metadata.
    """

    id: str
    status: str = ""
    customer_id: str = ""
    external_customer_id: str = ""
    kind: str = STANDALONE
    parent_id: str = ""
    plan_id: str = ""
    plan_key: str = ""
    plan_name: str = ""
    plan_status: str = ""
    currency: str = ""
    billing_period: str = ""
    billing_period_count: int = 0
    billing_cycle: str = ""
    collection_method: str = ""
    payment_terms: str = ""
    start_date: datetime | None = None
    billing_anchor: datetime | None = None
    trial_end: datetime | None = None
    end_date: datetime | None = None
    cancel_at: datetime | None = None
    cancelled_at: datetime | None = None
    created_at: datetime | None = None
    commitment: Decimal = ZERO
    overage_factor: Decimal = ZERO
    lines: tuple[SubscriptionLine, ...] | None = None
    managed_by: str = ""

    @classmethod
    @parses("subscription")
    def from_api(cls, data: Mapping[str, Any]) -> Subscription:
        """A subscription from the API's JSON, or from what ``kept`` left of it.

        Raises:
            Unparsed: it has no id, or a date or an amount in it is none.
        """
        plan, customer, lines = data.get("plan") or {}, data.get("customer") or {}, data.get("line_items")
        return cls(
            id=str(data["id"]),
            status=_text(data, "subscription_status"),
            customer_id=_text(data, "customer_id"),
            external_customer_id=_text(customer, "external_id") or _text(data, "external_customer_id"),
            kind=_text(data, "subscription_type") or STANDALONE,
            parent_id=_text(data, "parent_subscription_id"),
            plan_id=_text(data, "plan_id"),
            plan_key=_text(plan, "lookup_key"),
            plan_name=_text(plan, "name"),
            plan_status=_text(plan, "status"),
            currency=_text(data, "currency"),
            billing_period=_text(data, "billing_period"),
            billing_period_count=int(data.get("billing_period_count") or 0),
            billing_cycle=_text(data, "billing_cycle"),
            collection_method=_text(data, "collection_method"),
            payment_terms=_text(data, "payment_terms"),
            start_date=instant_of(data, "start_date"),
            billing_anchor=instant_of(data, "billing_anchor"),
            trial_end=instant_of(data, "trial_end"),
            end_date=instant_of(data, "end_date"),
            cancel_at=instant_of(data, "cancel_at"),
            cancelled_at=instant_of(data, "cancelled_at"),
            created_at=instant_of(data, "created_at"),
            commitment=decimal(data.get("commitment_amount"), ZERO),
            overage_factor=decimal(data.get("overage_factor"), ZERO),
            lines=None if lines is None else tuple(SubscriptionLine.from_api(each) for each in lines),
            managed_by=_text(data.get("metadata") or {}, "managed_by"),
        )

    @property
    def plan(self) -> str:
        """The plan as people name it: its lookup key, else its name, else its id."""
        return self.plan_key or self.plan_name or self.plan_id

    @property
    def who(self) -> str:
        """The customer as people name it."""
        return self.external_customer_id or self.customer_id

    def value(self, column: str) -> str:
        """What a column of the customers file would say of it; empty where it says nothing."""
        held = getattr(self, column, None)
        return written(held) if isinstance(held, datetime) else str(held or "")


def kept(data: Mapping[str, Any]) -> dict[str, Any]:
    """What ``Subscription.from_api`` reads of a subscription's JSON, and nothing else: of large answers little is worth keeping."""
    left = {name: data[name] for name in _KEPT if data.get(name)}
    left["plan"] = {name: (data.get("plan") or {}).get(name) for name in ("lookup_key", "name", "status")}
    if data.get("line_items") is not None:
        left["line_items"] = [{name: line[name] for name in _LINE if line.get(name)} for line in data["line_items"]]
    return left


def _text(data: Mapping[str, Any], name: str) -> str:
    return str(data.get(name) or "")
