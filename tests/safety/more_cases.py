"""Further attacks: lies about pages, ids in other spellings, ids that are paths, answers that promise what was not done."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.safety import attacks as make
from tests.safety.attacks import SEARCHES, VICTIM
from tests.safety.case import Case
from tests.safety.proxy import Attack, Exchange, Reply

SUBSCRIPTIONS, INVOICES = SEARCHES["subscriptions"], SEARCHES["invoices"]


def _rows(path: str, change: Callable[[dict[str, Any]], None]) -> Callable[[], Attack]:
    """Every row of a search, changed in place."""

    def all_of(body: Any) -> Any:
        for row in body.get("items") or []:
            change(row)
        return body

    return lambda: make.on("POST", path, make.changed(all_of))


def _paged(path: str, change: Callable[[Any], Any]) -> Callable[[], Attack]:
    return lambda: make.on("POST", path, make.changed(change))


def _told(**pagination: Any) -> Callable[[Any], Any]:
    return lambda body: {**body, "pagination": {**body["pagination"], **pagination}}


def _twice(body: Any) -> Any:
    return {**body, "items": [*body["items"], *body["items"]]}


def _foreign_id(path: str, named: str) -> Callable[[], Attack]:
    """What was made, under the id of somebody else's."""

    def reply(exchange: Exchange) -> Reply:
        made = exchange.forward()
        owner = replace(exchange, method="GET", path=f"/v1/customers/external/{VICTIM}", query={}, body=None).forward()
        foreign = owner.json["id"]
        if named == "subscription":
            asked = {"customer_id": foreign}
            found = replace(exchange, method="POST", path=SUBSCRIPTIONS, query={}, body=asked).forward()
            foreign = found.json["items"][0]["id"]
        return replace(made, body=json.dumps({**made.json, "id": foreign}).encode())

    return lambda: make.on("POST", path, reply)


def _double(key: str, value: str) -> Callable[[Exchange], Reply]:
    """The true answer with a key written a second time."""

    def reply(exchange: Exchange) -> Reply:
        true = exchange.forward()
        if true.status >= 300:
            return true
        return replace(true, body=true.body.rstrip()[:-1] + f',"{key}":{json.dumps(value)}}}'.encode())

    return reply


def _redirect(status: int, place: str) -> Reply:
    return Reply(status, b"", {"location": place})


NOTHING_DONE = Reply(200, b'{"message": "done"}')
WHOSE = r"whose customer_id is|another one than it names"
SPELLINGS = (
    Case(
        "rows of subscriptions write the customer in capitals",
        _rows(SUBSCRIPTIONS, lambda row: row.update(customer_id=row["customer_id"].upper())),
        WHOSE,
        True,
    ),
    Case(
        "rows of invoices write the customer with a blank",
        _rows(INVOICES, lambda row: row.update(customer_id=f"{row['customer_id']} ")),
        WHOSE,
        True,
    ),
    Case(
        "rows of invoices name several customers",
        _rows(INVOICES, lambda row: row.update(customer_id=[row["customer_id"]])),
        r"has a list instead of a text as 'items.customer_id'",
        True,
    ),
    Case(
        "the customer's external id comes back in capitals",
        lambda: make.on(
            "GET",
            lambda path: path.startswith("/v1/customers/"),
            make.changed(lambda body: {**body, "external_id": str(body.get("external_id", "")).upper()}),
        ),
        r"whose external id is",
        True,
    ),
    Case(
        "the customer's external id comes back with a blank",
        lambda: make.on(
            "GET",
            lambda path: path.startswith("/v1/customers/"),
            make.changed(lambda body: {**body, "external_id": f"{body.get('external_id', '')} "}),
        ),
        r"whose external id is",
        True,
    ),
    Case(
        "a row of invoices has a path for its id",
        _rows(INVOICES, lambda row: row.update(id=f"{row['id']}/../../customers/cust_01ARZ3NDEKTSV4RRFFQ69G5FAV")),
        r"could lead to another object|no id of Flexprice's|cannot be Flexprice's",
        True,
    ),
    Case(
        "a row of invoices has an encoded path for its id",
        _rows(INVOICES, lambda row: row.update(id="..%2f..%2fcustomers%2fcust_x")),
        r"could lead to another object|no id of Flexprice's|cannot be Flexprice's",
        True,
    ),
    Case(
        "a row of subscriptions has a number for its id",
        _rows(SUBSCRIPTIONS, lambda row: row.update(id=7)),
        r"has 7 instead of a text as 'items.id'",
        True,
    ),
    Case("a row of subscriptions has no id", _rows(SUBSCRIPTIONS, lambda row: row.update(id="")), r"has no id", True),
    Case(
        "rows of invoices were made in another century",
        _rows(INVOICES, lambda row: row.update(created_at="yesterday")),
        r"has 'yesterday' instead of a time with its zone as 'items.created_at'",
        True,
    ),
)
LIES = (
    Case("the search of invoices ignores the status", lambda: make.without(INVOICES, "invoice_status")),
    Case("the search of subscriptions ignores the status", lambda: make.without(SUBSCRIPTIONS, "subscription_status")),
    Case("every invoice is listed twice", _paged(INVOICES, _twice)),
    Case("the list of invoices says that there is less than it gives", _paged(INVOICES, _told(total=0))),
    Case("the list of invoices counts in words", _paged(INVOICES, _told(total="many")), r"invoices", True),
    Case("the list of invoices counts below zero", _paged(INVOICES, _told(total=-5)), r"", True),
    Case("the list of invoices does not count", _paged(INVOICES, _told(total=None)), r"", True),
    Case(
        "making a subscription answers ours with somebody else's id",
        _foreign_id("/v1/subscriptions", "subscription"),
        r"is another object|another one than it names|whose customer_id|does not honour|plan",
        True,
    ),
    Case(
        "making a customer answers ours with somebody else's id",
        _foreign_id("/v1/customers", "customer"),
        r"whose external id is|is another object|whose id",
        True,
    ),
    Case(
        "an invoice names its customer twice, the second another one",
        lambda: make.on("GET", lambda path: path.startswith("/v1/invoices/"), _double("customer_id", "cust_other")),
        r"another one than it names",
        True,
    ),
    Case(
        "voiding is redirected to another host",
        lambda: make.on("POST", "*/void", make.constant(_redirect(307, "http://127.0.0.1:9/v1/invoices/inv_1/void"))),
        r"invoice",
        True,
    ),
    Case(
        "deleting is redirected to somebody else",
        lambda: make.on(
            "DELETE",
            lambda path: path.startswith("/v1/customers/"),
            make.constant(_redirect(308, f"/v1/customers/{VICTIM}")),
        ),
        r"customer",
        True,
    ),
    *(
        Case(
            f"{what} is confirmed and not done",
            lambda place=place: make.on(place[0], place[1], make.constant(NOTHING_DONE)),
            r"still",
            True,
        )  # type: ignore[misc]
        for what, place in {
            "voiding": ("POST", "*/void"),
            "cancelling": ("POST", "*/cancel"),
            "deleting": ("DELETE", lambda path: path.startswith("/v1/customers/")),
        }.items()
    ),
)
