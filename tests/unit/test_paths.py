"""Paths lead to the object that was meant, on the host that was meant, or are not sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from pytest_flexprice.api import Answer, Flexprice, WriteGuard, WriteRefused, path_of
from pytest_flexprice.api.paths import object_id, refuse_suspect
from pytest_flexprice.model.checklist import Level

SUSPECT = [
    "@127.0.0.1:8080/x",
    ":password@127.0.0.1/x",
    "v1/customers",
    "",
    "//elsewhere.example/v1/customers",
    "http://elsewhere.example/v1/customers",
    "/v2/customers",
    "/V1/customers",
    "/v1",
    "/v1/../admin",
    "/v1/customers/external/golive-x/../acct_8450",
    "/v1/customers/golive-/../../../plans",
    "/v1//customers",
    "/v1/customers/./x",
    "/v1/customers/.",
    "/v1/customers\\..\\x",
    "/v1/customers/%2e%2e/x",
    "/v1/customers/%2E./x",
    "/v1/customers/a%2fb",
    "/v1/customers/a%2Fb",
    "/v1/customers/a%5cb",
    "/v1/customers/a%252fb",
    "/v1/customers/a%00b",
    "/v1/customers/a%0d%0ab",
    "/v1/customers/a@b",
    "/v1/customers/a b",
    "/v1/customers/a\r\nHost: elsewhere",
    "/v1/customers/a\tb",
    "/v1/customers/a\x00",
    "/v1/customers?limit=1",
    "/v1/customers#x",
    "/v1/customers;x",
    "/v1/customers/ä",
    "/v1/customers/．．/x",
]


@pytest.mark.parametrize("path", SUSPECT)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(WriteRefused, match="was not sent"):
        refuse_suspect(path)


@pytest.mark.parametrize("path", SUSPECT)
@pytest.mark.parametrize("level", [Level.READ, Level.DRILL])
def test_it_is_refused_before_anything_leaves_at_every_level(path: str, level: Level) -> None:
    class Never:
        base_url = "https://flexprice.example"

        def send(self, *arguments: Any, **request: Any) -> Answer:
            raise AssertionError("it was sent")

        def close(self) -> None:
            """Nothing is held."""

    flexprice = Flexprice(Never(), WriteGuard(level, production=False))  # type: ignore[arg-type] # duck-typed
    with pytest.raises(WriteRefused):
        flexprice.get(path)
    with pytest.raises(WriteRefused):
        flexprice.request("DELETE", path)


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/v1/customers",
        "/v1/events/usage/meter",
        "/v1/subscriptions/temporal/subs_1/draft-and-compute",
        "/v1/customers/external/acme%20corp",
        "/v1/customers/external/user%40acme.example",
    ],
)
def test_a_plain_path_passes(path: str) -> None:
    refuse_suspect(path)


@given(st.text(min_size=1))
def test_a_segment_stays_a_segment(text: str) -> None:
    """Whatever an id is: its path has one segment more than its collection's, on the same host, or it is none."""
    try:
        path = path_of("customers", text)
    except (WriteRefused, UnicodeEncodeError):
        return
    url = parse_url(f"https://flexprice.example{path}")
    assert url.host == "flexprice.example"
    assert (url.path or "").split("/")[:3] == ["", "v1", "customers"]
    assert (url.path or "").count("/") == 3
    assert url.query is None


def test_the_one_object_of_a_path() -> None:
    ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    assert object_id(f"/v1/invoices/inv_{ulid}") == f"inv_{ulid}"
    assert object_id(f"/v1/subscriptions/subs_{ulid}") == f"subs_{ulid}"
    assert object_id(f"/v1/invoices/inv_{ulid}/pdf") == ""
    assert object_id("/v1/settings/invoice_config") == ""
    assert object_id("/v1/users/me") == ""
