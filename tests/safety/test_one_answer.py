"""One answer alone proves nothing: what only the answer that made it calls ours is asked about once more before it is written to."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.api import Flexprice
from pytest_flexprice.testbed.cleanup import clean
from pytest_flexprice.testbed.customer import Testbed
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.naming import new_run_id
from pytest_flexprice.testbed.ownership import NotOurs
from pytest_flexprice.testbed.setting_up import adopt_invoices
from pytest_flexprice.testbed.sweep import sweep
from tests.safety import attacks as make
from tests.safety.attacks import SEARCHES, VICTIM
from tests.safety.company import Company
from tests.safety.proxy import Exchange, Reply


def _theirs(exchange: Exchange, kind: str) -> dict[str, Any]:
    """An object of a customer who is none of ours."""
    owner = replace(exchange, method="GET", path=f"/v1/customers/external/{VICTIM}", query={}, body=None).forward().json
    body = {"customer_id": owner["id"]}
    found = replace(exchange, method="POST", path=SEARCHES[kind], query={}, body=body).forward()
    row: dict[str, Any] = found.json["items"][0]
    return row


def _their_subscription(made: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    theirs = _theirs(exchange, "subscriptions")["id"]
    lines = [{**line, "subscription_id": theirs} for line in made["line_items"]]  # the lie does not contradict itself
    return {**made, "id": theirs, "line_items": lines}


def _their_invoice(made: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    ours = {"customer_id": made["customer_id"], "subscription_id": made["id"]}
    return {**made, "latest_invoice": {**_theirs(exchange, "invoices"), **ours, "customer": None, "subscription": None}}


def _both(made: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    return _their_invoice(_their_subscription(made, exchange), exchange)


def _subscribed(client: Flexprice, ledger: Ledger, company: Company, run_id: str) -> None:
    testbed, now = Testbed(client, ledger, run_id), datetime.now(UTC)
    customer = testbed.customer("neighbour", now)
    plan = (company.plan_id, "usd", "MONTHLY")
    subscription = testbed.subscription(customer, plan, now, read_back=False)
    latest = subscription.row.get("latest_invoice")
    adopt_invoices(testbed, subscription, [latest] if latest else [], "its latest invoice")


@pytest.mark.parametrize("lie", [_their_subscription, _their_invoice, _both])
def test_what_one_answer_calls_ours_is_not_written_to(
    lie: Callable[[dict[str, Any], Exchange], dict[str, Any]], company: Company, tmp_path: Path
) -> None:
    before, run_id = company.foreign(), new_run_id(datetime.now(UTC))
    ledger = Ledger(tmp_path / run_id / "ledger-main.ndjson")
    client = company.client(ledger, pause=lambda seconds: None)

    def reply(exchange: Exchange) -> Reply:
        made = exchange.forward()
        return replace(made, body=json.dumps(lie(made.json, exchange)).encode())

    with company.proxy.attacking(make.on("POST", "/v1/subscriptions", reply)):
        with suppress(NotOurs):
            _subscribed(client, ledger, company, run_id)
        left = clean(client, ledger, 0.01)
    assert company.foreign() == before
    own = Ledger(tmp_path / "sweep" / "ledger-main.ndjson")
    assert sweep(company.client, tmp_path, own, datetime.now(UTC), 0.01).leftovers == []
    assert (company.foreign(), company.left()) == (before, [])
    assert any("customer_id" in each.reason for each in left), left
    theirs = {each.id for each in left if each.kind != "customer"}
    assert not any(identifier in write.path for write in company.proxy.writes for identifier in theirs)


def test_a_list_that_calls_somebody_else_ours_has_nobody_taken_away(company: Company, tmp_path: Path) -> None:
    before, run_id, now = company.foreign(), new_run_id(datetime.now(UTC)), datetime.now(UTC)
    first = Ledger(tmp_path / "first" / "ledger-main.ndjson")
    key = Testbed(company.client(first), first, run_id).customer("test", now).external_id
    unanswered = Ledger(tmp_path / run_id / "ledger-main.ndjson")
    unanswered.intend("customer", key)

    def reply(exchange: Exchange) -> Reply:
        true = exchange.forward()
        theirs = replace(exchange, path=f"/v1/customers/external/{VICTIM}", query={}).forward().json["id"]
        rows = [{**row, "id": theirs} for row in true.json["items"]]
        return replace(true, body=json.dumps({**true.json, "items": rows}).encode())

    with company.proxy.attacking(make.on("GET", "/v1/customers", reply)):
        left = clean(company.client(unanswered), unanswered, 0.01)
    assert company.foreign() == before
    assert any("external id is" in each.reason for each in left), left
    assert clean(company.client(first), first, 0.01) == []
    assert company.left() == []


def test_two_customers_that_are_given_one_id_are_two(company: Company, tmp_path: Path) -> None:
    before, run_id, now = company.foreign(), new_run_id(datetime.now(UTC)), datetime.now(UTC)
    ledger = Ledger(tmp_path / run_id / "ledger-main.ndjson")
    client, given = company.client(ledger, pause=lambda seconds: None), []

    def reply(exchange: Exchange) -> Reply:
        made = exchange.forward()
        given.append(made.json["id"])
        return replace(made, body=json.dumps({**made.json, "id": given[0]}).encode())

    with company.proxy.attacking(make.on("POST", "/v1/customers", reply)):
        Testbed(client, ledger, run_id).customer("first", now)
        with pytest.raises(NotOurs, match="external id is"):
            Testbed(client, ledger, run_id).customer("second", now)
        assert clean(client, ledger, 0.01) == []
    assert (company.foreign(), company.left()) == (before, [])
