"""The routes that only an emulator has."""

from __future__ import annotations

import pytest

from pytest_flexprice.emulator.faults.all import FAULTS
from pytest_flexprice.emulator.kernel.binding import instant

from .conftest import Api


def test_the_clock_moves_forward_and_everything_is_dated_by_it(api: Api) -> None:
    before = instant(api.get("/_emulator/clock")["now"])
    moved = api.call("POST", "/_emulator/clock", {"advance": 86400}).get_json()
    assert (instant(moved["now"]) - before).total_seconds() >= 86400
    made = api.make("/v1/customers", {"external_id": "a", "name": "A"})
    assert instant(made["created_at"]) >= instant(moved["now"])


@pytest.mark.parametrize(
    "body",
    [{}, {"advance": -1}, {"advance": 1e308}, {"to": "2001-01-01T00:00:00Z"}, {"advance": 1, "to": "x"}],
    ids=str,
)
def test_the_clock_cannot_be_moved_back_or_out_of_bounds(api: Api, body: dict[str, object]) -> None:
    assert api.call("POST", "/_emulator/clock", body).status_code == 400


def test_options_change_while_the_server_runs(api: Api) -> None:
    answer = api.call("PUT", "/_emulator/options", {"options": {"key_cache_seconds": 1, "lag": None}}).get_json()
    assert (answer["key_cache_seconds"], answer["lag"]) == (1, None)
    assert api.server.options.key_cache_seconds == 1.0


@pytest.mark.parametrize("options", [{"host": "0.0.0.0"}, {"lag": "soon"}, {"svix": 1}, {"nonsense": 1}], ids=str)
def test_other_options_are_refused(api: Api, options: dict[str, object]) -> None:
    assert api.call("PUT", "/_emulator/options", {"options": options}).status_code == 400


def test_reset_forgets_everything(api: Api) -> None:
    api.make("/v1/customers", {"external_id": "a", "name": "A"})
    api.call("POST", "/_emulator/clock", {"advance": 3600})
    api.call("POST", "/_emulator/faults", {"on": ["F10"]})
    api.call("PUT", "/_emulator/options", {"options": {"lag": None}})
    assert api.call("POST", "/_emulator/reset").get_json()["offset_seconds"] == 0
    assert api.get("/v1/customers")["items"] == []
    assert api.get("/_emulator/state")["faults"] == []
    assert api.get("/_emulator/options")["lag"] == 0.1


def test_faults_of_requests_are_switched_on_and_off(api: Api) -> None:
    api.call("POST", "/_emulator/faults", {"on": ["F10"]})
    assert api.call("GET", "/v1/users/me").status_code == 401
    api.call("POST", "/_emulator/faults", {"off": ["F10"]})
    assert api.call("GET", "/v1/users/me").status_code == 200


def test_a_gateway_answers_with_a_redirect_and_html(api: Api) -> None:
    api.call("POST", "/_emulator/faults", {"on": ["F19"]})
    answer = api.call("GET", "/v1/users/me")
    assert (answer.status_code, answer.mimetype) == (302, "text/html")


@pytest.mark.parametrize("name", ["F23", "nonsense"])
def test_faults_of_seeds_and_unknown_ones_are_refused(api: Api, name: str) -> None:
    answer = api.call("POST", "/_emulator/faults", {"on": [name]})
    assert answer.status_code == 400
    assert name in answer.get_json()["message"]


def test_every_fault_says_what_it_means(api: Api) -> None:
    known = api.get("/_emulator/faults")["known"]
    assert known.keys() == FAULTS.keys()
    assert all(len(meaning) > 10 for meaning in known.values())


def test_control_routes_are_not_behind_the_api_prefix(api: Api) -> None:
    for path in ("/v1/_emulator/clock", "/v1/../_emulator/clock", "/_emulator", "/_emulator/nonsense"):
        assert api.call("GET", path).status_code == 404


def test_requests_are_remembered_without_keys(api: Api) -> None:
    api.get("/v1/customers?limit=1")
    api.call("POST", "/v1/customers", {}, x_api_key="sk_01ARZ3NDEKTSV4RRFFQ69G5FAV")
    seen = api.get("/_emulator/requests")["requests"]
    assert [(one["method"], one["path"], one["query"], one["status"]) for one in seen] == [
        ("GET", "/v1/customers", "limit=1", 200),
        ("POST", "/v1/customers", "", 401),
    ]
    assert seen[1]["key"] == "sk_01***AV"
    assert "ARZ3" not in str(seen)


def test_what_is_remembered_of_a_request_is_bounded(api: Api) -> None:
    api.call("GET", "/v1/" + "a" * 20_000 + "?" + "b" * 20_000, x_request_id="c" * 20_000)
    (seen,) = api.get("/_emulator/requests")["requests"]
    assert len(str(seen)) < 2500
