"""What an environment holds that a first plan can state: catalog, customers, settings, webhook endpoints, recent events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pytest_flexprice.api.catalog import read_everything
from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.customers import read_customers, read_subscriptions
from pytest_flexprice.api.errors import ApiError
from pytest_flexprice.api.events import recent_events
from pytest_flexprice.model.customer_columns import COLUMNS
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.golive_plan import CHECKLIST_EVENT_TYPES
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.model.subscriptions import ACTIVE, Subscription
from pytest_flexprice.model.values import trimmed
from pytest_flexprice.oracle.catalog.objects import Catalog, Plan
from pytest_flexprice.oracle.customers.register import Register
from pytest_flexprice.tasks.masking import masked
from pytest_flexprice.testbed.naming import is_test_event
from pytest_flexprice.webhooks.portal import open_portal
from pytest_flexprice.webhooks.service import Endpoint

Row = dict[str, str]
_MOST_EVENTS = 5000
_SAMPLES = 20
_ALWAYS = ("external_id", "name", "plan", "currency", "billing_period", "billing_cycle", "collection_method", "status")
_USUAL = {"billing_period_count": "1", "timezone": "UTC", "overage_factor": "1"}


@dataclass
class Found:
    """What was read.

    Attributes:
        collection: how many live subscriptions use each collection method.
        settings: the values of each setting, and whether anybody ever saved it.
        endpoint: the registered webhook endpoint that most of the checklist's event types go to.
        samples: recent events by name, personal values masked, as they would be sent.
        unread: what could not be read, with the reason.
    """

    catalog: Catalog
    customers: list[Row] = field(default_factory=list)
    collection: Counter[str] = field(default_factory=Counter)
    settings: dict[str, tuple[Mapping[str, Any], bool]] = field(default_factory=dict)
    endpoint: Endpoint | None = None
    other_endpoints: list[str] = field(default_factory=list)
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        """The columns of the customers file that say something."""
        said = {name for row in self.customers for name, value in row.items() if value}
        return [*_ALWAYS, *(column.name for column in COLUMNS if column.name in said and column.name not in _ALWAYS)]

    @property
    def event_types(self) -> list[str]:
        """What the endpoint is subscribed to."""
        types = self.endpoint.event_types if self.endpoint else None
        return sorted(types or CHECKLIST_EVENT_TYPES)

    def cheapest(self) -> tuple[str, str, str] | None:
        """The plan with a usage price whose fees cost a test customer least, with currency and billing period of that."""
        offers = [offer for key, plan in self.catalog.plans.items() for offer in _offers(key, plan)]
        return min(offers)[1:] if offers else None

    def nothing_to_bill(self) -> list[str]:
        """Plans that bill nothing at all."""
        return sorted(key for key, plan in self.catalog.plans.items() if not plan.prices)


def read(flexprice: Flexprice, profile: Profile) -> Found:
    """Read an environment; what is no part of every Flexprice may fail, and is told.

    Raises:
        ApiError, NotVerified: catalog, customers or subscriptions cannot be read.
    """
    found = Found(read_everything(flexprice, datetime.now(UTC)))
    with Register() as register:
        register.add_customers(read_customers(flexprice))
        register.add_subscriptions(read_subscriptions(flexprice))
        for external_id, customer, subscription in register.every():
            found.customers.append(_row(external_id, customer, subscription))
            if subscription:
                found.collection[subscription.collection_method] += 1
    for what, part in (("settings", _settings), ("webhook endpoints", _endpoints), ("recent events", _samples)):
        try:
            part(flexprice, profile, found)
        except (ApiError, NotVerified) as error:
            found.unread.append(f"{what} ({str(error).splitlines()[0].rstrip('.')})")
    return found


def _row(external_id: str, customer: Mapping[str, Any], subscription: Subscription | None) -> Row:
    row = {"external_id": external_id, "name": str(customer.get("name", ""))}
    for column in COLUMNS[2:]:
        if column.about == "customer":
            value = str(customer.get(column.name) or "")
        else:
            value = subscription.value(column.name) if subscription else ""
        # Deals are agreed, not found: what single customers pay otherwise is for a person to declare.
        if column.about != "deal" and not column.dated and value != _USUAL.get(column.name):
            row[column.name] = value
    if subscription:
        row["plan"] = subscription.plan_key
        row["status"] = "" if subscription.status == ACTIVE else subscription.status
        row.update(_dates(subscription))
    return row


def _dates(subscription: Subscription) -> Iterator[tuple[str, str]]:
    """The dates that must be declared, or be told as surprising: the end, the end of a trial that runs, a start to come."""
    start = subscription.start_date
    surprising = {
        "end_date": True,
        "trial_end": subscription.status == "trialing",
        "start_date": start is not None and start > datetime.now(UTC),
    }
    for name, told in surprising.items():
        if told and subscription.value(name):
            yield name, subscription.value(name)


def _offers(key: str, plan: Plan) -> Iterator[tuple[Any, str, str, str]]:
    """What a plan costs a customer without usage, in each currency and period that it has a usage price in."""
    terms = {(price.currency, price.billing_period) for price in plan.prices if price.usage}
    for currency, period in terms:
        fees = (
            price.amount
            for price in plan.prices
            if not price.usage and price.currency == currency and price.billing_period in (period, "ONETIME")
        )
        yield sum(fees), key, currency, period


def _settings(flexprice: Flexprice, profile: Profile, found: Found) -> None:
    for key in ("subscription_config", "invoice_config"):
        setting = flexprice.get(f"/v1/settings/{key}") or {}
        found.settings[key] = (setting.get("value") or {}, bool(setting.get("id")))


def _endpoints(flexprice: Flexprice, profile: Profile, found: Found) -> None:
    portal = open_portal(flexprice, profile.svix_url, profile.add_secret)
    if portal is None:
        return
    try:
        every = [one for one in portal.endpoints() if not one.disabled]
    finally:
        portal.close()
    every.sort(key=lambda one: (-_wanted(one), one.url))
    found.endpoint = every[0] if every else None
    found.other_endpoints = [one.url for one in every[1:]]


def _wanted(endpoint: Endpoint) -> int:
    types = endpoint.event_types
    return len(CHECKLIST_EVENT_TYPES) if types is None else len({*types} & {*CHECKLIST_EVENT_TYPES})


def _samples(flexprice: Flexprice, profile: Profile, found: Found) -> None:
    known = {trimmed(meter.event_name) for _, _, meter in found.catalog.metered()}
    kept: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in recent_events(flexprice, _MOST_EVENTS, datetime.now(UTC)):
        name = trimmed(str(event.get("event_name", "")))
        if name in known and not is_test_event(event) and len(kept[name]) < _SAMPLES:
            kept[name].append(masked(event))
    found.samples = {name: events for name, events in kept.items() if events}
