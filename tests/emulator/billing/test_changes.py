"""Changes of a running subscription: lines, quantities, phases, prices of its plan (contract 11.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel.render import gotime

from .conftest import BEGIN, Company

START = BEGIN - timedelta(days=4)
HALF = BEGIN - timedelta(days=2)


def subscribe(company: Company, **fields: Any) -> dict[str, Any]:
    return company.subscribe(START, **fields)


def previewed(company: Company, made: dict[str, Any]) -> list[tuple[str, str]]:
    """Quantity and amount of each line, the earliest first."""
    shown = company.api.make("/v1/invoices/preview", {"subscription_id": made["id"]})
    lines = sorted(shown.get("line_items", []), key=lambda line: line["period_start"])
    return [(line["quantity"], line["amount"]) for line in lines]


def line_of(company: Company, made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = company.read(made)["line_items"][0]
    return found


def change(company: Company, line: dict[str, Any], method: str = "PUT", **fields: Any) -> tuple[int, Any]:
    answer = company.api.call(method, f"/v1/subscriptions/lineitems/{line['id']}", fields)
    return answer.status_code, answer.get_json()


def use_before_and_after(company: Company, made: dict[str, Any]) -> None:
    company.use(made["external_id"], 10, HALF - timedelta(seconds=1))
    company.use(made["external_id"], 4, HALF)


# --- lines ---


def test_a_changed_price_splits_the_usage_at_its_date(company: Company) -> None:
    company.price("1")
    made = subscribe(company)
    use_before_and_after(company, made)
    status, line = change(company, line_of(company, made), amount="0.5", effective_from=gotime(HALF))
    assert (status, line["start_date"]) == (200, gotime(HALF))
    assert previewed(company, made) == [("10", "10"), ("4", "2")]


def test_a_line_changes_its_metadata_in_place(company: Company) -> None:
    company.price("1")
    made = subscribe(company)
    line = line_of(company, made)
    status, changed = change(company, line, metadata={"deal": "7"})
    assert (status, changed["id"], changed["metadata"]) == (200, line["id"], {"deal": "7"})


def test_a_line_that_ends_counts_no_more(company: Company) -> None:
    company.price("1")
    made = subscribe(company)
    use_before_and_after(company, made)
    assert change(company, line_of(company, made), "DELETE", effective_from=gotime(HALF))[0] == 200
    assert previewed(company, made) == [("10", "10")]


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("PUT", {"effective_from": gotime(HALF)}),
        ("PUT", {"amount": "1", "effective_from": gotime(START - timedelta(days=1))}),
        ("DELETE", {"effective_from": gotime(START - timedelta(days=1))}),
        ("PUT", {"amount": "-1"}),
        ("PUT", {"commitment_amount": "5"}),
    ],
)
def test_a_change_that_cannot_be_meant_is_refused(company: Company, method: str, fields: dict[str, str]) -> None:
    company.price("1")
    made = subscribe(company)
    before = company.read(made)["line_items"]
    assert change(company, before[0], method, **fields)[0] == 400
    assert company.read(made)["line_items"] == before


def test_a_line_of_its_own_price_is_charged_beside_the_plans(company: Company) -> None:
    company.price("1")
    made = subscribe(company)
    company.use(made["external_id"], 10, HALF)
    price = {
        "type": "USAGE",
        "meter_id": company.feature["meter_id"],
        "billing_model": "FLAT_FEE",
        "billing_period": "MONTHLY",
        "invoice_cadence": "ARREAR",
        "amount": "0.2",
    }
    company.api.make(f"/v1/subscriptions/{made['id']}/lineitems", {"price": price, "start_date": gotime(START)})
    assert sorted(previewed(company, made)) == [("10", "10"), ("10", "2")]


@pytest.mark.parametrize(("missing", "status"), [("meter_id", 404), ("billing_model", 400)])
def test_a_price_of_its_own_is_checked_as_any_price_is(company: Company, missing: str, status: int) -> None:
    company.price("1")
    made = subscribe(company)
    known = {"meter_id": "meter_x", "billing_model": "FLAT_FEE", "billing_period": "MONTHLY", "type": "USAGE"}
    price = {
        **known,
        "invoice_cadence": "ARREAR",
        "amount": "0.2",
        **({} if missing == "meter_id" else {missing: None}),
    }
    answer = company.api.call("POST", f"/v1/subscriptions/{made['id']}/lineitems", {"price": price})
    assert answer.status_code == status
    assert len(company.read(made)["line_items"]) == 1


@pytest.mark.parametrize("body", [{}, {"price_id": "price_x", "price": {}}, {"price_id": "price_x"}])
def test_a_line_needs_one_price_that_exists(company: Company, body: dict[str, Any]) -> None:
    company.price("1")
    made = subscribe(company)
    answer = company.api.call("POST", f"/v1/subscriptions/{made['id']}/lineitems", body)
    assert answer.status_code in {400, 404}
    assert len(company.read(made)["line_items"]) == 1


# --- quantities ---


def quantity(company: Company, made: dict[str, Any], *changes: dict[str, Any]) -> int:
    body = {"type": "quantity_change", "quantity_change_params": {"line_items": list(changes)}}
    return company.api.call("POST", f"/v1/subscriptions/{made['id']}/modify/execute", body).status_code


def test_a_fee_in_arrears_is_shared_by_its_quantities(company: Company) -> None:
    company.fee("31", "ARREAR")
    made = subscribe(company)
    line = line_of(company, made)
    assert quantity(company, made, {"id": line["id"], "quantity": "3", "effective_date": gotime(HALF)}) == 200
    (one, before), (three, after) = previewed(company, made)
    assert (one, three) == ("1", "3")
    assert (float(before), float(after)) == (2.0, pytest.approx(87.0))


def test_two_changes_of_which_one_is_refused_change_nothing(company: Company) -> None:
    company.fee("31", "ARREAR")
    made = subscribe(company)
    line = line_of(company, made)
    changes = ({"id": line["id"], "quantity": "3", "effective_date": gotime(HALF)}, {"id": "x", "quantity": "1"})
    assert quantity(company, made, *changes) == 404
    assert company.read(made)["line_items"] == [line]


# --- phases ---


def phase(start: datetime, end: datetime | None = None, **fields: Any) -> dict[str, Any]:
    return {"start_date": gotime(start), **({"end_date": gotime(end)} if end else {}), **fields}


def test_each_phase_bills_by_its_own_prices(company: Company) -> None:
    price = company.price("1")
    cheap = [{"price_id": price, "amount": "0.5"}]
    made = subscribe(company, phases=[phase(START, HALF), phase(HALF, override_line_items=cheap)])
    use_before_and_after(company, made)
    assert previewed(company, made) == [("10", "10"), ("4", "2")]


def test_overrides_of_the_first_phase_count_for_nothing(company: Company) -> None:
    price = company.price("1")
    ignored, own = ([{"price_id": price, "amount": amount}] for amount in ("9", "0.5"))
    phases = [phase(START, HALF, override_line_items=ignored), phase(HALF)]
    made = subscribe(company, phases=phases, override_line_items=own)
    use_before_and_after(company, made)
    assert previewed(company, made) == [("10", "5"), ("4", "4")]


def once(amount: str) -> dict[str, Any]:
    """A line that is charged once."""
    price = {
        "type": "FIXED",
        "billing_model": "FLAT_FEE",
        "billing_period": "ONETIME",
        "invoice_cadence": "ADVANCE",
        "amount": amount,
        "display_name": "Setup",
    }
    return {"price": price}


def test_a_phase_brings_lines_of_its_own(company: Company) -> None:
    company.price("1")
    coupon = {"name": "x", "coupon_code": "X", "type": "percentage", "percentage_off": "10", "cadence": "forever"}
    identifier = company.api.make("/v1/coupons", coupon)["id"]
    phases = [phase(START, HALF, line_items=[once("40")], coupons=[identifier]), phase(HALF, line_items=[once("7")])]
    made = subscribe(company, phases=phases)
    opening = company.invoices(made)[0]
    assert [(line["display_name"], line["amount"]) for line in opening["line_items"]] == [("Setup", "40")]
    assert opening["total"] == "36"
    lines = [line for line in company.read(made)["line_items"] if line["display_name"] == "Setup"]
    assert sorted(line["start_date"] for line in lines) == [gotime(START), gotime(HALF)]
    assert len({line["subscription_phase_id"] for line in lines}) == 2


@pytest.mark.parametrize(
    "phases",
    [
        [phase(START), phase(HALF)],
        [phase(START, HALF), phase(HALF + timedelta(days=1))],
        [phase(HALF)],
        [phase(START, HALF, line_items=[{**once("1"), "start_date": gotime(BEGIN)}]), phase(HALF)],
    ],
)
def test_phases_that_do_not_join_are_refused(company: Company, phases: list[dict[str, Any]]) -> None:
    company.price("1")
    body = {
        "external_customer_id": company.customer(),
        "plan_id": company.plan,
        "currency": "usd",
        "billing_period": "MONTHLY",
        "start_date": gotime(START),
        "phases": phases,
    }
    assert company.api.call("POST", "/v1/subscriptions", body).status_code == 400
    assert company.api.make("/v1/subscriptions/search", {"plan_id": company.plan})["items"] == []


# --- prices of the plan ---


def sync(company: Company) -> int:
    return company.api.call("POST", f"/v1/plans/{company.plan}/sync/subscriptions").status_code


def test_a_new_price_counts_after_the_sync_only(company: Company) -> None:
    price = company.price("1")
    made = subscribe(company)
    use_before_and_after(company, made)
    answer = company.api.call("PUT", f"/v1/prices/{price}", {"amount": "0.5", "effective_from": gotime(HALF)})
    assert answer.status_code == 200
    assert previewed(company, made) == [("14", "14")]
    assert sync(company) == 200
    assert previewed(company, made) == [("10", "10"), ("4", "2")]
    assert sync(company) == 409, "a second one has to wait for the lock"


def test_the_lock_of_a_sync_goes_after_two_hours(company: Company) -> None:
    company.price("1")
    assert (sync(company), sync(company)) == (200, 409)
    company.advance(hours=2, seconds=1)
    assert sync(company) == 200


def test_a_price_of_the_subscriptions_own_is_left_alone(company: Company) -> None:
    price = company.price("1")
    made = subscribe(company, override_line_items=[{"price_id": price, "amount": "0.1"}])
    use_before_and_after(company, made)
    company.api.call("PUT", f"/v1/prices/{price}", {"amount": "0.5", "effective_from": gotime(HALF)})
    assert sync(company) == 200
    assert previewed(company, made) == [("14", "1.4")]


def test_an_ended_price_ends_its_lines(company: Company) -> None:
    price = company.price("1")
    made = subscribe(company)
    use_before_and_after(company, made)
    assert company.api.call("DELETE", f"/v1/prices/{price}", {"end_date": gotime(HALF)}).status_code == 200
    assert sync(company) == 200
    assert previewed(company, made) == [("10", "10")]


def changed(company: Company, made: dict[str, Any], *changes: dict[str, Any]) -> dict[str, Any]:
    body = {"type": "quantity_change", "quantity_change_params": {"line_items": list(changes)}}
    found: dict[str, Any] = company.api.make(f"/v1/subscriptions/{made['id']}/modify/execute", body)
    resources: dict[str, Any] = found["changed_resources"]
    return resources


def at_half_time(made: dict[str, Any]) -> str:
    """The middle of a period that ends a second early, as the server reckons."""
    start, end = (datetime.fromisoformat(made[f"current_period_{name}"]) for name in ("start", "end"))
    return gotime(start + (end - timedelta(seconds=1) - start) / 2)


def test_more_of_a_fee_in_advance_is_billed_for_the_rest_of_the_period(company: Company) -> None:
    company.fee("30", display_name="Seat")
    made = subscribe(company)
    line = line_of(company, made)
    found = changed(company, made, {"id": line["id"], "quantity": "3", "effective_date": at_half_time(made)})
    assert [one["change_action"] for one in found["line_items"]] == ["ended", "created"]
    (bill,) = found["invoices"]
    invoice = company.api.get(f"/v1/invoices/{bill['id']}")
    assert (bill["action"], bill["status"], invoice["invoice_type"]) == ("created", "PENDING", "ONE_OFF")
    assert (invoice["total"], invoice["invoice_status"], invoice["billing_reason"]) == (
        "30",
        "FINALIZED",
        "SUBSCRIPTION_UPDATE",
    )
    assert [(one["quantity"], one["amount"]) for one in invoice["line_items"]] == [("2", "30")]
    assert previewed(company, made) == [("3", "90")], "the next period's fee"


def test_less_of_a_fee_in_advance_goes_to_a_wallet(company: Company) -> None:
    fee = company.fee("30")
    made = subscribe(company, override_line_items=[{"price_id": fee, "quantity": "3"}])
    line = line_of(company, made)
    (back,) = changed(company, made, {"id": line["id"], "quantity": "1", "effective_date": at_half_time(made)})[
        "invoices"
    ]
    assert (back["action"], back["status"]) == ("wallet_credit", "issued")
    (wallet,) = company.api.get(f"/v1/customers/{made['customer_id']}/wallets")
    assert (wallet["name"], wallet["credit_balance"]) == ("Proration Credit Wallet", "30")
    assert previewed(company, made) == [("1", "30")]


def test_the_same_quantity_changes_nothing(company: Company) -> None:
    company.fee("30")
    made = subscribe(company)
    line = line_of(company, made)
    assert changed(company, made, {"id": line["id"], "quantity": "1"}) == {}
    assert company.read(made)["line_items"] == [line]


def modification(company: Company, made: dict[str, Any], how: str, quantity: str, date: str) -> dict[str, Any]:
    line = next(one for one in company.read(made)["line_items"] if one["price_type"] == "FIXED")
    params = {"line_items": [{"id": line["id"], "quantity": quantity, "effective_date": date}]}
    body = {"type": "quantity_change", "quantity_change_params": params}
    found: dict[str, Any] = company.api.make(f"/v1/subscriptions/{made['id']}/modify/{how}", body)
    return found


@pytest.mark.parametrize("quantity", ["5", "1"])
def test_a_preview_shows_what_a_change_of_quantity_comes_to_and_changes_nothing(
    company: Company, quantity: str
) -> None:
    fee = company.fee("30", display_name="Seat")
    made = subscribe(company, override_line_items=[{"price_id": fee, "quantity": "3"}])
    before, date = company.read(made), at_half_time(made)
    company.told.clear()
    shown = modification(company, made, "preview", quantity, date)
    assert (company.read(made), shown["subscription"], company.told) == (before, before, [])
    done = modification(company, made, "execute", quantity, date)
    for kind in ("line_items", "invoices"):
        pairs = zip(shown["changed_resources"][kind], done["changed_resources"][kind], strict=True)
        for expected, real in pairs:
            assert expected["id"].startswith("(preview-")
            assert amounts(expected) == amounts(real)
            assert real.get("invoice", {"invoice_number": "-00002"})["invoice_number"].endswith("-00002"), (
                "none was used up"
            )


def amounts(resource: dict[str, Any]) -> tuple[Any, ...]:
    """What a preview and the change itself must agree on."""
    invoice, credit = resource.get("invoice", {}), resource.get("wallet_transaction", {})
    money = (invoice.get("total"), invoice.get("period_start"), credit.get("amount"), credit.get("credit_amount"))
    return (resource.get("quantity"), resource.get("start_date"), resource.get("end_date"), *money)
