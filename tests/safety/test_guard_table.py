"""Requests of a company's own step that must not leave, each one trick, and those beside them that may."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_flexprice.api import WriteGuard, WriteRefused
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.golive_plan import Environment
from pytest_flexprice.oracle.access import Belonging

OURS = frozenset({"golive-x", "cust_ours", "subs_ours", "inv_ours"})
EVENT = {
    "event_name": "call",
    "external_customer_id": "golive-x",
    "event_id": "e-1",
    "timestamp": "2026-11-27T10:00:00Z",
    "properties": {"anything": {"customer_id": "a company's own word"}},
}
SUBSCRIPTION = {
    "customer_id": "cust_ours",
    "plan_id": "plan_1",
    "currency": "usd",
    "billing_period": "MONTHLY",
    "collection_method": "send_invoice",
}
CUSTOMER = {"external_id": "golive-x", "name": "Test"}
EVENTS, BULK, SUBSCRIBE, CUSTOMERS = "/v1/events", "/v1/events/bulk", "/v1/subscriptions", "/v1/customers"
OWN = "/v1/customers/cust_ours"


def event(**more: Any) -> dict[str, Any]:
    return {**EVENT, **more}


def subscription(**more: Any) -> dict[str, Any]:
    return {**SUBSCRIPTION, **more}


#: name: method, path, body, query, headers
REFUSED: dict[str, tuple[Any, ...]] = {
    "a key in capitals beside the right one": ("POST", EVENTS, event(External_Customer_Id="acct_1")),
    "a key with a long s, which folds to an s": ("POST", EVENTS, {**EVENT, "external_cu\u017ftomer_id": "acct_1"}),
    "a key with a NUL": ("POST", EVENTS, {**EVENT, "external_customer_id\0": "acct_1"}),
    "a key with a blank": ("POST", EVENTS, {**EVENT, " external_customer_id": "acct_1"}),
    "a second id beside the right one": ("POST", EVENTS, event(customer_id="cust_theirs")),
    "several customers": ("POST", EVENTS, event(external_customer_id=["golive-x", "acct_1"])),
    "a customer that is an object": ("POST", EVENTS, event(external_customer_id={"id": "golive-x"})),
    "our id in capitals": ("POST", EVENTS, event(external_customer_id="GOLIVE-X")),
    "our id with a blank": ("POST", EVENTS, event(external_customer_id="golive-x ")),
    "an id in a field that is a text": ("POST", EVENTS, event(source={"customer_id": "cust_theirs"})),
    "events in capitals": ("POST", BULK, {"Events": [EVENT]}),
    "events twice": ("POST", BULK, {"events": [EVENT], "EVENTS": [event(external_customer_id="acct_1")]}),
    "the second event of a list": ("POST", BULK, {"events": [EVENT, event(external_customer_id="acct_1")]}),
    "a list in the list of events": ("POST", BULK, {"events": [[EVENT]]}),
    "a list for a body": ("POST", BULK, [EVENT]),
    "a text for a body": ("POST", BULK, '{"events": []}'),
    "inheritance": ("POST", SUBSCRIBE, subscription(inheritance={"parent_subscription_id": "subs_theirs"})),
    "inheritance in a list": ("POST", SUBSCRIBE, subscription(inheritance={"external_customer_ids": ["acct_1"]})),
    "somebody else's invoices, deep below": (
        "POST",
        SUBSCRIBE,
        subscription(inheritance={"a": {"b": {"invoicing_customer_external_id": "acct_1"}}}),
    ),
    "a customer in a phase": ("POST", SUBSCRIBE, subscription(phases=[{"customer_id": "cust_theirs"}])),
    "a customer in an addon": ("POST", SUBSCRIBE, subscription(addons=[{"customer_id": "cust_theirs"}])),
    "charging": ("POST", SUBSCRIBE, subscription(collection_method="charge_automatically")),
    "charging in capitals beside": ("POST", SUBSCRIBE, subscription(Collection_Method="charge_automatically")),
    "a list of ways to collect": ("POST", SUBSCRIBE, subscription(collection_method=["send_invoice"])),
    "a means of payment": ("POST", SUBSCRIBE, subscription(gateway_payment_method_id="pm_1")),
    "another external id beside": ("POST", SUBSCRIBE, subscription(external_customer_id="acct_1")),
    "credits": ("POST", SUBSCRIBE, subscription(credit_grants=[{"credits": "1"}])),
    "a parent": ("POST", CUSTOMERS, {**CUSTOMER, "parent_customer_id": "cust_theirs"}),
    "a parent by external id": ("POST", CUSTOMERS, {**CUSTOMER, "parent_external_id": "acct_1"}),
    "a mapping to a vendor": ("POST", CUSTOMERS, {**CUSTOMER, "integration_entity_mapping": [{"id": "cus_1"}]}),
    "deleting somebody else": ("DELETE", "/v1/customers/cust_theirs"),
    "deleting ours with another id in the body": ("DELETE", OWN, {"id": "cust_theirs"}),
    "deleting ours with another id in the query": ("DELETE", OWN, None, {"id": "cust_theirs"}),
    "deleting ours with a slash": ("DELETE", f"{OWN}/"),
    "deleting ours with a parameter": ("DELETE", f"{OWN};v=1"),
    "deleting ours with a line break": ("DELETE", f"{OWN}\n"),
    "deleting ours with full-width dots": ("DELETE", f"{OWN}/\uff0e\uff0e/cust_theirs"),
    "deleting ours in another environment": ("DELETE", OWN, None, None, {"X-Environment-ID": "env_2"}),
    "deleting ours with another key": ("DELETE", OWN, None, None, {"x-api-key": "sk_other"}),
    "changing ours": ("PUT", OWN, {"name": "x"}),
    "a read that a header makes a deletion": ("GET", OWN, None, None, {"X-HTTP-Method-Override": "DELETE"}),
    "the same with underscores": ("GET", OWN, None, None, {"X_HTTP_METHOD_OVERRIDE": "DELETE"}),
    "the same with a blank": ("GET", OWN, None, None, {"X-Method-Override ": "DELETE"}),
    "a read that a query makes a deletion": ("GET", OWN, None, {"_method": "DELETE"}),
    "the same in other words": ("GET", OWN, None, {"httpMethod": "DELETE"}),
    "a read with another address": ("GET", OWN, None, None, {"X-Original-URI": "/v1/customers/cust_theirs"}),
    "a method in small letters": ("delete", OWN),
    "a method with a request in it": ("GET /v1/x HTTP/1.1\r\nA: b", CUSTOMERS),
    "a path that ends like a search": ("POST", "/v1/customers/cust/wallets/top/upsearch", {"a": 1}),
    "a search that leads back": ("POST", "/v1/customers/search/../cust_theirs", {}),
    "a read that sends webhooks": ("GET", "/v1/customers/cust_theirs/invoices/summary"),
    "the same with a slash": ("GET", "/v1/customers/cust_theirs/invoices/summary/"),
    "the same in capitals": ("GET", "/v1/customers/cust_theirs/Invoices/Summary"),
    "voiding with another id": ("POST", "/v1/invoices/inv_ours/void", {"invoice_id": "inv_theirs"}),
    "voiding with a query": ("POST", "/v1/invoices/inv_ours/void", {}, {"id": "inv_theirs"}),
    "computing with a value twice": ("POST", "/v1/invoices/inv_ours/compute", {}, {"sync": ["true", "x"]}),
    "cancelling with another id": ("POST", "/v1/subscriptions/subs_ours/cancel", {"subscription_id": "subs_theirs"}),
    "a probe with a query": ("POST", CUSTOMERS, {}, {"external_id": "acct_1"}),
    "a payment": ("POST", "/v1/payments", {"destination_id": "inv_ours"}),
    "a top-up": ("POST", "/v1/wallets/wallet_1/top-up", {"credits_to_add": "1"}),
    "settings": ("PUT", "/v1/settings/invoice_config", {}),
    "a clone": ("POST", "/v1/environments/env_1/clone", {}),
}
ALLOWED: dict[str, tuple[Any, ...]] = {
    "an event": ("POST", EVENTS, EVENT),
    "events": ("POST", BULK, {"events": [EVENT, EVENT]}),
    "a subscription": ("POST", SUBSCRIBE, subscription(metadata={"customer_id": "a company's own word"})),
    "a customer": ("POST", CUSTOMERS, CUSTOMER),
    "deleting ours": ("DELETE", OWN),
    "a search": ("POST", "/v1/subscriptions/search", {"customer_id": "cust_theirs"}),
    "voiding ours": ("POST", "/v1/invoices/inv_ours/void", {}),
}


@pytest.fixture
def guard() -> WriteGuard:
    """That of a smoke test in production, proved."""
    made = WriteGuard(Level.SMOKE, True, lambda identifier: identifier in OURS)
    declared = Environment(base_url="https://us.api.flexprice.io", environment_id="env_1", type="production")
    assert made.prove(Belonging("env_1", "plans", "production"), declared, "") == []
    return made


@pytest.mark.parametrize("name", REFUSED)
def test_a_trick_does_not_leave(name: str, guard: WriteGuard) -> None:
    with pytest.raises(WriteRefused, match="was not sent"):
        guard.check(*REFUSED[name])
    assert len(guard.refused()) == 1


@pytest.mark.parametrize("name", ALLOWED)
def test_what_a_smoke_test_needs_leaves(name: str, guard: WriteGuard) -> None:
    guard.check(*ALLOWED[name])
    assert guard.refused() == ()
