"""Attacks on whole runs, as somebody with a key of Production starts them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.safety import attacks
from tests.safety.company import Company
from tests.safety.proxy import Attack, answer

SMOKE = ("-m", "smoke", "-k", "not webhook", "-p", "no:randomly")


@pytest.fixture
def own_company(tmp_path: Path) -> Iterator[Company]:
    """A company for one run, whose evidence lies in its folder."""
    made = Company(tmp_path)
    yield made
    made.stop()


def _unhonoured() -> Attack:
    return attacks.both(
        attacks.without(attacks.SEARCHES["subscriptions"], "customer_id"),
        attacks.without(attacks.SEARCHES["invoices"], "customer_id", "subscription_id"),
    )


def _unknown_customers() -> Attack:
    gone = answer({"code": "not_found", "message": "no", "http_status_code": 404}, 404)
    return attacks.on("GET", lambda path: path.startswith("/v1/customers/"), attacks.constant(gone))


def test_filters_that_are_not_honoured_leave_the_company_alone(own_company: Company) -> None:
    before = own_company.foreign()
    with own_company.proxy.attacking(_unhonoured()):
        outcome = own_company.run(*SMOKE)
    assert own_company.foreign() == before
    assert outcome.code == 7, outcome.output
    assert outcome.document["verdict"]["word"] == "NOT READY"
    assert re.search(r"does not honour its filter", " ".join(outcome.document["verdict"]["leftovers"]))
    assert "Take away what is left: pytest --flexprice-env=prod" in outcome.output
    swept = own_company.run("--flexprice-sweep")
    assert swept.code == 0, swept.output
    assert own_company.left() == []
    assert own_company.foreign() == before


def test_customers_that_are_denied_are_left_behind_and_not_gone(own_company: Company) -> None:
    with own_company.proxy.attacking(_unknown_customers()):
        outcome = own_company.run(*SMOKE)
    assert outcome.code == 7, outcome.output
    assert own_company.left()
    swept = own_company.run("--flexprice-sweep")
    assert swept.code == 0, swept.output
    assert own_company.left() == []


def test_another_plan_than_asked_for_is_a_finding_of_7_1(own_company: Company) -> None:
    other = own_company.seeder.seeded.plans["nimbus-starter"]
    swap = attacks.on("POST", "/v1/subscriptions", lambda exchange: exchange.body.update(plan_id=other))
    with own_company.proxy.attacking(swap):
        outcome = own_company.run(*SMOKE)
    assert outcome.code == 1, outcome.output
    assert "7.1" in outcome.red_items
    assert re.search(rf"with another plan than was asked for .*found '{other}'", " ".join(outcome.red.values()))
    assert own_company.left() == []


@pytest.mark.parametrize(
    "body", [{}, None, [], {"items": [{"provider_type": "stripe"}]}, {"connections": [{}], "total": 1}], ids=str
)
def test_vendors_that_cannot_be_told_mean_no_write(body: object, own_company: Company) -> None:
    unknown = attacks.on("GET", "/v1/connections", attacks.constant(answer(body)))
    with own_company.proxy.attacking(unknown):
        outcome = own_company.run(*SMOKE, "-k", "subscri")
        assert own_company.proxy.writes == []
    assert outcome.code in (1, 6), outcome.output
    assert "7.1" in outcome.red_items


@pytest.mark.parametrize(
    "lose",
    [
        lambda: attacks.on("POST", f"*{attacks.DRAFTING}", attacks.executed(attacks.GATEWAY)),
        lambda: attacks.on("POST", "*/void", attacks.executed(attacks.HTML)),
    ],
    ids=["draft", "void"],
)
def test_an_answer_that_is_lost_leaves_nothing(lose: Callable[[], Attack], own_company: Company) -> None:
    with own_company.proxy.attacking(lose()):
        outcome = own_company.run(*SMOKE)
    assert outcome.code in (0, 1, 6), outcome.output
    assert outcome.document["verdict"]["leftovers"] == []
    assert own_company.left() == []


def test_a_gateway_that_caps_pages_changes_nothing(own_company: Company) -> None:
    with own_company.proxy.attacking(attacks.capped(2)):
        outcome = own_company.run(*SMOKE)
    assert outcome.red == {}, outcome.output
    assert own_company.left() == []


RESTING_ON_A_LIST = (
    "The key does not run out",
    "The catalog arrived as it was signed off",
    "Nobody is cancelled today for an unpaid invoice",
    "Every active subscription collects or sends its invoices as decided",
)


@pytest.mark.parametrize("name", ["{}", "null", '"hi"', "a refusal with 200"])
def test_unknown_shapes_are_never_green(name: str, own_company: Company) -> None:
    """Every list of the environment answers nonsense: what rests on one is not verified."""
    listed = (
        "/v1/invoices/search", "/v1/subscriptions/search", "/v1/secrets/api/keys", "/v1/plans/search", "/v1/customers/search", "/v1/meters",
    )  # fmt: skip
    nonsense = answer(attacks.SHAPES[name])
    with own_company.proxy.attacking(lambda exchange: nonsense if exchange.path in listed else None):
        outcome = own_company.run("-m", "read", "-p", "no:randomly")
    outcomes = {one["name"]: one["outcome"] for one in outcome.document["scenarios"]}
    for scenario in RESTING_ON_A_LIST:
        assert outcomes[scenario] not in ("passed", "attested"), outcome.output
    assert outcome.code in (1, 6)
