"""Requests and answers without a web toolkit."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_flexprice.emulator.kernel.server import FlexpriceServer
from pytest_flexprice.emulator.kernel.wsgi import Query, ask

from .conftest import Api

_SLOW = {"werkzeug", "http.client", "ssl", "requests"}


def test_a_server_starts_without_what_takes_long_to_import() -> None:
    program = (
        "import sys; from pytest_flexprice.emulator import FlexpriceServer; FlexpriceServer().application(); "
        f"print(*({_SLOW!r} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/health", 200),
        ("HEAD", "/health", 404),
        ("GET", "//v1/customers", 404),
        ("GET", "/v1/customers?limit=1&limit=x", 200),
        ("GET", "/v1/customers?limit=%zz", 400),
        ("GET", "/v1/customers/external/%C3%B6", 404),
        ("POST", "/v1/customers", 400),
    ],
)
def test_one_request(api: Api, method: str, target: str, status: int) -> None:
    headers = {"x-api-key": api.server.api_key, "x-environment-id": "00000000-0000-0000-0000-000000000000"}
    found, answer = ask(api.server.application(), method, target, {} if method == "POST" else None, headers)
    assert found == status
    if "external" in target:
        assert answer["details"] == {"lookup_key": "ö"}


def test_a_query_keeps_every_value_and_empty_ones() -> None:
    query = Query("a=1&a=&b&c=%20x")
    assert (query.getlist("a"), query.get("b"), query.get("c"), query.get("d"), query.getlist("d")) == (
        ["1", ""],
        "",
        " x",
        None,
        [],
    )


def test_an_application_needs_no_port() -> None:
    assert ask(FlexpriceServer().application(), "GET", "/nowhere", None, {}) == (404, None)
