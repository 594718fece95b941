"""The upper half of the ladder: preview, draft, finalized invoice, each compared with the independent calculation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pytest_flexprice.api import path_of
from pytest_flexprice.model.decimals import ZERO, decimal, words
from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.model.meters import Event
from pytest_flexprice.oracle.invoicing import finalization
from pytest_flexprice.oracle.invoicing.findings import compare_invoice
from pytest_flexprice.oracle.invoicing.invoice import ExpectedInvoice, Stage, expected_invoice
from pytest_flexprice.oracle.invoicing.prepaid import Wallet, granted_findings, prepaid_findings
from pytest_flexprice.testbed.belongings import wallets_of
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.ladder import Climbed
from pytest_flexprice.testbed.ownership import foreign
from pytest_flexprice.testbed.setting_up import Setup, adopt_invoices, own_invoice
from pytest_flexprice.testbed.usage_rungs import mixed, usages
from pytest_flexprice.webhooks.processed import Processed

DRAFT_DEADLINE = 60.0  # seconds; about one in a quiet deployment (contract 5.6)
FIRST_LOOK = 0.7  # seconds until the first look for it
NEXT_LOOK = 0.4  # seconds between the first two looks
SHORTEST_DRAFT = 12.0  # also on a busy machine that rehearses
STATUSES = ["DRAFT", "FINALIZED", "SKIPPED"]
Invoice = dict[str, Any]


@dataclass(frozen=True)
class Draft:
    """The computed draft; ``billed_at`` is when cancelling made and finalized it in one, else there is no such moment."""

    invoice: Invoice
    billed_at: datetime | None = None


@dataclass(frozen=True)
class Finalized:
    """The finalized invoice, when finalizing it was asked for, and what the company's side said of it before."""

    invoice: Invoice
    at: datetime
    processed_before: Processed | None = None


def preview(bench: Bench, setup: Setup, sent: list[Event], others: Sequence[Event] = ()) -> Climbed[Invoice]:
    """The preview shows exactly the expected lines and adds up, whatever ``others`` another customer sent (checklist 5.3)."""
    observed = bench.flexprice.post("/v1/invoices/preview", {"subscription_id": setup.subscription.id})
    both = mixed(setup, [*sent, *(replace(each, id=f"{each.id}-other") for each in others)])
    known = {line: replace(one, otherwise=both.get(line)) for line, one in usages(setup, sent).items()}
    expected = expected_invoice(setup.billed, known, setup.allowances, stage="preview")
    return Climbed(_told(expected), _read(observed), compare_invoice(expected, observed, "5.3"), observed)


def _expected(setup: Setup, sent: list[Event], stage: Stage, closing: bool = False) -> ExpectedInvoice:
    return expected_invoice(setup.billed, usages(setup, sent), setup.allowances, stage=stage, closing=closing)


def draft(bench: Bench, setup: Setup, sent: list[Event]) -> Climbed[Draft]:
    """The invoice of the running period, as a computed draft; with ``cancel_and_bill`` there is no draft to compare."""
    if bench.profile.environment.test_invoice == "cancel_and_bill":
        return _cancel_and_bill(bench, setup, sent)
    bench.next_second()
    flexprice, identifier = bench.flexprice, setup.subscription.id
    _ask_for_draft(bench, setup)
    started = flexprice.post(path_of("subscriptions", "temporal", identifier, "draft-and-compute"), {})
    bench.eventually.pause(FIRST_LOOK)
    met, waited = bench.eventually.poll(
        "the draft invoice to appear",
        lambda: _invoices(bench, setup),
        bool,
        max(DRAFT_DEADLINE * bench.patience, SHORTEST_DRAFT),
        NEXT_LOOK,
    )
    if not met:
        workflow = (started or {}).get("workflow_id", "unknown")
        return Climbed(
            "a draft invoice",
            "none",
            [
                Finding(
                    "7.3",
                    f"subscriptions.{identifier}",
                    f"the draft invoice never appeared: workflow '{workflow}' was started {waited.seconds:.0f} s ago "
                    f"({waited.attempts} attempts)",
                    consequence="invoices would not be made at the period's end either",
                    remedy='see that the workflows are healthy, or set test_invoice = "cancel_and_bill" where they are not available',
                )
            ],
        )
    expected = _expected(setup, sent, "draft")
    skipped = _skipped(waited.value[0], expected)
    if skipped:
        return Climbed(_told(expected), _read(waited.value[0]), skipped)
    observed = _computed(bench, setup, waited.value[0])
    findings = _skipped(observed, expected) or [
        *compare_invoice(expected, observed, "7.3"),
        *finalization.other_period(observed, setup.billed.period, "7.3"),
    ]
    return Climbed(_told(expected), _read(observed), findings, Draft(observed))


