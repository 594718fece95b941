"""The writes that a smoke test sends, each with all that may be in it; anything beside that is refused.

Flexprice reads JSON keys without regard to case, takes the last of two and passes over what it does not know (contract 1.1). So a body is
allowed by what it holds, key by key in Flexprice's own spelling, never by one key that looks right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Owns = Callable[[str], bool]
Check = Callable[[dict[str, Any], Owns], str]

_NAME = re.compile(r"[a-z0-9_]+")
_FREE = frozenset({"metadata", "properties"})  # a company's own words, which mean nothing to Flexprice
#: Wherever such a key stands, what is below it names customers, subscriptions or means of payment.
_NAMING = re.compile(
    r"customer|external_id|subscription_id|parent|invoicing|inherit|wallet|gateway|payment_method|invoice_id"
)
_CUSTOMER_KEYS = frozenset(
    {
        "external_id",
        "name",
        "email",
        "contact",
        "timezone",
        "metadata",
        "address_line1",
        "address_line2",
        "address_city",
        "address_state",
        "address_postal_code",
        "address_country",
    }
)
_SUBSCRIPTION_KEYS = frozenset(
    {
        "customer_id",
        "external_customer_id",
        "plan_id",
        "currency",
        "billing_period",
        "billing_period_count",
        "billing_cycle",
        "billing_anchor",
        "start_date",
        "end_date",
        "collection_method",
        "payment_behavior",
        "payment_terms",
        "proration_behavior",
        "trial_period_days",
        "subscription_status",
        "commitment_amount",
        "commitment_duration",
        "overage_factor",
        "enable_true_up",
        "line_item_commitments",
        "subscription_coupons",
        "coupons",
        "line_item_coupons",
        "tax_rate_overrides",
        "override_line_items",
        "addons",
        "phases",
        "inheritance",
        "lookup_key",
        "metadata",
        "timezone",
    }
)
_EVENT_KEYS = frozenset(
    {
        "event_name",
        "external_customer_id",
        "customer_id",
        "event_id",
        "timestamp",
        "source",
        "properties",
    }
)
_CANCEL_KEYS = frozenset(
    {
        "cancellation_type",
        "cancel_immediately_inovice_policy",
        "reason",
        "cancel_at",
        "proration_behavior",
    }
)


@dataclass(frozen=True)
class Write:
    """One kind of write: what is in its path as ``id`` must be this run's, and so must whatever its body names."""

    method: str
    path: re.Pattern[str]
    check: Check
    queries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _holding(keys: frozenset[str]) -> Check:
    def check(body: dict[str, Any], owns: Owns) -> str:
        return strange_keys(body, keys) or _strangers(body, owns)

    return check


def _customer(body: dict[str, Any], owns: Owns) -> str:
    found = _holding(_CUSTOMER_KEYS)(body, owns)
    external_id = body.get("external_id")
    if not found and not (isinstance(external_id, str) and owns(external_id)):
        return f"customer '{external_id}' is not in this run's ledger"
    return found


def _subscription(body: dict[str, Any], owns: Owns) -> str:
    found = _holding(_SUBSCRIPTION_KEYS)(body, owns)
    if not found and not (body.get("customer_id") or body.get("external_customer_id")):
        return "it names no customer"
    if not found and body.get("collection_method") != "send_invoice":
        return "test subscriptions must use collection_method send_invoice"
    return found


def _event(body: Any, owns: Owns) -> str:
    if not isinstance(body, dict):
        return "an event is no object"
    found = _holding(_EVENT_KEYS)(body, owns)
    customer = body.get("external_customer_id")
    if not found and not (isinstance(customer, str) and owns(customer)):
        return f"event for customer '{customer}', which was not made by this run"
    return found


def _events(body: dict[str, Any], owns: Owns) -> str:
    events = body.get("events")
    if set(body) != {"events"} or not isinstance(events, list):
        return "it is no list of events and nothing else"
    return next((found for event in events if (found := _event(event, owns))), "")


def strange_keys(value: Any, allowed: frozenset[str] | None = None, where: str = "") -> str:
    """The first key that is not allowed, or not spelled as Flexprice spells its keys; "" where there is none."""
    if isinstance(value, list):
        return next((found for one in value if (found := strange_keys(one, None, where))), "")
    if not isinstance(value, dict):
        return ""
    for key, below in value.items():
        name = f"{where}.{key}" if where else key
        if allowed is not None and key not in allowed:
            return f"'{name}' has no place in it"
        if not _NAME.fullmatch(key) and where != "line_item_commitments":
            return f"'{name}' is not how Flexprice spells its keys"
        if key not in _FREE and (found := strange_keys(below, None, name)):
            return found
    return ""


def _strangers(body: Any, owns: Owns) -> str:
    for key, identifier in _named(body):
        if not owns(identifier):
            return f"{key} '{identifier}' was not made by this run"
    return ""


def _named(value: Any, naming: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for one in value:
            yield from _named(one, naming)
    elif isinstance(value, dict):
        for key, below in value.items():
            if key not in _FREE:
                yield from _named(below, key if _NAMING.search(key) else naming)
    elif naming and value not in (None, "", True, False):
        yield naming, str(value)


_ID = r"(?P<id>[A-Za-z0-9_-]+)"
_NOTHING = _holding(frozenset())
SYNC = {"sync": ("true", "false")}

#: Everything that smoke may send (contract 8.1); payments, top-ups, settings, catalog, clones and jobs are not among it.
WRITES = (
    Write("POST", re.compile(r"/v1/customers"), _customer),
    Write("DELETE", re.compile(rf"/v1/customers/{_ID}"), _NOTHING),
    Write("POST", re.compile(r"/v1/subscriptions"), _subscription),
    Write("POST", re.compile(rf"/v1/subscriptions/{_ID}/cancel"), _holding(_CANCEL_KEYS)),
    Write("POST", re.compile(rf"/v1/subscriptions/{_ID}/activate"), _holding(frozenset({"start_date"}))),
    Write("POST", re.compile(rf"/v1/subscriptions/temporal/{_ID}/draft-and-compute"), _NOTHING),
    Write("POST", re.compile(r"/v1/events"), _event),
    Write("POST", re.compile(r"/v1/events/bulk"), _events),
    Write("POST", re.compile(rf"/v1/invoices/{_ID}/compute"), _NOTHING, SYNC),
    Write("POST", re.compile(rf"/v1/invoices/{_ID}/(?:finalize|void)"), _holding(frozenset({"metadata"}))),
    Write("POST", re.compile(rf"/v1/wallets/{_ID}/terminate"), _NOTHING),
)
