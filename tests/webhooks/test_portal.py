"""The delivery service is read completely, with GET, at one host, and its token is seen by nobody."""

from __future__ import annotations

import itertools
import traceback

import pytest

from pytest_flexprice.api.errors import ApiError, Refusal
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.webhooks import signatures
from pytest_flexprice.webhooks.portal import Portal, open_portal, service_url
from pytest_flexprice.webhooks.read_only import ReadOnlySession

from .builders import NOW, SECRET
from .fake_service import APP, TOKEN, FakeService

ENDPOINTS = [
    {"id": f"ep_{number}", "url": f"https://u:p@acme.example/{number}", "disabled": number == 2, "filterTypes": None}
    for number in range(5)
]
MESSAGES = [
    {
        "id": f"msg_{number}",
        "eventType": "invoice.update.finalized",
        "payload": {"event_type": "invoice.update.finalized", "invoice": {"id": f"inv_{number}", "total": "1"}},
        "timestamp": f"2026-11-22T18:3{9 - number}:00.123456Z",
    }
    for number in range(9)
]
ATTEMPTS = [
    {
        "id": f"a_{number}",
        "msgId": "msg_1",
        "endpointId": "ep_1",
        "status": 2,
        "responseStatusCode": 500,
        "timestamp": "2026-11-22T18:39:00Z",
    }
    for number in range(5)
]
ROWS = {
    "endpoint": ENDPOINTS,
    "event-type": [{"name": name} for name in "abc"],
    "msg": MESSAGES,
    "attempt/endpoint/ep_1": ATTEMPTS,
    "attempt/msg/msg_1": ATTEMPTS[:1],
    "endpoint/ep_1/secret": {"key": SECRET},
}


class Flexprice:
    def __init__(self, **answer):
        self.answer = {
            "svix_enabled": True,
            "token": TOKEN,
            "app_id": APP,
            "url": "https://app.svix.com/login#key=a%2Bbcdefgh",
            **answer,
        }

    def get(self, path, **query):
        assert path == "/v1/webhooks/dashboard"
        return self.answer


@pytest.fixture
def service():
    with FakeService(ROWS) as running:
        yield running


@pytest.fixture
def secrets():
    return []


@pytest.fixture
def portal(service, secrets):
    opened = open_portal(Flexprice(), service.origin, secrets.append)
    yield opened
    opened.close()


def test_every_page_is_read_and_nothing_but_get_is_sent(portal, service):
    assert [one.id for one in portal.endpoints()] == [row["id"] for row in ENDPOINTS]
    assert portal.event_types() == ["a", "b", "c"]
    assert len(portal.attempts("ep_1")) == 5
    assert len(portal.attempts("ep_1", most=3)) == 3
    assert len(portal.attempts_of("msg_1")) == 1
    assert {one.method for one in service.requests} == {"GET"}


def test_an_endpoints_password_is_not_kept(portal):
    assert "u:p" not in repr(portal.endpoints())


def test_messages_are_read_back_to_a_time_and_lose_their_content(portal):
    found = portal.messages(NOW.replace(minute=36))
    assert [one.object_id for one in found] == ["inv_0", "inv_1", "inv_2", "inv_3"]
    assert "total" not in repr(found)


def test_a_secret_is_seen_as_a_fingerprint_only(portal, secrets):
    assert portal.secret_fingerprint("ep_1") == signatures.fingerprint(SECRET)
    assert SECRET in secrets


def test_every_request_is_kept_as_evidence_without_its_content(service, secrets):
    rows = []
    portal = open_portal(Flexprice(), service.origin, secrets.append, rows.append)
    portal.attempts_of("msg_1")
    portal.secret_fingerprint("ep_1")
    service.status = 500
    with pytest.raises(NotVerified):
        portal.endpoints()
    assert [(row["method"], row["status"], row["rows"]) for row in rows] == [
        ("GET", 200, 1),
        ("GET", 200, None),
        ("GET", 500, None),
    ]
    assert all(row["path"].startswith(f"/api/v1/app/{APP}/") and row["service"] == service.origin for row in rows)
    assert all(secret not in repr(rows) for secret in (SECRET, TOKEN))


def test_token_and_link_are_told_to_the_redaction_before_anything_is_sent(service, secrets):
    portal = open_portal(Flexprice(), service.origin, secrets.append)
    assert not service.requests
    assert {TOKEN, "a%2Bbcdefgh", "a+bcdefgh"} <= set(secrets)
    for seen in (repr(portal), repr(vars(portal)), str(portal._session.headers), repr(portal._session.auth)):
        assert TOKEN not in seen