def _computed(bench: Bench, setup: Setup, drafted: Invoice) -> Invoice:
    """The draft as it was read if it is computed already, which it was after all that was sent; else computed now."""
    if drafted.get("last_computed_at") and drafted.get("line_items"):
        return drafted
    identifier = str(drafted["id"])
    path = path_of("invoices", identifier)
    answer = bench.flexprice.post(f"{path}/compute", {}, sync="true")
    invoice = answer.get("invoice") if isinstance(answer, dict) else None
    if not isinstance(invoice, dict) or foreign(invoice, setup.subscription.customer.owner, id=identifier):
        return dict(bench.flexprice.get(path))
    return invoice


def _skipped(invoice: dict[str, Any], expected: ExpectedInvoice) -> list[Finding]:
    """A zero amount makes a SKIPPED invoice, which finalizing leaves as it is, with a message of success (contract 5.5)."""
    if invoice.get("invoice_status") != "SKIPPED":
        return []
    return [_nothing_to_bill()] if expected.skipped else finalization.finalized_findings(invoice, "7.3")


def _nothing_to_bill() -> Finding:
    return Finding(
        "7.3",
        "invoice.invoice_status",
        "not verified: what the test events may use is free on the test plan, so that there is no invoice to finalize",
        consequence="that an invoice is finalized was not seen",
        remedy="raise test_events above what the plan leaves free, or name a test_plan that bills sooner",
        kind=Kind.NOT_VERIFIED,
    )


def _invoices(bench: Bench, setup: Setup) -> list[Invoice]:
    """Usage invoices of the test subscription, as they were read last; the opening one of an advance fee is none of them (contract 4.2)."""
    body = {"subscription_id": setup.subscription.id, "invoice_status": STATUSES}
    rows = bench.flexprice.search("/v1/invoices/search", body)
    found = adopt_invoices(bench.testbed, setup.subscription, rows, "POST /v1/invoices/search")
    made = [dict(row) for row in found if row.get("billing_reason") in ("SUBSCRIPTION_CYCLE", "PRORATION")]
    for row in made:
        if row.get("invoice_status") != "SKIPPED":
            row.update(own_invoice(bench.testbed, setup.subscription, row["id"]))
    if made:
        bench.testbed.ledger.gone("draft", setup.subscription.id)  # it came, and is an invoice of its own from now on
    return made


def _ask_for_draft(bench: Bench, setup: Setup) -> None:
    """Note that an invoice may come late: clean-up waits for it."""
    customer = setup.subscription.customer.external_id
    bench.testbed.ledger.intend("draft", setup.subscription.id, customer=customer)


def _cancel_and_bill(bench: Bench, setup: Setup, sent: list[Event]) -> Climbed[Draft]:
    bench.before_finalizing()
    bench.next_second()
    identifier = setup.subscription.id
    moment = bench.now()
    _ask_for_draft(bench, setup)
    bench.flexprice.post(
        path_of("subscriptions", identifier, "cancel"),
        # The server's own spelling; the right one is ignored (contract 4.4).
        {"cancellation_type": "immediate", "cancel_immediately_inovice_policy": "generate_invoice"},
    )
    met, waited = bench.eventually.poll(
        "the invoice of the cancelled subscription",
        lambda: _invoices(bench, setup),
        bool,
        max(DRAFT_DEADLINE * bench.patience, SHORTEST_DRAFT),
        NEXT_LOOK,
    )
    if not met:
        return Climbed(
            "an invoice",
            "none",
            [
                Finding(
                    "7.3",
                    f"subscriptions.{identifier}",
                    f"cancelling with a final invoice made no invoice within {waited.seconds:.0f} s",
                    kind=Kind.NOT_VERIFIED,
                )
            ],
        )
    observed = bench.flexprice.get(path_of("invoices", waited.value[0]["id"]))
    expected = _expected(setup, sent, "finalized", closing=True)
    findings = (
        _skipped(observed, expected)
        or finalization.finalized_findings(observed, "7.3")
        or compare_invoice(expected, observed, "7.3")
    )
    return Climbed(_told(expected), _read(observed), findings, Draft(observed, moment))


