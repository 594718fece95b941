"""The client: the shapes of refusals, pages computed from what was asked, and nothing concluded from nonsense."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.api import Answer, ApiError, Flexprice, WriteGuard
from pytest_flexprice.api.errors import read_refusal
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import NotVerified
from tests.completed import completed


class FakeTransport:
    """Answers from a function; remembers what was asked."""

    base_url = "https://flexprice.example"

    def __init__(self, reply: Any) -> None:
        self.reply = reply
        self.asked: list[dict[str, Any]] = []

    def send(self, method: str, path: str, **request: Any) -> Answer:
        self.asked.append({"method": method, "path": path, **request})
        status, body, headers = self.reply(self.asked[-1])
        text = body if isinstance(body, str) else json.dumps(body)
        parsed = None if isinstance(body, str) else body
        return Answer(method, path, status, headers, text, parsed, 0.0)

    def close(self) -> None:
        """Nothing is held."""


def client(reply: Any) -> tuple[Flexprice, FakeTransport]:
    transport = FakeTransport(reply)
    return Flexprice(transport, WriteGuard(Level.READ, True)), transport  # type: ignore[arg-type] # duck-typed


@pytest.mark.parametrize(
    ("body", "shape", "message"),
    [
        ({"code": "not_found", "message": "no", "http_status_code": 404}, "envelope", "no"),
        ({"error": "Unauthorized"}, "error", "Unauthorized"),
        ({"error": "Access denied", "message": "no"}, "error and message", "Access denied: no"),
        ({"message": "insufficient permissions"}, "message", "insufficient permissions"),
        (None, "text", "404 page not found"),
    ],
)
def test_the_shapes_of_refusals_are_told_apart(body: Any, shape: str, message: str) -> None:
    refusal = read_refusal(body, "404 page not found" if body is None else json.dumps(body))
    assert (refusal.shape, refusal.message) == (shape, message)


@given(total=st.integers(0, 3500), lies=st.sampled_from(["next", "own", "none"]))
def test_pages_are_computed_from_what_was_asked(total: int, lies: str) -> None:
    def reply(asked: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        limit, offset = asked["query"]["limit"], asked["query"]["offset"]
        told = {"next": offset + limit, "own": offset, "none": 0}[lies]
        rows = rows_of(total)[offset : offset + limit]
        return 200, {"items": rows or None, "pagination": {"total": total, "limit": limit, "offset": told}}, {}

    flexprice, transport = client(reply)
    assert [row["id"] for row in flexprice.list("/v1/customers")] == [str(number) for number in range(total)]
    assert len(transport.asked) == max(1, -(-total // 1000))


def test_a_refusal_is_an_api_error() -> None:
    flexprice, _ = client(
        lambda asked: (409, {"code": "already_exists", "message": "taken", "http_status_code": 409}, {})
    )
    with pytest.raises(ApiError, match="refused GET /v1/x with 409: taken") as raised:
        flexprice.get("/v1/x")
    assert raised.value.code == "already_exists"


@pytest.mark.parametrize(
    ("status", "body", "headers", "says"),
    [
        (501, {"code": "not_implemented", "message": "no such route", "http_status_code": 501}, {}, "answered 501"),
        (500, "", {}, "answered 500"),
        (302, "", {"location": "https://login.example/x"}, "redirected to https://login.example/x"),
        (200, "<html>", {"content-type": "text/html"}, "text/html instead of JSON"),
    ],
)
def test_from_nonsense_nothing_is_concluded(status: int, body: Any, headers: dict[str, str], says: str) -> None:
    flexprice, _ = client(lambda asked: (status, body, headers))
    with pytest.raises(NotVerified, match=says):
        flexprice.get("/v1/plans")


def test_only_the_envelopes_not_found_means_that_there_is_none() -> None:
    flexprice, _ = client(lambda asked: (404, {"code": "not_found", "message": "no", "http_status_code": 404}, {}))
    assert flexprice.find("/v1/customers/external/x") is None
    flexprice, _ = client(lambda asked: (404, "404 page not found", {}))
    with pytest.raises(ApiError):
        flexprice.find("/v1/customers/external/x")


def listing(rows: list[Any], *, cap: int = 1000, total: Any = None, key: str = "items") -> Any:
    """A server that gives at most ``cap`` rows a page and says that there are ``total``."""

    def reply(asked: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        page = asked["query"] if asked["method"] == "GET" else asked["body"]
        limit = min(page["limit"], cap)
        shown = rows[page["offset"] : page["offset"] + limit]
        said = len(rows) if total is None else total
        numbers = {"total": said, "limit": limit, "offset": page["offset"]}
        return 200, {key: shown or None, **({"pagination": numbers} if key == "items" else numbers)}, {}

    return reply


def rows_of(count: int) -> list[dict[str, str]]:
    return [{"id": str(number), "external_id": f"acct_{number}"} for number in range(count)]


@given(count=st.integers(0, 300), cap=st.integers(1, 120))
def test_pages_that_a_gateway_caps_are_read_on(count: int, cap: int) -> None:
    flexprice, transport = client(listing(rows_of(count), cap=cap))
    assert list(flexprice.list("/v1/customers")) == rows_of(count)
    assert list(flexprice.search("/v1/customers/search")) == rows_of(count)
    assert len(transport.asked) == 2 * max(1, -(-count // cap))


def test_a_total_that_cannot_be_reached_is_told() -> None:
    flexprice, _ = client(listing(rows_of(3), total=5))
    with pytest.raises(NotVerified, match="says there are 5, but gives 3"):
        list(flexprice.list("/v1/customers"))


def test_a_total_below_what_a_full_page_gives_is_not_believed() -> None:
    flexprice, _ = client(listing(rows_of(25), cap=10, total=3))
    assert len(list(flexprice.list("/v1/customers"))) == 25


def test_a_server_that_ignores_the_offset_is_told() -> None:
    def reply(asked: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        return 200, {"items": rows_of(10), "pagination": {"total": 1_000_000, "limit": 10, "offset": 0}}, {}

    flexprice, transport = client(reply)
    with pytest.raises(NotVerified, match="repeats an earlier one"):
        list(flexprice.list("/v1/customers"))
    assert len(transport.asked) == 2


def test_pages_without_end_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(asked: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        offset = asked["query"]["offset"]
        return (
            200,
            {"items": [{"id": str(offset), "external_id": "x"}], "pagination": {"total": offset + 2, "limit": 1}},
            {},
        )

    monkeypatch.setattr("pytest_flexprice.api.client.MOST_PAGES", 7)
    flexprice, transport = client(reply)
    with pytest.raises(NotVerified, match="no end after 7 pages"):
        list(flexprice.list("/v1/customers"))
    assert len(transport.asked) == 7


@pytest.mark.parametrize("growth", [1_500, 10**12])
def test_a_list_that_grows_faster_than_it_is_read_is_left(growth: int) -> None:
    def reply(asked: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        offset = asked["query"]["offset"]
        shown = [{"id": str(offset + number), "external_id": "x"} for number in range(1000)]
        return 200, {"items": shown, "pagination": {"total": 1000 + growth * (1 + offset // 1000), "limit": 1000}}, {}

    flexprice, transport = client(reply)
    with pytest.raises(NotVerified, match="more than anybody could read"):
        list(flexprice.list("/v1/customers"))
    assert len(transport.asked) <= 3


@pytest.mark.parametrize("count", [0, 1, 50, 51])
def test_a_list_that_counts_its_page_only_is_read_to_a_short_page(count: int) -> None:
    def reply(asked: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        offset = asked["query"]["offset"]
        shown = rows_of(count)[offset : offset + 50]
        return 200, {"connections": shown or None, "total": len(shown), "limit": 50, "offset": offset}, {}

    flexprice, _ = client(reply)
    assert len(list(flexprice.list("/v1/connections", rows="connections"))) == count


SHAPES: list[Any] = [
    {},
    None,
    [],
    "hi",
    7,
    [{"id": "x"}],
    {"items": []},
    {"items": {}},
    {"items": "hi", "pagination": {"total": 0}},
    {"items": [None], "pagination": {"total": 1}},
    {"items": [{}], "pagination": {"total": 1}},
    {"items": [[]], "pagination": {"total": 1}},
    {"items": [], "pagination": None},
    {"items": [], "pagination": {"total": "0"}},
    {"items": [], "pagination": {"total": True}},
    {"items": [], "pagination": {"total": -1}},
    {"total": 0, "limit": 50},
]


@pytest.mark.parametrize("body", SHAPES, ids=json.dumps)
def test_an_unknown_shape_is_never_an_empty_list(body: Any) -> None:
    flexprice, _ = client(lambda asked: (200, json.dumps(body) if isinstance(body, str) else body, {}))
    with pytest.raises(NotVerified):
        list(flexprice.list("/v1/customers"))
    with pytest.raises(NotVerified):
        list(flexprice.search("/v1/customers/search"))
    with pytest.raises(NotVerified):
        list(flexprice.list("/v1/connections", rows="connections"))


@pytest.mark.parametrize("body", [{}, None, "hi", [None], [{}], ["hi"], {"items": []}], ids=json.dumps)
def test_an_array_is_an_array_of_objects(body: Any) -> None:
    flexprice, _ = client(lambda asked: (200, json.dumps(body) if isinstance(body, str) else body, {}))
    with pytest.raises(NotVerified):
        flexprice.array("/v1/customers/x/wallets")


@pytest.mark.parametrize("body", [{}, None, [], "hi", [{"id": "x"}], 0, False], ids=json.dumps)
def test_one_object_is_an_object(body: Any) -> None:
    flexprice, _ = client(lambda asked: (200, json.dumps(body) if isinstance(body, str) else body, {}))
    for read in (flexprice.get, flexprice.find, flexprice.post):
        with pytest.raises(NotVerified):
            read("/v1/invoices/preview")


def test_another_object_than_asked_for_is_not_believed() -> None:
    asked_for, answered = (f"wallet_01ARZ3NDEKTSV4RRFFQ69G5FA{end}" for end in "VW")
    wallet = completed({"id": answered}, f"GET /v1/wallets/{asked_for}")
    flexprice, _ = client(lambda asked: (200, wallet, {}))
    with pytest.raises(NotVerified, match=f"is another object \\('{answered}'\\) than was asked for"):
        flexprice.get(f"/v1/wallets/{asked_for}")
    assert flexprice.get(f"/v1/wallets/{answered}") == wallet


@pytest.mark.parametrize("status", [408, 429])
def test_to_be_put_off_is_no_refusal(status: int) -> None:
    flexprice, _ = client(lambda asked: (status, {"error": "slow down"}, {}))
    with pytest.raises(NotVerified, match=f"answered {status}"):
        flexprice.get("/v1/plans")


def test_the_client_hands_out_neither_transport_nor_key() -> None:
    flexprice, transport = client(lambda asked: (200, {"id": "x"}, {}))
    values = [getattr(flexprice, name) for name in dir(flexprice) if not name.startswith("__")]
    assert transport not in values
    for name in ("guard", "base_url", "_send", "transport"):
        with pytest.raises(AttributeError):
            setattr(flexprice, name, None)


def test_what_was_checked_is_what_is_sent() -> None:
    """A body that changes after it was looked at changes nothing: the guard and the server see one copy."""
    body = {"status": ["active"]}
    flexprice, transport = client(lambda asked: (200, {"items": [], "pagination": {"total": 0}}, {}))
    list(flexprice.search("/v1/customers/search", body))
    body["status"].append("archived")
    assert transport.asked[0]["body"]["status"] == ["active"]


@pytest.mark.parametrize(("calm", "read"), [(1, True), (2, True), (99, False)])
def test_a_list_that_shifts_while_it_is_read_is_read_again(calm: int, read: bool) -> None:
    """Until then the second page begins with the last row of the first, and the last row is on none."""
    begun = iter(range(99))

    def reply(asked: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        offset = asked["query"]["offset"]
        shift = 0 if not offset else int(next(begun) < calm - 1)
        rows = [{"id": f"x_{at}"} for at in range(4)][max(offset - shift, 0) :][:2]
        return 200, {"items": rows, "pagination": {"total": 4, "limit": 2, "offset": offset}}, {}

    flexprice, _ = client(reply)
    if not read:
        with pytest.raises(NotVerified, match="rows come twice or go while it is read"):
            list(flexprice.list("/v1/anything"))
        return
    assert sorted(row["id"] for row in flexprice.list("/v1/anything")) == ["x_0", "x_1", "x_2", "x_3"]


@pytest.mark.parametrize(
    ("key", "asked", "told"), [("meter_id", "meter_1", "meter_2"), ("aggregation_type", "SUM", "MAX")]
)
def test_an_answer_about_something_else_is_not_believed(key: str, asked: str, told: str) -> None:
    flexprice, _ = client(lambda _: (200, {"meter_id": "meter_1", "total_value": "5", key: told}, {}))
    with pytest.raises(NotVerified, match=f"is about another {key} \\('{told}'\\) than was asked for"):
        flexprice.post("/v1/meter-usage/query", {"meter_id": "meter_1", key: asked})
