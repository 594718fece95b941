"""Keys, environments and permissions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pytest_flexprice.emulator.kernel.options import PRODUCTION, SANDBOX

from .conftest import Api


def key_of(api: Api, environment: str, **fields: str) -> tuple[str, str]:
    made = api.make(
        "/v1/secrets/api/keys", {"name": "k", "type": "private_key", **fields}, x_environment_id=environment
    )
    return made["secret"]["id"], made["api_key"]


def status(api: Api, path: str = "/v1/users/me", **headers: str | None) -> int:
    return api.call("GET", path, **headers).status_code


def test_a_database_key_stays_in_its_environment(api: Api) -> None:
    _, key = key_of(api, PRODUCTION)
    made = api.make("/v1/customers", {"external_id": "a", "name": "A"}, x_api_key=key, x_environment_id=SANDBOX)
    assert made["environment_id"] == PRODUCTION
    assert status(api, f"/v1/customers/{made['id']}", x_environment_id=SANDBOX) == 404
    assert status(api, f"/v1/customers/{made['id']}", x_environment_id=PRODUCTION) == 200


@pytest.mark.parametrize("given", [None, "", "env_01ARZ3NDEKTSV4RRFFQ69G5FAV"])
def test_the_configured_key_must_name_an_environment(api: Api, given: str | None) -> None:
    answer = api.call("GET", "/v1/customers", x_environment_id=given)
    assert (answer.status_code, answer.get_json()["message"]) == (403, "Invalid or inaccessible environment")


def test_keys_can_be_told_apart_by_what_is_shown_of_them(api: Api) -> None:
    # A hundred keys by chance alone: some two would show the same last characters in 99 of 100 runs.
    for _ in range(100):
        key_of(api, SANDBOX)
    shown = [row["display_id"] for row in api.get("/v1/secrets/api/keys?limit=1000")["items"]]
    assert len(set(shown)) == len(shown) >= 100


def test_a_deleted_key_that_was_used_lives_on_for_a_while() -> None:
    api = Api(key_cache_seconds=120)
    used, used_key = key_of(api, SANDBOX)
    unused, unused_key = key_of(api, SANDBOX)
    assert status(api, x_api_key=used_key) == 200
    for identifier in (used, unused):
        assert api.call("DELETE", f"/v1/secrets/api/keys/{identifier}").status_code == 204
    assert status(api, x_api_key=used_key) == 200
    assert status(api, x_api_key=unused_key) == 401
    api.server.world.clock.shift(timedelta(seconds=119))
    assert status(api, x_api_key=used_key) == 200
    api.server.world.clock.shift(timedelta(seconds=2))
    assert status(api, x_api_key=used_key) == 401


def test_expiry_is_exact(api: Api) -> None:
    _, key = key_of(api, SANDBOX, expires_at="2999-01-01T00:00:00Z")
    assert status(api, x_api_key=key) == 200
    _, old = key_of(api, SANDBOX, expires_at="2001-01-01T00:00:00Z")
    assert status(api, x_api_key=old) == 401


def test_another_environments_key_is_neither_seen_nor_revoked(api: Api) -> None:
    identifier, _ = key_of(api, SANDBOX)
    assert api.get("/v1/secrets/api/keys", x_environment_id=PRODUCTION)["items"] == []
    gone = api.call("DELETE", f"/v1/secrets/api/keys/{identifier}", x_environment_id=PRODUCTION)
    assert gone.status_code == 404


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        ("event_ingestor", ["/v1/events"], ["/v1/customers", "/v1/plans", "/v1/secrets/api/keys"]),
        ("event_reader", [], ["/v1/events", "/v1/customers"]),
        ("super_admin", ["/v1/events", "/v1/customers"], []),
    ],
)
def test_an_empty_body_probes_the_right_to_write(api: Api, role: str, allowed: list[str], refused: list[str]) -> None:
    account = api.make("/v1/users", {"type": "service_account", "name": role, "roles": [role]})
    _, key = key_of(api, SANDBOX, service_account_id=account["id"])
    for path in allowed:
        assert api.call("POST", path, {}, x_api_key=key).status_code == 400
    for path in refused:
        answer = api.call("POST", path, {}, x_api_key=key)
        assert (answer.status_code, answer.get_json()) == (403, {"message": "insufficient permissions"})
    assert status(api, "/v1/customers", x_api_key=key) == 200


def test_sessions_belong_to_their_tenant(api: Api) -> None:
    body = {"email": "dev@example.com", "password": "Passw0rd-1", "tenant_name": "T"}
    session = api.make("/v1/auth/signup", body)
    bearer = {"authorization": f"Bearer {session['token']}", "x_api_key": None}
    own = api.get("/v1/environments", **bearer, x_environment_id=None)["environments"]
    assert [row["name"] for row in own] == ["Sandbox"]
    assert status(api, "/v1/customers", **bearer, x_environment_id=own[0]["id"]) == 200
    assert status(api, "/v1/customers", **bearer, x_environment_id=SANDBOX) == 403
    altered = session["token"][:-2] + ("AA" if not session["token"].endswith("AA") else "BB")
    assert status(api, x_api_key=None, x_environment_id=None, authorization=f"Bearer {altered}") == 401


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "ä.ö.ü", "." * 500])
def test_bad_tokens_are_refused(api: Api, token: str) -> None:
    answer = api.call("GET", "/v1/users/me", x_api_key=None, authorization=f"Bearer {token}")
    assert answer.status_code == 401


def test_unimplemented_routes_are_named(api: Api) -> None:
    answer = api.call("POST", "/v1/customers/import", {})
    assert answer.status_code == 501
    assert "POST /v1/customers/import" in answer.get_json()["message"]
    refused = api.call("POST", "/v1/customers/import", {}, x_api_key="sk_bad")
    assert refused.status_code == 401