def test_no_trace_shows_the_token(service):
    service.status = 500
    portal = Portal(service.origin, APP, TOKEN, lambda value: None)
    with pytest.raises(NotVerified) as caught:
        portal.endpoints()
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert "it answered 500" in str(caught.value)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_else_leaves_the_session(service, method):
    session = ReadOnlySession(service.origin, TOKEN)
    with pytest.raises(PermissionError, match=method):
        session.request(method, service.origin + "/api/v1/app")
    assert not service.requests


def test_the_token_does_not_go_to_another_host_nor_follow_a_redirect(service, secrets):
    session = ReadOnlySession(service.origin, TOKEN)
    with pytest.raises(PermissionError, match="another host"):
        session.get("https://elsewhere.example/")
    service.status = 302
    with pytest.raises(NotVerified, match="it answered 302"):
        open_portal(Flexprice(), service.origin, secrets.append).endpoints()
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("raw", "reason"),
    [(b"<html>", "is not JSON"), (b'{"data": 1}', "instead of a list of objects as 'data'"), (b"[]", "is no list")],
)
def test_nonsense_is_not_verified(service, portal, raw, reason):
    service.raw = raw
    with pytest.raises(NotVerified, match=reason):
        portal.endpoints()


def test_a_refused_token_and_nobody_there(service, secrets):
    with pytest.raises(NotVerified, match=r"401 \(Invalid token\)"):
        open_portal(Flexprice(token="other"), service.origin, secrets.append).endpoints()
    gone = service.origin
    service.stop()
    with pytest.raises(NotVerified, match="no answer came"):
        open_portal(Flexprice(), gone, secrets.append).endpoints()


def test_native_delivery_has_no_portal(secrets):
    assert open_portal(Flexprice(svix_enabled=False, token="", url="", app_id=""), "", secrets.append) is None


@pytest.mark.parametrize("answer", [{"token": ""}, {"app_id": ""}])
def test_a_dashboard_without_token_is_not_verified(answer, secrets):
    with pytest.raises(NotVerified, match="no token"):
        open_portal(Flexprice(**answer), "http://127.0.0.1:1", secrets.append)


def test_a_flexprice_without_dashboard_is_not_verified(secrets):
    class Refusing:
        def get(self, path, **query):
            raise ApiError("GET", path, 404, Refusal("text", message="404 page not found"))

    with pytest.raises(NotVerified, match=r"with 404 \(404 page not found\)"):
        open_portal(Refusing(), "", secrets.append)


def test_a_busy_service_is_asked_again(service, secrets):
    service.busy = 2
    assert open_portal(Flexprice(), service.origin, secrets.append).event_types() == ["a", "b", "c"]
    assert service.busy == 0


JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhcHAifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize("region", ["us", "eu", "in", "ca", "au"])
def test_a_tokens_ending_names_the_region(region):
    assert service_url(f"appsk_abc.{region}") == f"https://api.{region}.svix.com"
    assert service_url(f"{JWT}.{region}") == f"https://api.{region}.svix.com"


@pytest.mark.parametrize("token", ["appsk_abc", "appsk_abc.de", "us", "a.b.c"])
def test_any_other_token_belongs_to_the_usual_address(token):
    assert service_url(token) == "https://api.svix.com"


def test_a_configured_address_wins_but_must_be_encrypted():
    assert service_url("appsk_abc.us", "https://hooks.acme.example/") == "https://hooks.acme.example"
    assert service_url("t", "http://127.0.0.1:8071/") == "http://127.0.0.1:8071"
    for url in ("http://hooks.acme.example", "hooks.acme.example", "ftp://127.0.0.1"):
        with pytest.raises(NotVerified, match="clear text"):
            service_url("t", url)


def test_a_self_hosted_token_is_not_sent_to_the_hosted_service():
    with pytest.raises(NotVerified, match="FLEXPRICE_SVIX_URL") as caught:
        service_url(JWT)
    assert JWT not in str(caught.value)


def test_a_list_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count()

    def page(path: str, query: object = None) -> dict[str, object]:
        return {"data": [{"name": "x"}], "done": False, "iterator": str(next(numbers))}

    portal = Portal("http://127.0.0.1:9", "app_1", "token", lambda secret: None)
    monkeypatch.setattr(portal, "_get", page)
    monkeypatch.setattr("pytest_flexprice.webhooks.portal.MOST_PAGES", 5)
    with pytest.raises(NotVerified, match="no end after 5 pages"):
        portal.event_types()
    assert next(numbers) == 5
    portal.close()
