"""Routes are found by gin's rules."""

from __future__ import annotations

import pytest

from pytest_flexprice.emulator.kernel.routing import Route, Router


@pytest.fixture
def router() -> Router:
    made = Router()
    for method, pattern in (
        ("GET", "/v1/customers"),
        ("POST", "/v1/customers/search"),
        ("GET", "/v1/customers/:id"),
        ("GET", "/v1/customers/external/:external_id"),
        ("GET", "/v1/customers/:id/wallets"),
        ("GET", "/v1/events/lookup"),
        ("GET", "/v1/events/:id"),
    ):
        made.add(Route(method, pattern, lambda call: call))
    return made


@pytest.mark.parametrize(
    ("path", "pattern", "params"),
    [
        ("/v1/customers", "/v1/customers", {}),
        ("/v1/customers/c 1", "/v1/customers/:id", {"id": "c 1"}),
        ("/v1/customers/external", "/v1/customers/:id", {"id": "external"}),
        ("/v1/customers/external/ä", "/v1/customers/external/:external_id", {"external_id": "ä"}),
        ("/v1/customers/external/wallets", "/v1/customers/external/:external_id", {"external_id": "wallets"}),
        ("/v1/customers/c1/wallets", "/v1/customers/:id/wallets", {"id": "c1"}),
        ("/v1/events/lookup", "/v1/events/lookup", {}),
        ("/v1/events/look", "/v1/events/:id", {"id": "look"}),
    ],
)
def test_static_parts_come_before_parameters(router: Router, path: str, pattern: str, params: dict[str, str]) -> None:
    found = router.match("GET", path)
    assert found is not None
    assert (found[0].pattern, found[1]) == (pattern, params)


@pytest.mark.parametrize(
    "path",
    ["/V1/customers", "//v1/customers", "/v1/v1/customers", "/customers", "/v1/customers/a/b/c", "", "v1/customers"],
)
def test_other_paths_are_unknown(router: Router, path: str) -> None:
    assert router.match("GET", path) is None


def test_methods_are_apart(router: Router) -> None:
    assert router.match("DELETE", "/v1/customers") is None
    assert router.match("PATCH", "/v1/customers/c1") is None


def test_one_trailing_slash_redirects(router: Router) -> None:
    assert router.redirect("GET", "/v1/customers/") == "/v1/customers"
    assert router.redirect("POST", "/v1/customers/search/") == "/v1/customers/search"
    assert router.redirect("GET", "/v1/customers//") is None
    assert router.redirect("GET", "/v1/nope/") is None


def test_an_existing_route_is_not_replaced_when_asked_not_to(router: Router) -> None:
    before = router.match("GET", "/v1/customers")
    router.add(Route("GET", "/v1/customers", lambda call: None), replace=False)
    assert router.match("GET", "/v1/customers") == before


def test_a_mounted_service_takes_everything_below_it() -> None:
    router = Router()
    router.add(Route("GET", "/api/v1/*path", lambda call: call))
    router.add(Route("GET", "/api/v1/health", lambda call: call))
    for path in ("/api/v1/app", "/api/v1/app/", "/api/v1/app/a/endpoint/b", "/api/v1/"):
        found = router.match("GET", path)
        assert found is not None
        assert found[0].pattern == "/api/v1/*path"
    exact = router.match("GET", "/api/v1/health")
    assert exact is not None
    assert exact[0].pattern == "/api/v1/health"
    assert router.match("GET", "/api/v2/app") is None
    assert router.match("GET", "/api/v1") is None
