"""No request, however odd, is answered with an internal error."""

from __future__ import annotations

import inspect
import random
import re
import sys
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel.binding import ListOf, Schema
from pytest_flexprice.emulator.kernel.options import SANDBOX
from pytest_flexprice.emulator.kernel.resource import Resource
from pytest_flexprice.emulator.kernel.routing import ROUTER, Route
from pytest_flexprice.emulator.routes import unimplemented
from pytest_flexprice.emulator.seeding.seed import Seeder

from .conftest import Api
from .test_faults import CATALOG, CUSTOMERS

REQUESTS = 800
TABLES = ("customers", "plans", "features", "meters", "prices", "entitlements", "subscriptions", "invoices")
WORDS = (
    "usd",
    "MONTHLY",
    "USAGE",
    "FIXED",
    "PLAN",
    "FLAT_FEE",
    "ARREAR",
    "acct_1",
    "pro",
    "immediate",
    "x" * 300,
    "\u0000",
    "",
)
TIMES = ("2026-01-01T00:00:00Z", "2099-01-01T00:00:00+05:30", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "x")
BY_KIND: dict[str, tuple[Any, ...]] = {
    "integer": (0, 1, 2, -1, 2**40, 2**63),
    "decimal": ("0", "10", "0.05", "-1", "1e300", "NaN", 7, 0.5),
    "boolean": (True, False),
    "instant": TIMES,
    "number": (0, 1.5, -1),
    "strings": ({"a": "b"}, {}),
    "mapping": ({"a": {"b": [1]}}, {}),
}
ODD = (None, 0, -1, 1.5, 10**30, True, "", "text", [], [None], [[]], {}, {"id": {}}, *TIMES)
QUERY = (
    "limit",
    "offset",
    "status",
    "order",
    "expand",
    "sort",
    "start_time",
    "end_time",
    "id",
    "page_size",
    "customer_id",
)


class Requests:
    """Random requests that often name what exists."""

    def __init__(self, api: Api, seed: int) -> None:
        self._random = random.Random(seed)
        self._api = api

    def _ids(self) -> list[str]:
        tables = [self._api.server.world.table(name).all(SANDBOX)[:4] for name in TABLES]
        return [row["id"] for rows in tables for row in rows]

    def _typed(self, kind: Any) -> Any:
        choose = self._random.choice
        if self._random.random() < 0.1:
            return choose(ODD)
        if isinstance(kind, Schema):
            return self.body(kind)
        if isinstance(kind, ListOf):
            return [self._typed(kind.kind) for _ in range(self._random.randint(0, 2))]
        return choose(BY_KIND.get(getattr(kind, "__name__", ""), (*WORDS, *self._ids())))

    def body(self, schema: Schema) -> dict[str, Any]:
        """A body with most of the schema's fields."""
        return {each.name: self._typed(each.kind) for each in schema.fields if self._random.random() < 0.7}

    def path(self, route: Route) -> str:
        """The route's path with parameters, and now and then a query."""
        ids = [*self._ids(), "x", "acct_1", "%00"]
        path = re.sub(r"[:*]\w+", lambda _match: self._random.choice(ids), route.pattern)
        values = (*WORDS[:4], *TIMES, "1", "-1", "9" * 30, '{"field":"name"}')
        query = [
            f"{self._random.choice(QUERY)}={self._random.choice(values)}" for _ in range(self._random.randint(0, 2))
        ]
        return path + ("?" + "&".join(query) if query else "")


def schema_of(route: Route) -> Schema:
    """The request schema that the handler's source names, or one without fields."""
    owner = getattr(getattr(route.handler, "func", route.handler), "__self__", None)
    if isinstance(owner, Resource):
        return owner.schema if route.method == "POST" else Schema("Nothing")
    module = sys.modules[route.handler.__module__]
    for name in re.findall(r"\b_?[A-Z][A-Z_]+\b", inspect.getsource(route.handler)):
        found = getattr(module, name, None)
        if isinstance(found, Schema):
            return found
    return Schema("Nothing")


@pytest.mark.parametrize("seed", [1, 2])
def test_no_request_is_answered_with_an_internal_error(seed: int) -> None:
    api = Api(jobs=False, lag=0.0)
    seeder = Seeder(api.server, SANDBOX)
    seeder.catalog(CATALOG)
    seeder.customers(CUSTOMERS)
    routes = [
        route
        for route in ROUTER.routes()
        if route.handler is not unimplemented.refuse and not route.pattern.startswith(("/_emulator", "/api/v1"))
    ]
    requests = Requests(api, seed)
    chooser = random.Random(seed)
    for _ in range(REQUESTS):
        route = chooser.choice(routes)
        path = requests.path(route)
        body = None if route.method == "GET" else requests.body(schema_of(route))
        answer = api.call(route.method, path, body)
        assert "internal_error" not in answer.get_data(as_text=True), (route.method, path, body)
