"""What is said about an invoice that is not as expected; recorded invoices that are."""

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_flexprice.model.finding import Kind, Severity
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.prices import Price
from pytest_flexprice.oracle.invoicing.finalization import finalization_findings, finalized_findings
from pytest_flexprice.oracle.invoicing.findings import compare_invoice, equation_findings
from pytest_flexprice.oracle.invoicing.invoice import expected_invoice, line_usages
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.metering.meters import usage_of_total
from pytest_flexprice.oracle.pricing.allowances import Allowance
from pytest_flexprice.oracle.pricing.deductions import Coupon, Tax

from .first_periods import first_period

START = datetime(2026, 11, 1, tzinfo=UTC)
TIERS = [{"up_to": 10, "unit_amount": "1"}, {"up_to": None, "unit_amount": "0.5"}]


def meter(name="tokens", event="model.completion", **aggregation):
    spec = {"type": "SUM", "field": "n", **aggregation}
    return Meter.from_api({"id": f"meter_{name}", "name": name, "event_name": event, "aggregation": spec})


def price(name, **fields):
    base = {"id": f"price_{name}", "type": "USAGE", "billing_model": "FLAT_FEE", "amount": "0.25", "currency": "usd"}
    return Price.from_api({**base, "meter_id": f"meter_{name}", **fields})


def subscription(*lines, **fields):
    facts = {"id": "subs_1", "currency": "usd", "billing_period": "MONTHLY", "start": START, "anchor": START}
    return BilledSubscription(**facts, period=first_period(START, "MONTHLY"), lines=lines, **fields)


def tokens(**fields):
    return BilledLine("line_1", price("tokens", **fields), "meter_tokens", "Tokens")


FEE = BilledLine(
    "line_2",
    Price.from_api(
        {
            "id": "price_fee",
            "type": "FIXED",
            "billing_model": "FLAT_FEE",
            "amount": "20",
            "currency": "usd",
            "invoice_cadence": "ADVANCE",
        }
    ),
    "",
    "Platform fee",
)


def line(price_id="price_tokens", meter_id="meter_tokens", quantity="9", amount="2.25", **fields):
    return {
        "price_id": price_id,
        "meter_id": meter_id,
        "display_name": "Tokens",
        "quantity": quantity,
        "amount": amount,
        **fields,
    }


def invoice(*lines, **fields):
    subtotal = sum((Decimal(each["amount"]) for each in lines), Decimal(0))
    base = {
        "id": "inv_1",
        "currency": "usd",
        "invoice_status": "DRAFT",
        "subtotal": str(subtotal),
        "total": str(subtotal),
    }
    return {**base, "line_items": list(lines), **fields}


def expect(used="9", allowances=None, lines=None, **options):
    own = lines or (tokens(),)
    usages = {each.id: usage_of_total(meter(), used) for each in own if each.is_usage}
    return expected_invoice(subscription(*own), usages, allowances, **options)


def sentences(findings):
    return [each.sentence for each in findings]


def test_equal_invoice_has_no_findings_in_any_order():
    expected = expect(lines=(tokens(), FEE))
    fee = line("price_fee", "", "1", "20", display_name="Platform fee")
    assert compare_invoice(expected, invoice(line(), fee)) == []
    assert compare_invoice(expected, invoice(fee, line())) == []


def test_missing_line_names_its_event():
    (finding,) = compare_invoice(expect(), invoice())
    assert "no line for the event 'model.completion'" in finding.sentence
    assert "never billed" in finding.sentence
    assert finding.path == "invoice.lines.model.completion"


def test_line_of_zero_may_be_left_out_of_a_stored_invoice_but_not_of_a_preview():
    assert compare_invoice(expect("0", stage="finalized"), invoice()) == []
    assert compare_invoice(expect("0"), invoice()) != []


def test_wrong_price_shows_the_formula():
    (finding,) = compare_invoice(expect(), invoice(line(amount="22.50")))
    assert "right quantity and the wrong price: 9 × 0.25 = 2.25, but it bills 22.5 usd" in finding.sentence


def test_wrong_quantity_shows_the_difference():
    sent = [Event(f"e{number}", "model.completion", START, {"n": 5}) for number in range(10)]
    own = subscription(tokens())
    expected = expected_invoice(own, line_usages(own, [meter()], sent))
    (finding,) = compare_invoice(expected, invoice(line(quantity="49", amount="12.25")))
    assert "shows a usage of 49 where 50 is expected, 1 too little" in finding.sentence
    assert "never billed" in finding.sentence


def test_readers_of_usage_that_differ_accuse_neither():
    (finding,) = compare_invoice(expect("50"), invoice(line(quantity="49", amount="12.25")))
    assert "bills a usage of 49, and the usage query counts 50 in the same time" in finding.sentence
    assert "one of the two is wrong" in finding.sentence


