"""The attacks, what must be said of each, and whether it may leave something behind for the next sweep.

Whatever the attack: no object of the company is written to, nothing is made twice, and one sweep behind an honest server leaves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.safety import attacks as make
from tests.safety.attacks import SEARCHES, VICTIM
from tests.safety.case import Case
from tests.safety.changing_cases import CHANGING, CLOCKS, HIDDEN, STEERING, TWICE
from tests.safety.mixed_cases import CACHES
from tests.safety.more_cases import LIES, SPELLINGS
from tests.safety.odd_cases import ODD
from tests.safety.proxy import Attack, answer
from tests.safety.wire_cases import WIRE


def _search(kind: str, reply: Callable[..., Any]) -> Callable[[], Attack]:
    return lambda: make.on("POST" if kind != "customers" else "GET", SEARCHES[kind], reply)


UNHONOURED = r"does not honour its filter"
FILTERS = (
    Case(
        "search of subscriptions ignores the customer",
        lambda: make.without(SEARCHES["subscriptions"], "customer_id"),
        UNHONOURED,
        True,
    ),
    Case(
        "search of invoices ignores customer and subscription",
        lambda: make.without(SEARCHES["invoices"], "customer_id", "subscription_id"),
        UNHONOURED,
        True,
    ),
    Case(
        "both searches ignore everything",
        lambda: make.both(
            make.without(SEARCHES["subscriptions"], "customer_id", "subscription_status"),
            make.without(SEARCHES["invoices"], "customer_id", "subscription_id", "invoice_status"),
        ),
        UNHONOURED,
        True,
    ),
    Case(
        "rows of somebody else's subscriptions say that they are ours",
        lambda: make.on(
            "POST",
            SEARCHES["subscriptions"],
            lambda exchange: _relabelled(exchange, "customer_id"),
        ),
        r"is another object|another one than it names|whose customer_id|does not honour",
        True,
    ),
    Case(
        "rows of invoices do not say whose they are",
        _search("invoices", make.changed(make.rows(customer_id=None))),
        r"has no 'items.customer_id'",
        True,
    ),
    Case(
        "rows of invoices were made years ago",
        _search("invoices", make.changed(make.rows(created_at="2020-01-01T00:00:00Z"))),
        r"before what it belongs to",
        True,
    ),
    Case(
        "rows of subscriptions do not say when they were made",
        _search("subscriptions", make.changed(make.rows(created_at=None))),
        r"does not say when it was made",
        True,
    ),
)

IDENTITIES = (
    Case(
        "a customer by its id is somebody else",
        lambda: make.on(
            "GET", lambda path: path.startswith("/v1/customers/cust_"), make.victims(f"/v1/customers/external/{VICTIM}")
        ),
        r"is another object",
        True,
    ),
    Case(
        "a customer by its external id is somebody else, and the answer to its making was lost",
        lambda: make.both(
            make.on("POST", "/v1/customers", make.executed(make.HTML)),
            make.on("GET", "/v1/customers", make.victims("/v1/customers")),
            make.on("GET", "*/external/", make.victims(f"/v1/customers/external/{VICTIM}")),
        ),
        r"answered cust_\w+, whose external id is",
        True,
    ),
    Case(
        "every customer is unknown",
        lambda: make.after(
            1,
            make.on(
                "GET",
                lambda path: path.startswith("/v1/customers"),
                make.constant(answer({"code": "not_found", "message": "no", "http_status_code": 404}, 404)),
            ),
        ),
        r"is not proved to be gone",
        True,
    ),
    Case(
        "invoices by their id belong to somebody else",
        lambda: make.on(
            "GET",
            lambda path: path.startswith("/v1/invoices/"),
            make.changed(lambda body: {**body, "customer_id": "cust_01ARZ3NDEKTSV4RRFFQ69G5FAV"}),
        ),
        r"another one than it names",
        True,
    ),
    Case(
        "the customer lost its mark",
        lambda: make.on(
            "GET",
            lambda path: path.startswith("/v1/customers/cust_"),
            make.changed(lambda body: {**body, "metadata": {}}),
        ),
        r"does not carry our mark",
        True,
    ),
    Case(
        "the customer is of another run",
        lambda: make.on(
            "GET",
            lambda path: path.startswith("/v1/customers/cust_"),
            make.changed(lambda body: {**body, "metadata": {**body["metadata"], "run_id": "other"}}),
        ),
        r"which another run made",
        True,
    ),
)

CREATES = (
    Case(
        "making a customer answers somebody else",
        lambda: make.on(
            "POST", "/v1/customers", lambda exchange: _made_then(exchange, f"/v1/customers/external/{VICTIM}")
        ),
        r"whose external id is 'acct_8450'",
    ),
    Case(
        "making a subscription answers somebody else's",
        lambda: make.on(
            "POST",
            "/v1/subscriptions",
            make.changed(lambda body: {**body, "id": "subs_01ARZ3NDEKTSV4RRFFQ69G5FAV", "customer_id": "cust_x"}),
        ),
        r"another one than it names",
    ),
    *(
        Case(
            f"a subscription comes back with another {key.replace('_', ' ')}",
            lambda key=key, value=value: make.on(
                "POST", "/v1/subscriptions", make.changed(lambda body: {**body, key: value})
            ),  # type: ignore[misc]
            rf"made with another .* than was asked for \(expected .*, found '{value}'\)",
        )
        for key, value in {
            "plan_id": "plan_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "currency": "eur",
            "billing_period": "ANNUAL",
            "collection_method": "charge_automatically",
        }.items()
    ),
    *(
        Case(
            f"making a customer answers {name}",
            lambda body=body: make.on("POST", "/v1/customers", make.executed(answer(body, 201))),
            r"customers",
        )  # type: ignore[misc]
        for name, body in make.SHAPES.items()
    ),
)

LOST = tuple(
    Case(
        f"the answer to {what} is lost: {name}",
        lambda place=place, reply=reply: make.on(place[0], place[1], make.executed(reply)),  # type: ignore[misc]
    )
    for what, place in make.WRITES.items()
    for name, reply in make.LOST.items()
)
SHAPES = tuple(
    Case(
        f"the list of {kind} is {name}",
        lambda kind=kind, body=body: make.on(  # type: ignore[misc]
            "GET" if kind == "customers" else "POST", SEARCHES[kind], make.constant(answer(body))
        ),
        r"nothing can be concluded" if kind != "customers" else "",
        kind != "customers",
    )
    for kind in SEARCHES
    for name, body in make.SHAPES.items()
)
PAGES = (
    Case("pages are capped at 2 rows", lambda: make.capped(2)),
    Case(
        "invoices say that there are more than they give",
        _search("invoices", make.changed(lambda body: {**body, "pagination": {**body["pagination"], "total": 99}})),
        r"says there are 99, but gives",
        True,
    ),
    Case(
        "the list of invoices has no end",
        lambda: make.endless_pages(SEARCHES["invoices"]),
        r"has no 'items.customer_id'",
        True,
    ),
)
NETWORK = tuple(
    Case(
        f"a search is answered with {name}",
        lambda reply=reply: make.on("POST", SEARCHES["subscriptions"], make.constant(reply)),  # type: ignore[misc]
        r"subscription",
        True,
    )
    for name, reply in make.NETWORK.items()
)
BOMBS = (
    Case(
        "a search is answered with 200 MB in some hundred bytes",
        lambda: make.on("POST", SEARCHES["subscriptions"], make.constant(make.bomb())),
        r"larger than any of Flexprice's|compression",
        True,
    ),
)

CASES: dict[str, tuple[Case, ...]] = {
    "Filters that are not honoured": FILTERS,
    "Answers about somebody else": IDENTITIES,
    "Answers to what is made": CREATES,
    "Answers that are lost after it was done": LOST,
    "Answers of another shape": SHAPES,
    "Pages": PAGES,
    "Bodies and connections": (*NETWORK, *BOMBS),
    "Other spellings, and ids that are paths": SPELLINGS,
    "Lies about what there is and what was done": LIES,
    "On the wire": WIRE,
    "JSON that is read in two ways": TWICE,
    "Answers that change": CHANGING,
    "Rows that come twice, or not always": HIDDEN,
    "Old answers, answers of others, and pages that shift": CACHES,
    "Clocks": CLOCKS,
    "Names that steer": STEERING,
    "Refusals, states and statuses that are not so": ODD,
}


def _relabelled(exchange: Any, key: str) -> Any:
    """Everybody's subscriptions, each said to belong to the customer that was asked for."""
    asked = exchange.body.pop(key, None)
    reply = exchange.forward()
    body = make.rows(**{key: asked})(reply.json)
    return answer(body)


def _made_then(exchange: Any, path: str) -> Any:
    exchange.forward()
    return make.victims(path)(exchange)
