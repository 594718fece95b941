"""The upper half of the ladder: preview, draft, finalized invoice, each compared with the independent calculation."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_flexprice.api import path_of
from pytest_flexprice.model.decimals import words
from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.oracle.invoicing.finalization import finalization_findings, finalized_findings
from pytest_flexprice.oracle.invoicing.findings import compare_invoice
from pytest_flexprice.oracle.invoicing.invoice import ExpectedInvoice, Stage, expected_invoice
from pytest_flexprice.testbed.ladder import Climbed, Rung
from pytest_flexprice.testbed.setting_up import adopt_invoices
from pytest_flexprice.testbed.usage_rungs import usages

if TYPE_CHECKING:
    from pytest_flexprice.testbed.smoke import Smoke

DRAFT_DEADLINE = 60.0  # seconds; about one in a quiet deployment (contract 5.6)
SHORTEST_DRAFT = 12.0  # also on a busy machine that rehearses
STATUSES = ["DRAFT", "FINALIZED", "SKIPPED"]


def preview(smoke: Smoke) -> Climbed:
    """The preview shows exactly the expected lines and adds up (checklist 5.3)."""
    observed = smoke.testbed.flexprice.post("/v1/invoices/preview", {"subscription_id": smoke.setup.subscription.id})
    expected = _expected(smoke, "preview")
    return Climbed(_told(expected), _read(observed), compare_invoice(expected, observed, "5.3"), observed)


def _expected(smoke: Smoke, stage: Stage, closing: bool = False) -> ExpectedInvoice:
    setup = smoke.setup
    return expected_invoice(setup.billed, usages(smoke), setup.allowances, stage=stage, closing=closing)


def draft(smoke: Smoke) -> Climbed:
    """The invoice of the running period, as a computed draft; with ``cancel_and_bill`` there is no draft to compare."""
    if smoke.profile.environment.test_invoice == "cancel_and_bill":
        return _cancel_and_bill(smoke)
    smoke.next_second()
    flexprice, identifier = smoke.testbed.flexprice, smoke.setup.subscription.id
    _ask_for_draft(smoke)
    started = flexprice.post(path_of("subscriptions", "temporal", identifier, "draft-and-compute"), {})
    met, waited = smoke.eventually.poll(
        "the draft invoice to appear",
        lambda: _invoices(smoke),
        bool,
        max(DRAFT_DEADLINE * smoke.patience, SHORTEST_DRAFT),
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
    invoice = waited.value[0]["id"]
    expected = _expected(smoke, "draft")
    skipped = _skipped(waited.value[0], expected)
    if skipped:
        return Climbed(_told(expected), _read(waited.value[0]), skipped)
    flexprice.post(path_of("invoices", invoice, "compute"), {}, sync="true")
    observed = flexprice.get(path_of("invoices", invoice))
    findings = _skipped(observed, expected) or compare_invoice(expected, observed, "7.3")
    return Climbed(_told(expected), _read(observed), findings, observed)


def _skipped(invoice: dict[str, Any], expected: ExpectedInvoice) -> list[Finding]:
    """A zero amount makes a SKIPPED invoice, which finalizing leaves as it is, with a message of success (contract 5.5)."""
    if invoice.get("invoice_status") != "SKIPPED":
        return []
    return [_nothing_to_bill()] if expected.skipped else finalized_findings(invoice, "7.3")


def _nothing_to_bill() -> Finding:
    return Finding(
        "7.3",
        "invoice.invoice_status",
        "not verified: what the test events may use is free on the test plan, so that there is no invoice to finalize",
        consequence="that an invoice is finalized was not seen",
        remedy="raise test_events above what the plan leaves free, or name a test_plan that bills sooner",
        kind=Kind.NOT_VERIFIED,
    )


def _invoices(smoke: Smoke) -> list[Any]:
    """Usage invoices of the test subscription; the opening one of an advance fee is none of them (contract 4.2)."""
    body = {"subscription_id": smoke.setup.subscription.id, "invoice_status": STATUSES}
    rows = smoke.testbed.flexprice.search("/v1/invoices/search", body)
    found = adopt_invoices(smoke.testbed, smoke.setup.subscription, rows, "POST /v1/invoices/search")
    made = [row for row in found if row.get("billing_reason") in ("SUBSCRIPTION_CYCLE", "PRORATION")]
    if made:
        smoke.testbed.ledger.gone(
            "draft", smoke.setup.subscription.id
        )  # it came, and is an invoice of its own from now on
    return made


def _ask_for_draft(smoke: Smoke) -> None:
    """Note that an invoice may come late: clean-up waits for it."""
    customer = smoke.customer.external_id
    smoke.testbed.ledger.intend("draft", smoke.setup.subscription.id, customer=customer)


def _cancel_and_bill(smoke: Smoke) -> Climbed:
    smoke.before_finalizing()
    smoke.next_second()
    identifier = smoke.setup.subscription.id
    moment = smoke.now()
    _ask_for_draft(smoke)
    smoke.testbed.flexprice.post(
        path_of("subscriptions", identifier, "cancel"),
        # The server's own spelling; the right one is ignored (contract 4.4).
        {"cancellation_type": "immediate", "cancel_immediately_inovice_policy": "generate_invoice"},
    )
    met, waited = smoke.eventually.poll(
        "the invoice of the cancelled subscription",
        lambda: _invoices(smoke),
        bool,
        max(DRAFT_DEADLINE * smoke.patience, SHORTEST_DRAFT),
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
    observed = smoke.testbed.flexprice.get(path_of("invoices", waited.value[0]["id"]))
    expected = _expected(smoke, "finalized", closing=True)
    findings = (
        _skipped(observed, expected)
        or finalized_findings(observed, "7.3")
        or compare_invoice(expected, observed, "7.3")
    )
    return Climbed(_told(expected), _read(observed), findings, {**observed, "_billed_at": moment})


def finalize(smoke: Smoke) -> Climbed:
    """The draft finalized, read back and compared again: finalized, numbered, unchanged, adding up (checklist 7.3)."""
    before: dict[str, Any] = smoke.of(Rung.DRAFTED)
    if smoke.profile.environment.test_invoice == "cancel_and_bill":
        return Climbed("finalized by cancelling", _read(before), [], (before, before["_billed_at"]))
    flexprice, identifier = smoke.testbed.flexprice, before["id"]
    smoke.before_finalizing()
    moment: datetime = smoke.now()
    flexprice.post(path_of("invoices", identifier, "finalize"), {})
    observed = flexprice.get(path_of("invoices", identifier))
    findings = finalized_findings(observed, "7.3") or [
        *_compared(smoke, before, observed),
        *_without_pdf(smoke, identifier),
    ]
    return Climbed(_told(_expected(smoke, "finalized")), _read(observed), findings, (observed, moment))


def _without_pdf(smoke: Smoke, identifier: str) -> list[Finding]:
    """Whether the invoice can be had as a PDF; told only, as servers without a document storage answer 500 (contract 5.3)."""
    answer = smoke.testbed.flexprice.request("GET", path_of("invoices", identifier, "pdf"))
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


def _compared(smoke: Smoke, before: dict[str, Any], observed: dict[str, Any]) -> list[Finding]:
    findings = finalization_findings(before, observed, "7.3")
    findings += compare_invoice(_expected(smoke, "finalized"), observed, "7.3")
    findings += [
        Finding(
            "7.3",
            f"invoices.{observed['id']}.{key}",
            f"finalization changed the invoice's {key}",
            before[key],
            observed[key],
        )
        for key in ("currency", "period_start", "period_end", "customer_id", "subscription_id")
        if before.get(key) != observed.get(key)
    ]
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