@pytest.mark.parametrize(
    ("mode", "used", "amount", "words"),
    [
        ("SLAB", "11", "11", "end one unit too late"),
        ("SLAB", "10", "9.5", "end one unit too early"),
        ("VOLUME", "10", "5", "end one unit too early"),
        ("VOLUME", "11", "11", "end one unit too late"),
    ],
)
def test_tier_bound_off_by_one_is_named(mode, used, amount, words):
    expected = expect(used, lines=(tokens(billing_model="TIERED", tier_mode=mode, tiers=TIERS),))
    (finding,) = compare_invoice(expected, invoice(line(quantity=used, amount=amount)))
    assert words in finding.sentence


def test_allowance_off_by_one_is_named():
    allowances = {"meter_tokens": Allowance("meter_tokens", Decimal(10))}
    observed = invoice(line(quantity="1", amount="0.5", adjusted_entitlement_quantity="10"))
    (finding,) = compare_invoice(expect("11", allowances), observed)
    assert "1 × 0.25 = 0.25, but it bills 0.5 usd, as if the allowance ends one unit too early" in (finding.sentence)


def test_allowance_that_is_not_applied_is_told_apart_from_wrong_usage():
    allowances = {"meter_tokens": Allowance("meter_tokens", Decimal(5))}
    good = invoice(line(quantity="4", amount="1", adjusted_entitlement_quantity="5"))
    assert compare_invoice(expect(allowances=allowances), good) == []
    (finding,) = compare_invoice(expect(allowances=allowances), invoice(line()))
    assert "bills 9 of 9 used, the allowance is wrong" in finding.sentence


def test_unexplained_line_is_found():
    extra = line("price_other", "", "1", "7", display_name="Setup")
    (finding,) = compare_invoice(expect(), invoice(line(), extra))
    assert "a line that nothing explains: 'Setup' over 7" in finding.sentence


def test_one_time_fee_may_be_there_or_not():
    data = {"id": "price_setup", "type": "FIXED", "billing_model": "FLAT_FEE", "amount": "7", "currency": "usd"}
    setup = BilledLine("line_3", Price.from_api({**data, "invoice_cadence": "ADVANCE", "billing_period": "ONETIME"}))
    expected = expect(lines=(tokens(), setup))
    assert compare_invoice(expected, invoice(line())) == []
    there = line("price_setup", "", "1", "7", display_name="Setup")
    assert compare_invoice(expected, invoice(line(), there)) == []
    (finding,) = compare_invoice(expected, invoice(line(), {**there, "amount": "70"}))
    assert "wrong price" in finding.sentence


def test_other_currency_is_found():
    (finding,) = compare_invoice(expect(), invoice(line(), currency="eur"))
    assert finding.sentence == "the invoice is in another currency (expected 'usd', found 'eur')."


def test_equation_is_shown_with_its_numbers():
    wrong = invoice(line(), total="3", total_discount="0.25", total_tax="0.4")
    (finding,) = equation_findings(wrong)
    assert "2.25 subtotal − 0.25 discount − 0 credits + 0.4 tax = 2.4, but its total says 3" in finding.sentence
    (finding,) = equation_findings(invoice(line(), subtotal="9", total="9"))
    assert "the lines add up to 2.25, but its subtotal says 9" in finding.sentence


def test_discount_beyond_the_amount_ends_at_zero():
    assert equation_findings(invoice(line(), total="0", total_discount="2.25")) == []


@pytest.mark.parametrize(
    ("stage", "fields"),
    [
        ("preview", {"total": "27", "total_discount": "2.5", "total_tax": "4.5"}),
        ("draft", {"total": "22.5", "total_discount": "2.5"}),
        (
            "finalized",
            {"total": "23", "total_discount": "2.5", "total_tax": "4.5", "total_prepaid_credits_applied": "4"},
        ),
    ],
)
def test_three_totals_of_one_invoice(stage, fields):
    """The numbers of recording invoice_coupon_tax_wallet: tax before credits, neither in the draft."""
    known = {
        "coupons": [Coupon(percentage=Decimal(10))],
        "taxes": [Tax(percentage=Decimal(20))],
        "credit_balance": Decimal(4),
    }
    taxes = [{"tax_amount": fields["total_tax"]}] if "total_tax" in fields else []
    observed = invoice(line(quantity="100", amount="25"), **fields, taxes=taxes)
    expected = expect("100", stage=stage, **known)
    assert expected.total == Decimal(fields["total"])
    assert compare_invoice(expected, observed) == []
    told = compare_invoice(expect("100", stage=stage), observed)
    assert [each.severity for each in told] == [Severity.INFO]


RECORDED = Path(__file__).parents[1] / "recordings" / "invoice_coupon_tax_wallet.json"


