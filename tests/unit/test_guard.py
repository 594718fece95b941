"""The write guard: what may leave, decided before it leaves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.api import WriteGuard, WriteRefused
from pytest_flexprice.api.guard import is_permission_probe
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.golive_plan import Environment
from pytest_flexprice.oracle.access import Belonging

OURS = {"cust_ours", "golive-run-test", "subs_ours", "inv_ours"}


DECLARED = Environment(base_url="https://us.api.flexprice.io", environment_id="env_1", type="production")
SEEN = Belonging("env_1", "plans", "production", "Production")


def guard(level: Level = Level.SMOKE, production: bool = True, proved: bool = True) -> WriteGuard:
    made = WriteGuard(level, production, OURS.__contains__)
    if proved:
        assert made.prove(SEEN, DECLARED, "") == []
    return made


READS: list[tuple[str, str]] = [
    ("GET", "/v1/customers"),
    ("POST", "/v1/customers/search"),
    ("POST", "/v1/subscriptions/lineitems/search"),
    ("POST", "/v1/meter-usage/query"),
    ("POST", "/v1/events/usage/meter"),
    ("POST", "/v1/invoices/preview"),
    ("POST", "/v1/subscriptions/usage"),
]
ALLOWED: list[tuple[str, str, Any]] = [
    ("POST", "/v1/customers", {"external_id": "golive-run-test"}),
    ("POST", "/v1/subscriptions", {"customer_id": "cust_ours", "collection_method": "send_invoice"}),
    ("POST", "/v1/events", {"external_customer_id": "golive-run-test"}),
    ("POST", "/v1/events/bulk", {"events": [{"external_customer_id": "golive-run-test"}]}),
    ("POST", "/v1/subscriptions/subs_ours/cancel", {}),
    ("POST", "/v1/subscriptions/temporal/subs_ours/draft-and-compute", {}),
    ("POST", "/v1/invoices/inv_ours/finalize", {}),
    ("DELETE", "/v1/customers/cust_ours", None),
]
FORBIDDEN: list[tuple[str, str, Any]] = [
    ("POST", "/v1/customers", {"external_id": "acct_1"}),
    ("POST", "/v1/subscriptions", {"customer_id": "cust_other", "collection_method": "send_invoice"}),
    ("POST", "/v1/subscriptions", {"customer_id": "cust_ours", "collection_method": "charge_automatically"}),
    ("POST", "/v1/subscriptions", {"customer_id": "cust_ours"}),
    ("POST", "/v1/events", {"external_customer_id": "acct_1"}),
    (
        "POST",
        "/v1/events/bulk",
        {"events": [{"external_customer_id": "golive-run-test"}, {"external_customer_id": "a"}]},
    ),
    ("POST", "/v1/subscriptions/subs_other/cancel", {}),
    ("POST", "/v1/invoices/inv_other/finalize", {}),
    ("DELETE", "/v1/customers/cust_other", None),
    ("PUT", "/v1/settings/subscription_config", {}),
    ("POST", "/v1/prices", {}),
    ("POST", "/v1/payments", {}),
    ("POST", "/v1/wallets/wallet_1/top-up", {}),
    ("POST", "/v1/plans/plan_1/sync/subscriptions", {}),
    ("POST", "/v1/environments/env_1/clone", {}),
    ("POST", "/v1/subscriptions/temporal/schedule-billing", {}),
    ("POST", "/v1/invoices/inv_ours/webhook/trigger", {}),
]


@pytest.mark.parametrize(("method", "path"), READS)
@pytest.mark.parametrize("level", [Level.LINT, Level.READ, Level.SMOKE])
def test_reading_always_passes(method: str, path: str, level: Level) -> None:
    guard(level, proved=False).check(method, path, {})


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/events"])
def test_probing_for_permission_passes_without_effect(path: str) -> None:
    guard(Level.READ, proved=False).check("POST", path, {})


@pytest.mark.parametrize(("method", "path", "body"), ALLOWED)
def test_smoke_writes_to_what_the_run_made(method: str, path: str, body: Any) -> None:
    guard().check(method, path, body)


@pytest.mark.parametrize(("method", "path", "body"), FORBIDDEN)
def test_smoke_writes_to_nothing_else(method: str, path: str, body: Any) -> None:
    watch = guard()
    with pytest.raises(WriteRefused):
        watch.check(method, path, body)
    assert watch.refused() == (f"{method} {path}",)


@pytest.mark.parametrize(("method", "path", "body"), ALLOWED)
def test_nothing_is_written_before_the_environment_is_proved(method: str, path: str, body: Any) -> None:
    with pytest.raises(WriteRefused, match="not been proved"):
        guard(proved=False).check(method, path, body)


@pytest.mark.parametrize(("method", "path", "body"), ALLOWED)
def test_a_lower_level_writes_nothing(method: str, path: str, body: Any) -> None:
    with pytest.raises(WriteRefused, match="level read does not write"):
        guard(Level.READ).check(method, path, body)


def test_a_failed_proof_is_the_reason() -> None:
    watch = guard(proved=False)
    assert watch.prove(Belonging("env_2", "plans", "development"), DECLARED, "")
    with pytest.raises(WriteRefused, match="the key belongs to Sandbox 'env_2'"):
        watch.check(*ALLOWED[0])


def test_a_drill_may_do_anything_but_in_production() -> None:
    guard(Level.DRILL, production=False).check("PUT", "/v1/settings/subscription_config", {"value": {}})
    with pytest.raises(WriteRefused):
        guard(Level.DRILL, production=True).check("PUT", "/v1/settings/subscription_config", {"value": {}})


def test_a_proof_that_failed_once_cannot_be_made_good() -> None:
    watch = guard(proved=False)
    watch.prove(Belonging("env_2", "plans", "development"), DECLARED, "")
    watch.prove(SEEN, DECLARED, "")
    with pytest.raises(WriteRefused, match="the key belongs to Sandbox"):
        watch.check(*ALLOWED[0])


def test_an_environment_without_an_id_proves_nothing() -> None:
    watch = guard(proved=False)
    watch.prove(Belonging("", "nothing"), DECLARED.model_copy(update={"environment_id": ""}), "")
    with pytest.raises(WriteRefused, match="not been proved"):
        watch.check(*ALLOWED[0])


@pytest.mark.parametrize("name", ["proved", "blocked", "owns", "level", "check", "prove", "_state", "refused"])
def test_no_attribute_opens_it(name: str) -> None:
    watch = guard(proved=False)
    with pytest.raises(AttributeError):
        setattr(watch, name, lambda *anything: None)
    with pytest.raises(AttributeError):
        delattr(watch, name)
    with pytest.raises(WriteRefused):
        watch.check(*ALLOWED[0])


OWN_EVENT = {"event_name": "x", "external_customer_id": "golive-run-test"}
OWN_SUBSCRIPTION = {"customer_id": "cust_ours", "plan_id": "plan_1", "collection_method": "send_invoice"}
#: Bodies with our id in the right place, and somebody else's where Flexprice finds it too.
HIDDEN: list[tuple[str, Any]] = [
    ("/v1/events", {**OWN_EVENT, "External_Customer_Id": "acct_1"}),
    ("/v1/events", {**OWN_EVENT, "customer_id": "cust_other"}),
    ("/v1/events", [OWN_EVENT]),
    ("/v1/events", {**OWN_EVENT, "events": [{"external_customer_id": "acct_1"}]}),
    ("/v1/events", {"external_customer_id": ["golive-run-test", "acct_1"]}),
    ("/v1/events", {"external_customer_id": {"golive-run-test": "acct_1"}}),
    ("/v1/events", {"event_name": "x"}),
    ("/v1/events/bulk", {"Events": [{"external_customer_id": "acct_1"}]}),
    ("/v1/events/bulk", {"events": [OWN_EVENT], "Events": [{"external_customer_id": "acct_1"}]}),
    ("/v1/events/bulk", {"events": {"external_customer_id": "acct_1"}}),
    ("/v1/events/bulk", {"events": [OWN_EVENT, [{"external_customer_id": "acct_1"}]]}),
    ("/v1/events/bulk", [OWN_EVENT]),
    ("/v1/events/bulk", {}),
    ("/v1/subscriptions", {**OWN_SUBSCRIPTION, "external_customer_id": "acct_1"}),
    ("/v1/subscriptions", {**OWN_SUBSCRIPTION, "invoicing_customer_id": "cust_other"}),
    ("/v1/subscriptions", {**OWN_SUBSCRIPTION, "Collection_Method": "charge_automatically"}),
    ("/v1/subscriptions", {**OWN_SUBSCRIPTION, "COLLECTION_METHOD": "send_invoice"}),
    ("/v1/subscriptions", {**OWN_SUBSCRIPTION, "parent_subscription_id": "subs_other"}),
    (
        "/v1/subscriptions",
        {**OWN_SUBSCRIPTION, "inheritance": {"external_customer_ids_to_inherit_subscription": ["acct_1"]}},
    ),
    ("/v1/subscriptions", {**OWN_SUBSCRIPTION, "inheritance": {"invoicing_customer_external_id": "acct_1"}}),
    ("/v1/subscriptions", {**OWN_SUBSCRIPTION, "phases": [{"Customer_ID": "cust_other"}]}),
    ("/v1/subscriptions", {**OWN_SUBSCRIPTION, "gateway_payment_method_id": "pm_1"}),
    ("/v1/customers", {"external_id": "golive-run-test", "External_ID": "acct_1"}),
    ("/v1/customers", {"external_id": "golive-run-test", "parent_customer_id": "cust_other"}),
    ("/v1/customers", {"external_id": "golive-run-test", "integration_entity_mapping": [{"id": "cus_stripe"}]}),
    ("/v1/invoices/inv_ours/void", {"invoice_id": "inv_other"}),
    ("/v1/subscriptions/subs_ours/cancel", {"subscription_id": "subs_other"}),
]


@pytest.mark.parametrize(("path", "body"), HIDDEN)
def test_the_guard_sees_what_the_server_sees(path: str, body: Any) -> None:
    with pytest.raises(WriteRefused):
        guard().check("POST", path, body)


KEYS = st.sampled_from(["external_customer_id", "event_name", "properties", "customer_id", "events", "source"])


def _cased(name: str, upper: list[bool]) -> str:
    return "".join(one.upper() if big else one for one, big in zip(name, upper + [False] * 40, strict=False))


@given(st.dictionaries(KEYS, st.just("acct_1"), min_size=1), st.lists(st.booleans(), max_size=25))
def test_no_spelling_of_a_key_lets_another_customer_through(body: dict[str, str], upper: list[bool]) -> None:
    """Whatever is added in whichever case to a good event: if it could name another customer, it is refused."""
    added = {_cased(key, upper): value for key, value in body.items()}
    harmless = all(key in ("event_name", "source", "properties") for key in added)
    try:
        guard().check("POST", "/v1/events", {**OWN_EVENT, **added})
    except WriteRefused:
        return
    assert harmless


@pytest.mark.parametrize(
    "headers",
    [
        {"X-HTTP-Method-Override": "DELETE"},
        {"x-environment-id": "env_2"},
        {"x-api-key": "sk_other"},
        {"x-api-key": None},
        {"authorization": "Bearer x"},
        {"content-type": "text/plain"},
        {"host": "elsewhere"},
        {"x-original-url": "/v1/customers/cust_other"},
    ],
)
def test_no_header_makes_another_request_of_a_write(headers: dict[str, str | None]) -> None:
    with pytest.raises(WriteRefused):
        guard().check("POST", "/v1/events", OWN_EVENT, {}, headers)


MISLEADING = (
    *(
        "X-HTTP-Method-Override",
        "x-method-override",
        "X-Rewrite-URL",
        "Transfer-Encoding",
        "X-HTTP-Method",
        "X_HTTP_METHOD",
    ),
    *(
        "HTTP-Method",
        "Method",
        "Method-Override",
        "X-Original-URI",
        "X-Original-Method",
        "X-Rewrite-URI",
        "X-Forwarded-Host",
    ),
    *("Forwarded", "Host", "Content-Length", "Content-Encoding", "Connection", "Upgrade", "TE", "Expect"),
)


@pytest.mark.parametrize("name", MISLEADING)
def test_no_header_makes_a_write_of_a_read(name: str) -> None:
    with pytest.raises(WriteRefused, match="another request"):
        guard(Level.READ).check("GET", "/v1/customers/cust_other", None, {}, {name: "DELETE"})
    with pytest.raises(WriteRefused, match="another request"):
        guard(Level.READ).check("GET", "/v1/customers", None, {"_method": "DELETE"}, {})


def test_a_read_may_try_other_keys_and_environments() -> None:
    guard(Level.READ, proved=False).check("GET", "/v1/users/me", None, {}, {"x-api-key": None, "authorization": "x"})


def test_only_what_belongs_beside_a_write_is_asked_with_it() -> None:
    guard().check("POST", "/v1/invoices/inv_ours/compute", {}, {"sync": "true"})
    with pytest.raises(WriteRefused, match="has no place beside it"):
        guard().check("POST", "/v1/invoices/inv_ours/finalize", {}, {"external_customer_id": "acct_1"})
    with pytest.raises(WriteRefused):
        guard(Level.READ).check("POST", "/v1/customers", {}, {"external_customer_id": "acct_1"})


@pytest.mark.parametrize("method", ["delete", " DELETE", "PURGE", "GET\r\nDELETE", "CONNECT"])
def test_what_is_no_method_is_never_sent(method: str) -> None:
    with pytest.raises(WriteRefused):
        guard(Level.DRILL, production=False).check(method, "/v1/customers/cust_other")


def test_a_read_that_sends_webhooks_is_none() -> None:
    with pytest.raises(WriteRefused):
        guard().check("GET", "/v1/customers/cust_other/invoices/summary")


def refusal(made: WriteGuard, method: str, path: str, body: Any = None) -> str:
    with pytest.raises(WriteRefused) as caught:
        made.check(method, path, body, {}, {})
    return str(caught.value)


def test_a_refusal_says_why() -> None:
    assert "the environment has not been proved yet" in refusal(
        guard(proved=False), "DELETE", "/v1/customers/cust_ours"
    )
    assert "level read does not write" in refusal(guard(Level.READ), "DELETE", "/v1/customers/cust_ours")
    assert "a smoke test never sends this request" in refusal(guard(), "PUT", "/v1/plans/plan_1", {})
    assert "'cust_x' was not made by this run" in refusal(guard(), "DELETE", "/v1/customers/cust_x")
    assert "its body is no object" in refusal(guard(), "POST", "/v1/customers", [1])
    assert "'TRACE' is no method" in refusal(guard(), "TRACE", "/v1/customers")


def test_the_first_reason_for_blocking_stays() -> None:
    made = guard()
    made.block("it is another environment")
    made.block("later")
    assert made.prove(SEEN, DECLARED, "") == []
    assert "was not sent: it is another environment." in refusal(made, "DELETE", "/v1/customers/cust_ours")
    never = guard(proved=False)
    assert never.prove(Belonging("", "plans"), Environment(base_url="https://x.example", type="development"), "") == []
    assert "has not been proved" in refusal(never, "DELETE", "/v1/customers/cust_ours")


@pytest.mark.parametrize(
    ("method", "path", "body", "probes"),
    [
        ("POST", "/v1/events", {}, True),
        ("POST", "/v1/customers", {}, True),
        ("PUT", "/v1/customers", {}, False),
        ("POST", "/v1/plans", {}, False),
        ("POST", "/v1/events", None, False),
        ("POST", "/v1/events", {"event_name": "use"}, False),
    ],
)
def test_a_permission_is_probed_with_an_empty_body_alone(method: str, path: str, body: Any, probes: bool) -> None:
    assert is_permission_probe(method, path, body) is probes


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reads_of_every_method_leave_at_any_level(method: str) -> None:
    guard(Level.READ, proved=False).check(method, "/v1/plans", None, {}, {})
    assert "level read does not write" in refusal(guard(Level.READ), method, "/v1/customers/cust_1/invoices/summary")


@pytest.mark.parametrize(
    "path", ["/v1/customers/../plans", "/v1/customers/%2e%2e/plans", "//elsewhere/v1/plans", "/v2/plans"]
)
@pytest.mark.parametrize("level", [Level.READ, Level.DRILL])
def test_a_path_that_may_lead_elsewhere_is_not_even_read(path: str, level: Level) -> None:
    watch = guard(level, production=False)
    with pytest.raises(WriteRefused, match="was not sent"):
        watch.check("GET", path)
    assert watch.refused() == (f"GET {path}",)


def test_whoever_owns_nothing_writes_to_nothing() -> None:
    watch = WriteGuard(Level.SMOKE, True)
    assert watch.prove(SEEN, DECLARED, "") == []
    with pytest.raises(WriteRefused, match="'cust_ours' was not made by this run"):
        watch.check("DELETE", "/v1/customers/cust_ours")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"])
def test_a_drill_may_use_every_method(method: str) -> None:
    guard(Level.DRILL, production=False).check(method, "/v1/customers/cust_other", {})


def test_what_every_client_tells_of_itself_may_stand_beside_a_write() -> None:
    told: dict[str, str | None] = {"X-Request-Id": "1", " accept ": "*/*", "User-Agent": "x"}
    guard().check("POST", "/v1/events", OWN_EVENT, {}, told)
    with pytest.raises(WriteRefused, match="the header 'X-Tenant' has no place beside a write"):
        guard().check("POST", "/v1/events", OWN_EVENT, {}, {**told, "X-Tenant": "t"})


def test_an_answer_of_another_environment_closes_it() -> None:
    open_one = guard()
    open_one.heed("GET /v1/plans", {"items": [{"environment_id": "env_1"}, {"id": "plan_1"}, {"environment_id": ""}]})
    open_one.heed("GET /v1/users/me", {"environment_id": "env_2"})
    with pytest.raises(NotVerified, match=r"answered from another environment \('env_2'\)"):
        open_one.heed("GET /v1/customers", {"items": [{"environment_id": "env_1"}, {"environment_id": "env_2"}]})
    with pytest.raises(WriteRefused, match="another environment"):
        open_one.check("DELETE", "/v1/customers/ours", None)
