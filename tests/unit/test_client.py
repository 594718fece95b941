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
        rows = list(range(total))[offset : offset + limit]
        return 200, {"items": rows or None, "pagination": {"total": total, "limit": limit, "offset": told}}, {}

    flexprice, transport = client(reply)
    assert list(flexprice.list("/v1/customers")) == list(range(total))
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
        (302, "", {"location": "https://login.example/x"}, "redirected to login.example"),
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