@pytest.mark.parametrize(
    ("name", "stage"),
    [("preview", "preview"), ("the draft appears", "draft"), ("the finalized invoice", "finalized")],
)
def test_recorded_invoices_are_as_expected(name, stage):
    steps = json.loads(RECORDED.read_text(encoding="utf-8"))["steps"]
    answer = next(each["response"]["json"] for each in steps if each["name"] == name)
    observed = answer["items"][0] if "items" in answer else answer
    own = BilledLine("line_1", price("tokens", id="{price}"), "{meter}", "Meter meter {run}")
    known = {
        "coupons": [Coupon(percentage=Decimal(10))],
        "taxes": [Tax(percentage=Decimal(20))],
        "credit_balance": Decimal(4),
    }
    usages = {"line_1": usage_of_total(meter(), "100")}
    expected = expected_invoice(subscription(own), usages, stage=stage, **known)
    assert compare_invoice(expected, observed) == []
    assert expected.total == Decimal(observed["total"])
    if stage != "preview":
        assert expected.lines[0].discount == Decimal(observed["line_items"][0]["invoice_level_discount"])


@pytest.mark.parametrize("stage", ["draft", "finalized"])
@pytest.mark.parametrize(
    ("starts", "ends", "told"),
    [
        ("2026-11-01", "2026-11-20", 0),
        ("2099-11-01", "2026-12-01", 1),
        ("2026-12-03", "2027-01-01", 1),
        ("2001-11-01", "2001-12-01", 1),
    ],
)
def test_a_line_over_no_time_of_the_period_is_told_after_a_cancel_too(stage, starts, ends, told):
    times = {"period_start": f"{starts}T00:00:00Z", "period_end": f"{ends}T00:00:00Z"}
    found = compare_invoice(expect(stage=stage, closing=True), invoice(line(**times)))
    assert [
        each.endswith("billed twice, or never; do not send it; report it to Flexprice with its id.")
        for each in sentences(found)
    ] == [True] * told


def test_tax_and_credits_at_finalization_are_no_finding():
    draft = invoice(line(quantity="100", amount="25"), total="22.5", total_discount="2.5")
    done = {
        **copy.deepcopy(draft),
        "invoice_status": "FINALIZED",
        "total": "23",
        "total_tax": "4.5",
        "total_prepaid_credits_applied": "4",
        "invoice_number": "INV-1",
    }
    assert finalization_findings(draft, done) == []
    assert finalized_findings(done) == []
    done["line_items"][0]["amount"] = "26"
    found = sentences(finalization_findings(draft, done))
    assert "finalization changed line 'Tokens' (expected '100 for 25', found '100 for 26')" in found[0]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"invoice_status": "SKIPPED"}, "nothing was finalized: the invoice is SKIPPED"),
        ({"invoice_status": "DRAFT"}, "still a DRAFT, although finalizing it was answered with success"),
        ({"invoice_status": "VOIDED"}, "the invoice is VOIDED, not finalized"),
        ({"invoice_status": "FINALIZED", "invoice_number": ""}, "finalized without a number"),
    ],
)
def test_each_way_of_not_being_finalized_has_its_own_sentence(fields, words):
    (finding,) = finalized_findings({"id": "inv_1", **fields})
    assert words in finding.sentence


def test_expected_tax_that_is_missing_is_found():
    expected = expect("100", coupons=[], taxes=[Tax(percentage=Decimal(20))])
    (finding,) = compare_invoice(expected, invoice(line(quantity="100", amount="25")))
    assert finding.sentence.startswith("the invoice's tax is 0, as if there is none (expected 5, found 0)")


def test_unknown_pricing_is_not_verified_and_never_green():
    odd = tokens(price_unit_type="CUSTOM")
    (finding,) = compare_invoice(expect(lines=(odd,)), invoice(line()))
    assert finding.kind is Kind.NOT_VERIFIED
    assert "not verified: line 'model.completion': price unit type CUSTOM" in finding.sentence


def test_less_than_a_least_quantity_is_not_verified():
    least = tokens(min_quantity="100")
    (finding,) = compare_invoice(expect("31", lines=(least,)), invoice(line(quantity="31")))
    assert "min_quantity of 100, and what Flexprice bills of less is not known" in finding.sentence
    assert expect("100", lines=(least,)).lines[0].unverified == ""


def test_meter_that_never_resets_is_not_verified():
    endless = Meter.from_api(
        {
            "id": "meter_tokens",
            "name": "tokens",
            "event_name": "e",
            "reset_usage": "NEVER",
            "aggregation": {"type": "COUNT"},
        }
    )
    expected = expected_invoice(subscription(tokens()), {"line_1": usage_of_total(endless, "3")})
    assert expected.subtotal is None
    assert "resets NEVER" in expected.lines[0].unverified


def test_daily_allowance_needs_usage_per_day():
    allowances = {"meter_tokens": Allowance("meter_tokens", Decimal(10), "DAILY")}
    assert "usage of 'tokens' per DAY is not known" in expect("31", allowances).lines[0].unverified
    usages = {"line_1": usage_of_total(meter(), "31", DAY=[Decimal(15), Decimal(4), Decimal(12)])}
    expected = expected_invoice(subscription(tokens()), usages, allowances)
    assert (expected.lines[0].quantity, expected.lines[0].allowed, expected.subtotal) == (7, 24, Decimal("1.75"))


def test_closing_invoice_has_no_fee_of_a_next_period():
    assert [each.price_id for each in expect(lines=(tokens(), FEE), closing=True).lines] == ["price_tokens"]
