"""Each rung of the ladder by itself: what it asks, what it tells, what it leaves for the next ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.invoicing.taking import taken_findings
from pytest_flexprice.oracle.metering.attribution import Attribution
from pytest_flexprice.testbed import billing_rungs, event_rungs, usage_rungs
from pytest_flexprice.testbed.billing_rungs import Draft
from pytest_flexprice.testbed.customer import rfc3339
from pytest_flexprice.testbed.ladder import Climbed
from pytest_flexprice.testbed.sending import Sent
from pytest_flexprice.testbed.smoke import NotReached, Smoke

from . import scripted
from .scripted import CUSTOMER, METER, NOW, RUN, Scripted, bench, events, price, setup, usage_answers

LOOKUP = "/v1/events/lookup"
INVOICES = "/v1/invoices/search"


@pytest.fixture
def script() -> Scripted:
    return Scripted()


def problems(climbed: Climbed[Any]) -> list[str]:
    return [finding.problem for finding in climbed.findings]


def processed(asked: dict[str, Any], quantity: str = "17", **more: str) -> tuple[int, Any]:
    row = {"customer_id": CUSTOMER.id, "subscription_id": "subs_1", "price_id": "price_1", "meter_id": METER.id, **more}
    at = next((each.timestamp for each in events(*"1" * 3) if each.id == asked["id"]), NOW)
    event = {"id": asked["id"], "event_name": METER.event_name, "external_customer_id": CUSTOMER.external_id}
    stored = {**event, "timestamp": rfc3339(at), **more}
    return 200, {"status": "processed", "event": stored, "processed_events": [{**row, "qty_total": quantity}]}


def test_events_leave_one_by_one_and_in_bulk(script: Scripted, tmp_path: Path) -> None:
    script.on("POST", "/v1/events", (202, {"message": "accepted"}))
    script.on("POST", "/v1/events/bulk", (202, {"message": "accepted"}))
    climbed = event_rungs.accept(bench(script, tmp_path), setup())
    assert climbed.findings == []
    assert script.paths("POST") == ["/v1/events", "/v1/events/bulk"]
    assert [event.external_customer_id for event in climbed.found] == [CUSTOMER.external_id] * 3
    assert all(event.timestamp < NOW for event in climbed.found)


def test_an_event_that_the_pipeline_did_not_take_is_told(script: Scripted, tmp_path: Path) -> None:
    tools = bench(script, tmp_path, send_events=lambda bodies: [Sent(each["event_id"], "queue") for each in bodies[1:]])
    climbed = event_rungs.accept(tools, setup())
    assert problems(climbed) == [f"event '{RUN}-main-000' was sent, but not accepted"]


def test_processed_events_have_landed(script: Scripted, tmp_path: Path) -> None:
    script.on("GET", LOOKUP, processed)
    climbed = event_rungs.land(bench(script, tmp_path), setup(), events("17", "17"))
    assert climbed.findings == []
    assert all(look.counted for look in climbed.found)
    assert len(script.sent) == 2


def test_a_lost_event_is_told_with_the_reason_for_the_deadline(script: Scripted, tmp_path: Path) -> None:
    lost = f"{RUN}-1"
    missing = (404, {"code": "not_found", "message": "Event not found in events table"})
    script.on("GET", LOOKUP, lambda asked: missing if asked["id"] == lost else processed(asked))
    tools = bench(script, tmp_path)
    climbed = event_rungs.land(tools, setup(), events("17", "17", "17"))
    (problem,) = problems(climbed)
    assert "does not show it" in problem
    assert "and then nothing came for 20 s" in problem
    assert (tools.now() - NOW).total_seconds() < 60


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (["same", "same", "same"], "3 test events with 3 event ids were stored under one event id, 'same'"),
        (["x", "y", "z"], "the test events were stored under other event ids than they were given, such as 'x'"),
    ],
)
def test_events_that_are_stored_under_other_ids_are_told_by_those(
    script: Scripted, tmp_path: Path, ids: list[str], says: str
) -> None:
    at = rfc3339(events("17")[0].timestamp)
    stored = {"external_customer_id": CUSTOMER.external_id, "timestamp": at}
    script.on("GET", LOOKUP, (404, {"code": "not_found", "message": "Event not found in events table"}))
    script.on(
        "POST",
        "/v1/events/query",
        (200, {"events": [{"id": one, **stored} for one in ids]}),
    )
    climbed = event_rungs.land(bench(script, tmp_path), setup(), events("17", "17", "17"))
    assert problems(climbed) == [says]


@pytest.mark.parametrize("what", ["customer", "meter"])
def test_an_event_on_somebody_elses_account_is_told(script: Scripted, tmp_path: Path, what: str) -> None:
    script.on("GET", LOOKUP, lambda asked: processed(asked, **{f"{what}_id": "another"}))
    climbed = event_rungs.land(bench(script, tmp_path), setup(), events("17"))
    assert problems(climbed) == [f"event '{RUN}-0' is attributed to another {what} than the test customer's"]


def test_an_event_under_another_name_is_told(script: Scripted, tmp_path: Path) -> None:
    script.on("GET", LOOKUP, lambda asked: processed(asked, event_name="api.cull"))
    climbed = event_rungs.land(bench(script, tmp_path), setup(), events("17"))
    assert problems(climbed) == [f"event '{RUN}-0' is stored under another name than it was sent"]


def test_an_answer_about_another_event_proves_nothing(script: Scripted, tmp_path: Path) -> None:
    script.on("GET", LOOKUP, processed({"id": "another"}))
    with pytest.raises(NotVerified, match=r"is another object \('another'\) than was asked for"):
        event_rungs.land(bench(script, tmp_path), setup(), events("17"))


def test_of_many_events_the_ends_are_looked_up() -> None:
    many = events(*["1"] * 500)
    chosen = event_rungs.looked_up(many)
    assert (chosen[0], chosen[-1], len(chosen)) == (many[0], many[-1], 6)
    assert event_rungs.looked_up(many[:60]) == many[:60]


def test_a_mistyped_event_that_is_billed_is_told(script: Scripted, tmp_path: Path) -> None:
    script.on(
        "GET",
        "/v1/meters",
        (200, {"items": [{"event_name": METER.event_name, "status": "published"}], "pagination": {"total": 1}}),
    )
    script.on("POST", "/v1/events/bulk", (202, {"message": "accepted"}))
    script.on("GET", LOOKUP, processed)
    climbed = event_rungs.mismatch(bench(script, tmp_path), setup(), events("17"))
    assert problems(climbed) == ["an event called 'API.CALL' is billed, although the application sends 'api.call'"]


def test_three_readers_agree(script: Scripted, tmp_path: Path) -> None:
    usage_answers(script, "5.5", "2.75", 2)
    climbed = usage_rungs.meter(bench(script, tmp_path), setup(), events("2.5", "3"), [])
    assert climbed.findings == []
    assert script.paths("POST").count("/v1/meter-usage/query") == 1


def test_a_reader_that_disagrees_is_told(script: Scripted, tmp_path: Path) -> None:
    usage_answers(script, "5.5", "2.75", 2, query="3")
    looks = [Attribution(f"{RUN}-0", usage_rungs_rung(), False, "lost")]
    climbed = usage_rungs.meter(bench(script, tmp_path), setup(), events("2.5", "3"), looks)
    (problem,) = problems(climbed)
    assert "the usage query says 3 for 'api.call' where 5.5 were sent: 2.5 too little" in problem
    assert f"{RUN}-0" in problem


def usage_rungs_rung() -> Any:
    from pytest_flexprice.oracle.metering.attribution import Reached

    return Reached.LANDED


def test_what_comes_after_goes_on_without_sending_twice(script: Scripted, tmp_path: Path) -> None:
    smoke = Smoke(bench(script, tmp_path, type="production"))
    smoke.metered = Climbed  # type: ignore[method-assign]
    smoke.repeated = lambda: pytest.fail("sent twice")  # type: ignore[method-assign]
    smoke.accepted = lambda: Climbed(data=events("17"))  # type: ignore[method-assign]
    with pytest.raises(KeyError):  # the script has no answer to the neighbour's first request
        smoke.neighbour()
    assert script.sent


def test_an_event_that_counts_twice_is_told(script: Scripted, tmp_path: Path) -> None:
    script.on("POST", "/v1/events", (202, {"message": "accepted"}))
    usage_answers(script, "34", "17", 2)
    climbed = usage_rungs.repeat(bench(script, tmp_path), setup(), events("17"), [])
    assert "2 times too much" in problems(climbed)[0]


def test_a_preview_with_another_amount_is_told(script: Scripted, tmp_path: Path) -> None:
    usage_answers(script, "17", "8.49", 1)
    climbed = billing_rungs.preview(bench(script, tmp_path), setup(), events("17"))
    assert "the right quantity and the wrong price: 17 × 0.5 = 8.5, but it bills 8.49 usd" in problems(climbed)[0]


def test_a_draft_that_never_comes_is_told(script: Scripted, tmp_path: Path) -> None:
    script.on("POST", "/v1/subscriptions/temporal/subs_1/draft-and-compute", (202, {"workflow_id": "flow-7"}))
    script.on("POST", INVOICES, (200, {"items": [], "pagination": {"total": 0}}))
    climbed = billing_rungs.draft(bench(script, tmp_path), setup(), events("17"))
    assert "the draft invoice never appeared: workflow 'flow-7'" in problems(climbed)[0]
    with pytest.raises(LookupError):
        _ = climbed.found


def invoice(status: str, **more: Any) -> dict[str, Any]:
    line = {"price_id": "price_1", "meter_id": METER.id, "display_name": "Calls", "quantity": "17", "amount": "8.5"}
    return {
        "id": "inv_1",
        "customer_id": CUSTOMER.id,
        "subscription_id": "subs_1",
        "billing_reason": "SUBSCRIPTION_CYCLE",
        "created_at": rfc3339(NOW),
        "invoice_status": status,
        "invoice_number": "INV-1" if status == "FINALIZED" else "",
        "currency": "usd",
        "line_items": [line],
        "subtotal": "8.5",
        "total": "8.5",
        "amount_due": "8.5",
        "amount_remaining": "8.5",
        "invoice_type": "SUBSCRIPTION",
        "finalized_at": rfc3339(NOW),
        "payment_status": "PENDING",
        "due_date": rfc3339(NOW),
        "period_end": rfc3339(NOW),
        **more,
    }


def test_finalizing_that_does_nothing_is_told(script: Scripted, tmp_path: Path) -> None:
    script.on("POST", "/v1/invoices/inv_1/finalize", (200, {"message": "invoice finalized successfully"}))
    script.on("GET", "/v1/invoices/inv_1", (200, invoice("DRAFT")))
    climbed = billing_rungs.finalize(bench(script, tmp_path), setup(), events("17"), Draft(invoice("DRAFT")))
    assert "the invoice is still a DRAFT" in problems(climbed)[0]


def test_finalizing_changes_nothing_else(script: Scripted, tmp_path: Path) -> None:
    asked: list[str] = []
    script.on("POST", "/v1/invoices/inv_1/finalize", (200, {"message": "done"}))
    script.on("GET", "/v1/invoices/inv_1", (200, invoice("FINALIZED")))
    script.on("GET", "/v1/invoices/inv_1/pdf", (200, {"url": "https://files.example/inv_1.pdf"}))
    tools = bench(script, tmp_path)
    tools.before_finalizing = lambda: asked.append("endpoint")
    climbed = billing_rungs.finalize(tools, setup(), events("17"), Draft(invoice("DRAFT")))
    assert climbed.findings == []
    assert (climbed.found.invoice["invoice_number"], asked) == ("INV-1", ["endpoint"])


def test_a_tax_that_only_the_preview_had_is_told(script: Scripted, tmp_path: Path) -> None:
    script.on("POST", "/v1/invoices/inv_1/finalize", (200, {"message": "done"}))
    script.on("GET", "/v1/invoices/inv_1", (200, invoice("FINALIZED")))
    script.on("GET", "/v1/invoices/inv_1/pdf", (200, {"url": "https://files.example/inv_1.pdf"}))
    previewed = {"taxes": [{"tax_rate_id": "rate_1", "tax_rate": {"code": "vat"}}]}
    tools = bench(script, tmp_path)
    climbed = billing_rungs.finalize(tools, setup(), events("17"), Draft(invoice("DRAFT")), previewed)
    (finding,) = climbed.findings
    assert finding.problem == "the finalized invoice has other taxes than its preview"
    assert (finding.expected, finding.observed) == ("vat", "none")


@pytest.mark.parametrize(("least", "bought", "told"), [(None, "1", 0), ("3", "3", 0), ("3", "1", 1), (None, "2", 1)])
def test_a_fee_is_bought_as_often_as_its_price_says(least: str | None, bought: str, told: int) -> None:
    fee = price(type="FIXED", meter_id="", min_quantity=least)
    row = {
        **setup().subscription.row,
        "line_items": [{"id": "line_1", "price": fee, "price_id": "price_1", "quantity": bought}],
    }
    assert len(taken_findings("pro", [fee], ("usd", "MONTHLY"), BilledSubscription.from_api(row))) == told


@pytest.mark.parametrize(
    ("term", "shown", "words"),
    [
        ("amount", "0.4", "another amount than its plan shows (expected '0.5', found '0.4')"),
        ("billing_period", "ANNUAL", "another billing period than its plan shows"),
        ("tiers", [{"up_to": None, "unit_amount": "1"}], "another tiers than its plan shows"),
        ("amount", "0.50", ""),
    ],
)
def test_a_line_bills_by_the_terms_that_its_plan_shows(term: str, shown: Any, words: str) -> None:
    row = {
        **setup().subscription.row,
        "line_items": [{"id": "line_1", "price": price(**{term: shown}), "price_id": "price_1"}],
    }
    findings = taken_findings("pro", [price()], ("usd", "MONTHLY"), BilledSubscription.from_api(row))
    assert [finding for finding in findings if words not in finding.sentence] == []
    assert len(findings) == bool(words)


def test_what_is_free_makes_no_invoice_and_that_is_not_verified(script: Scripted, tmp_path: Path) -> None:
    script.on("POST", "/v1/subscriptions/temporal/subs_1/draft-and-compute", (202, {"message": "accepted"}))
    script.on("POST", INVOICES, (200, {"items": [invoice("SKIPPED", line_items=[])], "pagination": {"total": 1}}))
    climbed = billing_rungs.draft(bench(script, tmp_path), setup(amount="0"), events("17"))
    (finding,) = climbed.findings
    assert finding.kind.value == "not verified"
    assert "raise test_events" in finding.remedy


def test_what_lies_above_a_broken_rung_is_not_reached(script: Scripted, tmp_path: Path) -> None:
    meter = {"id": METER.id, "event_name": METER.event_name, "status": "published", "aggregation": {"type": "COUNT"}}
    row = {"id": "plan_1", "lookup_key": "pro", "prices": [price(meter=meter)], "entitlements": []}
    script.on("POST", "/v1/plans/search", (200, {"items": [row], "pagination": {"total": 1}}))
    script.on("POST", "/v1/customers", (409, {"code": "already_exists", "message": "taken"}))
    smoke = Smoke(bench(script, tmp_path, test_plan="pro"))
    assert "could not be created: taken" in problems(smoke.subscribed())[0]
    for rung in (smoke.accepted, smoke.metered, smoke.finalized, smoke.proved):
        with pytest.raises(NotReached, match=r"the test customer's subscription \(7.1\) broke first"):
            rung()
    assert script.paths("POST").count("/v1/customers") == 1


@pytest.mark.parametrize(("counted", "told"), [(1, 0), (2, 1), (0, 1)])
def test_the_neighbours_usage_is_counted_by_one_request(
    script: Scripted, tmp_path: Path, monkeypatch: Any, counted: int, told: int
) -> None:
    monkeypatch.setattr(usage_rungs, "set_up", lambda *_, **_more: setup())
    monkeypatch.setattr(usage_rungs, "READERS_DEADLINE", 0.0)
    monkeypatch.setattr(usage_rungs, "SHORTEST_READERS", 0.0)
    monkeypatch.setattr(usage_rungs, "crowd", lambda *_: [])
    monkeypatch.setattr(scripted.Testbed, "customer", lambda *_: CUSTOMER)
    monkeypatch.setattr(scripted.Bench, "test_plan", scripted.plan(), raising=False)
    item = {"meter_id": METER.id, "event_count": counted, "total_value": "2"}
    script.on("POST", "/v1/events/bulk", (202, {"message": "accepted"}))
    script.on("POST", "/v1/meter-usage/analytics", (200, {"items": [item]}))
    climbed = usage_rungs.neighbour(bench(script, tmp_path), setup(), events("17"))
    assert len(problems(climbed)) == told
    assert all(f"{counted} events of 'api.call' count for a second customer" in each for each in problems(climbed))
    assert script.paths("POST").count("/v1/meter-usage/analytics") == 1
