"""What is ours: each thing that an answer says is compared, and one that does not fit keeps us from touching it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytest_flexprice.testbed.naming import MARK, external_id, is_marked, is_test_event, new_run_id, run_of
from pytest_flexprice.testbed.ownership import SKEW, NotOurs, Owner, belonging, foreign, owner_of

BEGAN = datetime(2026, 11, 22, 11, 50, tzinfo=UTC)
RUN = "20261122T115000Z-0a1b2c3d"
NAME = external_id(RUN, "test")


def customer(**changes: Any) -> dict[str, Any]:
    metadata = {"managed_by": MARK, "run_id": RUN}
    return {"id": "cust_1", "external_id": NAME, "metadata": metadata, "created_at": "2026-11-22T11:50:09Z", **changes}


def at(moment: datetime) -> str:
    return moment.isoformat()


def test_a_customer_that_fits_is_ours() -> None:
    assert owner_of(customer(), NAME, "here", "cust_1") == Owner("cust_1", NAME, True, BEGAN)
    assert owner_of(customer(), NAME, "here") == owner_of(customer(status="published"), NAME, "here")
    assert not owner_of(customer(status="archived"), NAME, "here").published
    assert owner_of(customer(created_at=at(BEGAN - SKEW)), NAME, "here").began == BEGAN


@pytest.mark.parametrize(
    ("changes", "identifier", "says"),
    [
        ({"external_id": NAME.upper()}, "", "whose external id is"),
        ({"external_id": None}, "", "whose external id is None"),
        ({"id": ""}, "", "an object without an id, which has no id"),
        ({"id": "cust_2"}, "cust_1", "cust_2, whose id is not 'cust_1'"),
        ({"id": ""}, "cust_1", "whose id is not 'cust_1'"),
        ({"metadata": None}, "", "which does not carry our mark"),
        ({"metadata": {"managed_by": "somebody", "run_id": RUN}}, "", "which does not carry our mark"),
        ({"metadata": {"managed_by": MARK, "run_id": "20261122T115000Z-ffffffff"}}, "", "which another run made"),
        ({"metadata": {"managed_by": MARK}}, "", "which another run made"),
        ({"created_at": None}, "", "which does not say when it was made"),
        ({"created_at": "yesterday"}, "", "which does not say when it was made"),
        ({"created_at": 7}, "", "which does not say when it was made"),
        ({"created_at": at(BEGAN - SKEW - timedelta(seconds=1))}, "", "which was made at 2026-11-22T11:39:59Z, before"),
    ],
)
def test_a_customer_that_does_not_fit_is_not_touched(changes: dict[str, Any], identifier: str, says: str) -> None:
    with pytest.raises(NotOurs) as caught:
        owner_of(customer(**changes), NAME, "GET /v1/customers", identifier)
    told = str(caught.value)
    assert told.startswith(f"GET /v1/customers was asked for the customer '{NAME}' and answered ")
    assert says in told
    assert told.endswith("nothing of it was touched.")


def test_a_run_id_counts_in_any_case() -> None:
    lower = customer(metadata={"managed_by": MARK, "run_id": RUN.lower()})
    assert owner_of(lower, NAME, "here").id == "cust_1"


OWNER = Owner("cust_1", NAME, True, BEGAN)
ROW = {"id": "subs_1", "customer_id": "cust_1", "plan_id": "plan_1", "created_at": at(BEGAN)}


def test_what_belongs_to_our_customer_is_ours() -> None:
    assert belonging([ROW, {**ROW, "id": "subs_2"}], OWNER, "here", plan_id="plan_1") == [ROW, {**ROW, "id": "subs_2"}]
    assert belonging([], OWNER, "here") == []
    assert foreign({**ROW, "created_at": "2020-01-01T00:00:00Z"}, Owner("cust_1", "named by a company")) == ""


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": None}, "which has no id"),
        ({"id": 7}, "which has no id"),
        ({"id": ""}, "which has no id"),
        ({"id": "../customers/cust_2"}, "whose id '../customers/cust_2' cannot be Flexprice's"),
        ({"id": "s" * 101}, "cannot be Flexprice's"),
        ({"customer_id": "cust_2"}, "whose customer_id is 'cust_2'"),
        ({"customer_id": None}, "whose customer_id is None"),
        ({"plan_id": "plan_2"}, "whose plan_id is 'plan_2'"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "before the run began"),
    ],
)
def test_one_row_that_does_not_fit_spoils_the_answer(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(
        NotOurs, match="does not honour its filter: asked for customer cust_1 and plan_id plan_1"
    ) as caught:
        belonging([ROW, {**ROW, **changes}], OWNER, "here", plan_id="plan_1")
    assert says in str(caught.value)


def test_names_tell_the_run_and_nothing_else() -> None:
    assert run_of(NAME) == (RUN.lower(), BEGAN)
    assert run_of(NAME.upper()) == (RUN.lower(), BEGAN)
    assert run_of("golive-20261322t115000z-0a1b2c3d-test-main") is None
    assert run_of("acct_1") is None
    assert run_of(f"x{NAME}") is None
    one, other = new_run_id(BEGAN), new_run_id(BEGAN)
    assert one != other
    assert one.startswith("20261122T115000Z-")


@pytest.mark.parametrize(
    ("changes", "marked"),
    [
        ({}, True),
        ({"external_id": "acct_1"}, False),
        ({"external_id": None}, False),
        ({"metadata": "pytest-flexprice"}, False),
        ({"metadata": {}}, False),
    ],
)
def test_a_mark_is_in_the_name_and_in_the_metadata(changes: dict[str, Any], marked: bool) -> None:
    assert is_marked(customer(**changes)) is marked


@pytest.mark.parametrize(
    ("event", "ours"),
    [
        ({"external_customer_id": NAME, "id": "e1"}, True),
        ({"external_customer_id": "acct_1", "event_id": f"{RUN}-main-0"}, True),
        ({"external_customer_id": "acct_1", "id": f"{RUN}-main-0"}, True),
        ({"external_customer_id": "acct_1", "id": "e1"}, False),
        ({"external_customer_id": "acct_1", "id": f"x{RUN}-main-0"}, False),
        ({}, False),
    ],
)
def test_an_event_is_ours_by_its_customer_or_its_id(event: dict[str, Any], ours: bool) -> None:
    assert is_test_event(event) is ours
