"""What happens by itself as time passes: periods, drafts, trials, scheduled ends (contract 4.4, 5.5, 6.4, 7.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel.binding import instant
from pytest_flexprice.emulator.kernel.render import gotime

from .conftest import Company


def period(row: dict[str, Any]) -> tuple[datetime, datetime]:
    return instant(row["current_period_start"]), instant(row["current_period_end"])


def on_even_minute(moment: datetime) -> bool:
    return moment.minute % 2 == 0 and moment.second == 0


@pytest.fixture
def both(company: Company) -> dict[str, Any]:
    """Subscribed to usage at 0.5 and a fee of 49 in advance, one hour ago."""
    company.price("0.5")
    company.fee("49")
    made = company.subscribe(company.now - timedelta(hours=1))
    company.events()
    return made


class TestPeriodEnd:
    def test_first_an_empty_draft_and_the_next_period_without_a_webhook(
        self, company: Company, both: dict[str, Any]
    ) -> None:
        start, end = period(both)
        company.until(end + timedelta(minutes=2))
        assert period(company.read(both))[0] == end
        draft = company.invoices(both, "DRAFT")[0]
        assert (draft["billing_reason"], draft["billing_sequence"], draft["total"]) == ("SUBSCRIPTION_CYCLE", 2, "0")
        assert not {"line_items", "due_date", "last_computed_at"} & draft.keys()
        assert (instant(draft["period_start"]), instant(draft["period_end"])) == (start, end)
        made = instant(draft["created_at"])
        assert end <= made.replace(microsecond=0)
        assert on_even_minute(made.replace(microsecond=0))
        assert "invoice.update" not in company.events()

    def test_then_the_computed_draft_with_late_usage_and_the_next_fee(
        self, company: Company, both: dict[str, Any]
    ) -> None:
        start, end = period(both)
        company.use(both["external_id"], 4, start + timedelta(days=1))
        company.until(end + timedelta(minutes=5))
        company.use(both["external_id"], 6, end - timedelta(hours=1))
        company.events()
        company.until(end + timedelta(minutes=24))
        draft = company.invoices(both, "DRAFT")[0]
        assert draft["total"] == "54"
        assert instant(draft["due_date"]) == end + timedelta(days=1)
        waited = instant(draft["last_computed_at"]) - instant(draft["created_at"])
        assert timedelta(minutes=15) <= waited <= timedelta(minutes=20, seconds=1)
        assert company.events() == ["invoice.update"]

    def test_then_finalized_after_the_delay_at_a_half_hour(self, company: Company, both: dict[str, Any]) -> None:
        start, end = period(both)
        company.use(both["external_id"], 10, start + timedelta(days=1))
        company.until(end + timedelta(minutes=24))
        company.use(both["external_id"], 100, end - timedelta(hours=1))
        computed = instant(company.invoices(both, "DRAFT")[0]["last_computed_at"])
        company.until(computed + timedelta(hours=2) - timedelta(seconds=1))
        assert company.invoices(both, "DRAFT")
        company.events()
        company.until(computed + timedelta(hours=2, minutes=30))
        invoice = company.invoices(both, "FINALIZED")[-1]
        assert (invoice["total"], invoice["payment_status"]) == ("54", "PENDING")
        assert invoice["invoice_number"].startswith("INV-")
        assert instant(invoice["finalized_at"]).minute in (0, 30)
        assert "invoice.update.finalized" in company.events()

    def test_several_finished_periods_get_a_draft_each(self, company: Company) -> None:
        company.fee("10", "ARREAR")
        made = company.subscribe(company.now - timedelta(days=100))
        company.advance(minutes=2)
        drafts = company.invoices(made, "DRAFT")
        assert [draft["billing_sequence"] for draft in drafts] == [2, 3, 4]
        assert period(company.read(made))[1] > company.now
        ends = [instant(draft["period_end"]) for draft in drafts]
        assert [instant(draft["period_start"]) for draft in drafts[1:]] == ends[:-1]

    def test_a_period_without_usage_is_skipped_in_silence(self, company: Company) -> None:
        company.price("1")
        made = company.subscribe(company.now - timedelta(days=40))
        company.events()
        company.advance(minutes=25)
        assert [row["billing_reason"] for row in company.invoices(made, "SKIPPED")] == [
            "SUBSCRIPTION_CREATE",
            "SUBSCRIPTION_CYCLE",
        ]
        assert company.events() == []

    def test_a_draft_finalized_before_it_was_computed_bills_nothing_for_ever(
        self, company: Company, both: dict[str, Any]
    ) -> None:
        start, end = period(both)
        company.use(both["external_id"], 10, start + timedelta(days=1))
        company.until(end + timedelta(minutes=2))
        draft = company.invoices(both, "DRAFT")[0]
        company.api.make(f"/v1/invoices/{draft['id']}/finalize", {})
        company.advance(hours=4)
        invoice = company.api.get(f"/v1/invoices/{draft['id']}")
        assert (invoice["total"], invoice["payment_status"], invoice["invoice_status"]) == (
            "0", "SUCCEEDED", "FINALIZED",
        )  # fmt: skip

    def test_a_draft_of_the_running_period_is_not_finalized_by_the_job_and_takes_the_period(
        self, company: Company, both: dict[str, Any]
    ) -> None:
        start, end = period(both)
        company.use(both["external_id"], 10, start + timedelta(minutes=1))
        company.api.make(f"/v1/subscriptions/temporal/{both['id']}/draft-and-compute", {})
        company.until(end + timedelta(hours=6))
        drafts = company.invoices(both, "DRAFT")
        assert [draft["total"] for draft in drafts] == ["54"]
        assert instant(drafts[0]["period_end"]) == end

    @pytest.mark.parametrize("status", ["paused", "incomplete"])
    def test_others_than_active_ones_stand_still(self, company: Company, both: dict[str, Any], status: str) -> None:
        company.api.call("PUT", f"/v1/subscriptions/{both['id']}", {"status": status})
        company.advance(days=70)
        assert period(company.read(both)) == period(both)


class TestTrial:
    def test_the_first_paid_period_starts_when_the_trial_ends(self, company: Company) -> None:
        company.price("1")
        company.fee("49")
        made = company.subscribe(company.now - timedelta(hours=1), trial_period_days=14)
        company.use(made["external_id"], 99, company.now - timedelta(minutes=1))
        assert company.events()[-4:] == [
            "invoice.update",
            "invoice.update.finalized",
            "invoice.update.payment",
            "subscription.created",
        ]
        end = instant(made["trial_end"])
        assert made["current_period_end"] == made["trial_end"]
        company.until(end - timedelta(seconds=1))
        assert company.read(made)["subscription_status"] == "trialing"
        company.events()
        company.until(end + timedelta(minutes=15))
        now = company.read(made)
        assert (now["subscription_status"], period(now)[0], instant(now["billing_anchor"])) == ("active", end, end)
        invoice = company.invoices(made, "FINALIZED")[-1]
        assert (invoice["billing_reason"], invoice["total"]) == ("SUBSCRIPTION_TRIAL_END", "49")
        assert company.events() == ["invoice.update", "invoice.update.finalized"]

    def test_its_length_comes_from_the_fees_unless_the_request_says_otherwise(self, company: Company) -> None:
        company.fee("49", trial_period_days=14)
        inherited = company.subscribe(company.now)
        assert instant(inherited["trial_end"]) - instant(inherited["start_date"]) == timedelta(days=14)
        assert company.subscribe(trial_period_days=0)["subscription_status"] == "active"
        company.fee("9", trial_period_days=7)
        body = {"external_customer_id": company.customer(), "plan_id": company.plan, "currency": "usd",
                "billing_period": "MONTHLY"}  # fmt: skip
        assert company.api.call("POST", "/v1/subscriptions", body).status_code == 400

    def test_with_usage_only_it_is_just_activated(self, company: Company) -> None:
        company.price("1")
        made = company.subscribe(company.now, trial_period_days=1, collection_method="send_invoice")
        assert "invoice.update.payment" not in company.events()
        company.advance(days=1, minutes=15)
        assert company.events()[-1:] == ["subscription.activated"]
        assert [row["billing_reason"] for row in company.invoices(made, "SKIPPED")] == ["SUBSCRIPTION_TRIAL_END"]


class TestPlannedEnd:
    def cancel(self, company: Company, made: dict[str, Any], **body: Any) -> None:
        answer = company.api.call("POST", f"/v1/subscriptions/{made['id']}/cancel", body)
        assert answer.status_code == 200, answer.get_json()
        assert company.events() == ["subscription.updated"]

    def test_at_period_end_the_last_period_is_billed_without_a_new_fee(
        self, company: Company, both: dict[str, Any]
    ) -> None:
        start, end = period(both)
        company.use(both["external_id"], 10, start + timedelta(days=1))
        self.cancel(company, both, cancellation_type="end_of_period")
        company.until(end + timedelta(minutes=2))
        row = company.read(both)
        assert row["subscription_status"] == "cancelled"
        assert instant(row["cancelled_at"]) == instant(row["cancel_at"]) == end
        assert period(row)[0] == end
        assert company.events() == ["subscription.updated", "subscription.cancelled"]
        company.advance(minutes=22)
        assert [draft["total"] for draft in company.invoices(both, "DRAFT")] == ["5"]

    def test_on_a_date_the_period_ends_there(self, company: Company, both: dict[str, Any]) -> None:
        start, _end = period(both)
        company.use(both["external_id"], 10, start + timedelta(days=1))
        company.use(both["external_id"], 1000, start + timedelta(days=6))
        date = (start + timedelta(days=5)).isoformat().replace("+00:00", "Z")
        self.cancel(company, both, cancellation_type="scheduled_date", cancel_at=date)
        company.until(instant(date) + timedelta(minutes=30))
        row = company.read(both)
        assert row["subscription_status"] == "cancelled"
        assert period(row) == (instant(date), instant(date))
        assert [draft["total"] for draft in company.invoices(both, "DRAFT")] == ["5"]

    def test_a_date_in_the_past_waits_for_the_job(self, company: Company, both: dict[str, Any]) -> None:
        date = (company.now - timedelta(days=3)).isoformat().replace("+00:00", "Z")
        self.cancel(company, both, cancellation_type="scheduled_date", cancel_at=date)
        assert company.read(both)["subscription_status"] == "active"
        company.advance(minutes=2)
        assert company.read(both)["subscription_status"] == "cancelled"

    def test_an_end_date_ends_it_without_a_cancel_date(self, company: Company) -> None:
        company.fee("7", "ARREAR")
        end = gotime(company.now.replace(microsecond=0) + timedelta(days=10))
        made = company.subscribe(end_date=end)
        assert made["current_period_end"] == end
        company.events()
        company.advance(days=10, minutes=2)
        row = company.read(made)
        assert (row["subscription_status"], row["cancel_at"]) == ("cancelled", None)
        assert company.events() == ["subscription.updated", "subscription.cancelled"]


class TestThreshold:
    def test_it_bills_as_soon_as_usage_reaches_it(self, company: Company) -> None:
        company.price("1")
        made = company.subscribe(company.now - timedelta(hours=1), auto_invoice_threshold="10")
        company.use(made["external_id"], 9.99, company.now - timedelta(minutes=9))
        company.advance(minutes=5)
        assert company.invoices(made) == []
        company.use(made["external_id"], 0.01, company.now - timedelta(minutes=2))
        company.events()
        company.advance(minutes=5)
        invoice = company.invoices(made)[0]
        assert (invoice["total"], invoice["billing_reason"]) == ("10", "AUTO_INVOICE_THRESHOLD")
        assert period(company.read(made))[0] == instant(invoice["period_end"])
        assert company.events() == ["invoice.update", "invoice.update.finalized"]
        company.advance(minutes=30)
        assert len(company.invoices(made)) == 1

    def test_it_is_refused_beside_a_fee(self, company: Company) -> None:
        company.price("1")
        company.fee("2")
        body = {
            "external_customer_id": company.customer(),
            "plan_id": company.plan,
            "currency": "usd",
            "billing_period": "MONTHLY",
            "auto_invoice_threshold": "10",
        }
        assert company.api.call("POST", "/v1/subscriptions", body).status_code == 400


def test_a_renewal_is_announced_once_a_day_before(company: Company, both: dict[str, Any]) -> None:
    _start, end = period(both)
    company.until(end - timedelta(hours=24, minutes=1))
    assert company.events() == []
    company.until(end - timedelta(hours=23))
    assert company.events() == ["subscription.renewal.due"]
    company.until(end - timedelta(minutes=1))
    assert company.events() == []


def test_recurring_grants_pay_every_month(company: Company) -> None:
    company.price("1")
    grant = {
        "name": "monthly",
        "scope": "PLAN",
        "plan_id": company.plan,
        "credits": "5",
        "cadence": "RECURRING",
        "period": "MONTHLY",
        "period_count": 1,
        "expiration_type": "NEVER",
    }
    company.api.make("/v1/creditgrants", grant)
    made = company.subscribe(datetime(2030, 12, 31, tzinfo=UTC))

    def balance() -> str:
        wallets = company.api.get(f"/v1/customers/{made['customer_id']}/wallets")
        found: str = wallets[0]["balance"]
        return found

    assert balance() == "15"  # 31 December, 31 January, 28 February
    company.until(datetime(2031, 3, 31, tzinfo=UTC) - timedelta(seconds=1))
    assert balance() == "15"
    company.advance(minutes=16)
    assert balance() == "20"


def test_time_passes_the_same_way_in_one_step_or_in_many(company: Company) -> None:
    company.price("0.5")
    company.fee("49")
    start = company.now - timedelta(days=20)
    one = company.subscribe(start)
    goal = period(one)[1] + timedelta(hours=3)
    for _ in range(40):
        company.world.advance((goal - company.now) / 4)
    company.until(goal)
    found = company.invoices(one)
    assert [row["invoice_status"] for row in found] == ["FINALIZED", "FINALIZED"]
    assert instant(found[1]["finalized_at"]).replace(microsecond=0).minute in (0, 30)


def test_a_year_passes_quickly(company: Company, both: dict[str, Any]) -> None:
    company.advance(days=366)
    reasons = [row["billing_reason"] for row in company.invoices(both)]
    assert reasons.count("SUBSCRIPTION_CYCLE") == 12