def finalize(
    bench: Bench, setup: Setup, sent: list[Event], drafted: Draft, previewed: Invoice | None = None
) -> Climbed[Finalized]:
    """The draft finalized and read back: finalized, numbered, unchanged, taxed and discounted as ``previewed`` (checklist 7.3)."""
    before = drafted.invoice
    if drafted.billed_at is not None:
        return Climbed("finalized by cancelling", _read(before), [], Finalized(before, drafted.billed_at))
    flexprice, identifier = bench.flexprice, before["id"]
    bench.before_finalizing()
    early = bench.asked_early(str(identifier))
    wallets = _wallets(bench, setup) if setup.grants else []
    moment: datetime = bench.now()
    flexprice.post(path_of("invoices", identifier, "finalize"), {})
    observed = flexprice.get(path_of("invoices", identifier))
    findings = finalization.finalized_findings(observed, "7.3") or [
        *_compared(_expected(setup, sent, "finalized"), before, observed, previewed),
        *finalization.unasked_findings(observed, "7.3"),
        *granted_findings(setup.grants, wallets, setup.billed.currency, "7.3"),
        *_prepaid(bench, setup, observed, wallets),
        *_without_pdf(bench, identifier),
    ]
    found = Finalized(observed, moment, early)
    return Climbed(_told(_expected(setup, sent, "finalized")), _read(observed), findings, found)


def _prepaid(bench: Bench, setup: Setup, invoice: Invoice, wallets: list[Wallet]) -> list[Finding]:
    """What prepaid credits pay; credits that no plan granted may come from elsewhere, and were not looked at in time."""
    paid = decimal(invoice.get("total_prepaid_credits_applied"), ZERO)
    if paid and not setup.grants and _wallets(bench, setup):
        return []
    return prepaid_findings(invoice, wallets, "7.3")


def _wallets(bench: Bench, setup: Setup) -> list[Wallet]:
    """The test customer's prepaid credits."""
    rows = wallets_of(bench.flexprice, setup.subscription.customer.owner)
    return [wallet for wallet in map(Wallet.from_api, rows) if wallet is not None]


def _without_pdf(bench: Bench, identifier: str) -> list[Finding]:
    """Whether the invoice can be had as a PDF; told only, as servers without a document storage answer 500 (contract 5.3)."""
    answer = bench.flexprice.request("GET", path_of("invoices", identifier, "pdf"))
    kind = answer.headers.get("content-type", "no content type")
    if answer.ok and (kind.startswith("application/pdf") or answer.is_json):
        return []
    return [
        Finding(
            "7.3",
            f"invoices.{identifier}.pdf",
            f"the finalized invoice cannot be had as a PDF (answered {answer.status} with {kind})",
            consequence="customers cannot be sent the document",
            remedy="ask whoever operates this Flexprice for its document storage",
            severity=Severity.WARNING,
        )
    ]


def _compared(
    expected: ExpectedInvoice, before: Invoice, observed: Invoice, previewed: Invoice | None
) -> list[Finding]:
    findings = finalization.finalization_findings(before, observed, "7.3")
    findings += compare_invoice(expected, observed, "7.3")
    told = {each.path for each in findings}
    other = finalization.unlike_its_preview(previewed, observed, "7.3") if previewed else []
    findings += [each for each in other if each.path not in told]
    # Both comparisons check the totals equation; one finding of it is enough.
    return [each for number, each in enumerate(findings) if each not in findings[:number]]


def _told(expected: ExpectedInvoice) -> dict[str, Any]:
    lines = {
        line.event_name or line.name: f"{words(line.quantity)} → {words(line.amount)}"
        + (f" = {line.formula}" if line.formula else "")
        + (f" (not verified: {line.unverified})" if line.unverified else "")
        for line in expected.lines
    }
    subtotal = words(expected.subtotal) if expected.subtotal is not None else "not known"
    return {"lines": lines, "subtotal": f"{subtotal} {expected.currency}"}


def _read(invoice: dict[str, Any]) -> dict[str, Any]:
    lines = {
        line.get("meter_display_name")
        or line.get("display_name")
        or line.get("price_id"): f"{line['quantity']} → {line['amount']}"
        for line in invoice.get("line_items") or ()
    }
    return {
        "id": invoice.get("id"),
        "status": invoice.get("invoice_status"),
        "number": invoice.get("invoice_number"),
        "lines": lines,
        "subtotal": f"{invoice.get('subtotal')} {invoice.get('currency')}",
        "total": invoice.get("total"),
    }
