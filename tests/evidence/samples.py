"""Whole runs as documents, made through the public parts: records, plan, verdict."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pytest_flexprice.evidence.document import Digest, Document, Provenance, ValueRow
from pytest_flexprice.evidence.records import (
    FindingRecord,
    ObservationRecord,
    ScenarioRecord,
    StepRecord,
    WaitRecord,
)
from pytest_flexprice.evidence.verdict import judge
from pytest_flexprice.model import plan_file
from pytest_flexprice.model.checklist import BY_ID, ITEMS, SECTIONS, Level
from pytest_flexprice.model.finding import Finding, Severity

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 14, 3, 7, tzinfo=UTC)
COST = "its events are accepted and never billed"

SCENARIOS = {
    "1.1": "The key belongs to the Production environment",
    "1.2": "The key may read and write",
    "1.3": "Requests reach the contracted region with the right header",
    "1.4": "Every old key is refused",
    "2.1": "The catalog arrived as signed off in Sandbox",
    "2.2": "Every event name the application sends is billed in Production",
    "3.1": "The application's sample events are complete",
    "3.2": "A test event appears in the Event Debugger with its exact quantity",
    "3.3": "An event with a mismatched name is accepted and never billed",
    "4.1": "Every declared customer exists under the external id that the pipeline sends",
    "4.2": "Every declared customer is subscribed to its plan",
    "5.1": "The grace period is the one that was decided",
    "5.2": "Invoices are collected as decided",
    "5.3": "The lines of a test invoice match the usage that was sent",
    "6.1": "The webhook endpoint is registered and enabled",
    "6.2": "The handler refuses what is not signed by Flexprice",
    "6.3": "The endpoint is subscribed to the four event types",
    "6.4": "The handler answers 2xx to all event types, an unknown one, and a duplicate",
    "7.1": "Test events were accepted for the test customer",
    "7.2": "Three readers agree on the aggregated usage",
    "7.3": "The draft invoice is finalized and its totals add up",
    "7.4": "The finalization webhook arrived and was processed",
    "8.1": "Somebody reads the changelog",
    "8.2": "Somebody is subscribed to the status page",
    "8.3": "The team is in the support channel",
    "8.4": "The people on call know the references",
}


def plan(**changes):
    """A plan in which people have stated what they have to."""
    attested = [
        {
            "item": number,
            "statement": statement,
            "by": "Dana Reyes",
            "role": "Billing lead",
            "on": date(2026, 11, 2),
            "evidence": "https://wiki.acme.example/golive#" + number,
        }
        for number, statement in {
            "8.1": "The changelog is on the weekly billing agenda",
            "8.2": "billing-oncall@acme.example is subscribed",
            "8.3": "The support channel has both on-call rotations in it",
            "8.4": "The runbook links all four references",
        }.items()
    ]
    data = {
        "company": {"name": "Acme"},
        "environments": {
            "prod": {
                "base_url": "https://us.api.flexprice.io",
                "environment_id": "env_01K8PRODUCTION",
                "type": "production",
                "old_keys": ["FLEXPRICE_SANDBOX_KEY"],
            }
        },
        "events": [{"name": "model.completion", "samples": "golive/samples/*.ndjson"}],
        "invoicing": {"collection": "send_invoice", "decided_by": "Sam Okoye", "decided_on": date(2026, 11, 1)},
        "attestations": attested,
    }
    return plan_file.parse(data | changes, Path("golive.toml"))


def step(sentence, status="passed", duration=0.042, table=None):
    keyword, name = sentence.split(" ", 1)
    return StepRecord(keyword=keyword, name=name, status=status, duration=duration, table=table)


def scenario(number, **changes):
    """A scenario of one item that holds."""
    item = BY_ID[number]
    values = {
        "node_id": f"features/{item.section:02}.feature::test_{item.tag}",
        "name": SCENARIOS[number],
        "items": [number],
        "level": item.level.word,
        "feature": SECTIONS[item.section],
        "feature_file": f"{item.section:02}.feature",
        "outcome": "passed",
        "steps": [
            step("Given the plan of the company"),
            step(f"Then {SCENARIOS[number][0].lower()}{SCENARIOS[number][1:]}"),
        ],
        "started": NOW,
        "duration": 0.31,
        "worker": "gw0",
    }
    return ScenarioRecord(**{**values, **changes})


def event_names():
    """Item 2.2 with many findings, two of them alike."""
    sent = ["model.completion", "model.embedding", "storage.gb_hours", "api.call", "Seat.Added", "file.upload"]
    meters = ["model.completion", "storage.gb-hours", "api.call ", "seat.added"]
    near = {"storage.gb_hours": "storage.gb-hours", "api.call": "api.call ", "Seat.Added": "seat.added"}
    findings = [
        Finding(
            "2.2",
            f"events.{name}",
            f"'{name}' has no published meter" + (f"; the nearest is '{near[name]}'" if name in near else ""),
            consequence=COST,
            remedy="publish a meter with exactly this name",
        )
        for name in sent
        if name != "model.completion"
    ]
    records = [FindingRecord.of(finding, "2.2") for finding in findings]
    seen = ObservationRecord(
        title="event names", at=NOW, step=2, expected=sent, observed=meters, findings=list(range(len(records)))
    )
    return scenario(
        "2.2",
        outcome="failed",
        message=findings[0].sentence,
        findings=records,
        findings_total=len(records),
        observations=[seen],
        steps=[
            step("Given the events that the plan says the application sends"),
            step("And the published metered features of the environment", duration=0.61),
            step("Then every event name has exactly one published meter, byte for byte", "failed", 0.004),
            step("And every such meter is priced by at least one plan", "skipped", 0),
        ],
    )


def invoice():
    """Item 5.3: lines with exact decimals, side by side."""
    columns = ("name", "quantity", "amount")
    expected = [("tokens", "1250000", "25.00"), ("storage", "730.5", "7.305"), ("seats", "3", "45.00")]
    observation = ObservationRecord(
        title="invoice lines",
        at=NOW,
        step=3,
        expected=[dict(zip(columns, row, strict=True)) for row in expected],
        observed=[dict(zip(columns, row, strict=True)) for row in expected],
    )
    table = [["meter", "quantity"], ["tokens", "1250000"], ["storage", "730.5"], ["seats", "3"]]
    return scenario(
        "5.3",
        observations=[observation],
        steps=[
            step("Given a test customer on the test plan", duration=0.4),
            step("And usage has been sent", table=table, duration=0.2),
            step("When its invoice is previewed", duration=3.9),
            step("Then every line equals an independent calculation, in exact decimals"),
        ],
        waits=[WaitRecord(what="the usage to be counted", seconds=3.4, deadline=60, attempts=7, met=True)],
        duration=4.6,
    )


def processed():
    """Item 7.4: the webhook never came."""
    finding = Finding(
        "7.4",
        "webhooks.processed",
        "the webhook of invoice INV-202611-00007 was not seen within 120 s",
        expected="processed",
        observed="delivered",
        consequence="nothing says that finalized invoices reach your systems",
        remedy="look into the handler's log for this invoice",
        kind="not verified",
    )
    record = FindingRecord(
        **{**FindingRecord.of(Finding("7.4", "", ""), "7.4").model_dump(), "sentence": finding.sentence}
    )
    record = record.model_copy(update={"problem": finding.problem, "remedy": finding.remedy, "kind": "not verified"})
    return scenario(
        "7.4",
        outcome="not verified",
        message=finding.sentence,
        findings=[record],
        findings_total=1,
        steps=[
            step("Given the finalized test invoice"),
            step("Then its webhook is delivered", duration=2.2),
            step("And the handler has processed it", "not verified", 120.0),
        ],
        waits=[
            WaitRecord(what="the handler to process the webhook", seconds=120.0, deadline=120, attempts=31, met=False)
        ],
        duration=122.4,
    )


def provenance(**changes):
    """Where the sample comes from."""
    values = {
        "run_id": "20261122T140307-k3f9",
        "environment": "prod",
        "environment_type": "production",
        "environment_id": "env_01K8PRODUCTION",
        "base_url": "https://us.api.flexprice.io",
        "company": "Acme",
        "level": "smoke",
        "rehearsal": False,
        "key_tail": "7F",
        "started": NOW,
        "finished": NOW + timedelta(seconds=134),
        "seconds": 134.2,
        "versions": {"python": "3.12.4", "pytest-flexprice": "0.1.0", "pytest": "9.2.0", "pytest-bdd": "9.0.1"},
        "platform": "Linux-6.8",
        "git_commit": "8d0f3a51c2be77aa90f2f3f9d3b7a1c4e5d6f708",
        "git_dirty": True,
        "features": [Digest(file=f"features/{n:02}.feature", sha256="9f" * 32) for n in SECTIONS],
        "plan": Digest(file="golive.toml", sha256="3c" * 32),
        "run_by": "dana",
        "run_on": "ci-runner-4",
        "ci_url": "https://ci.acme.example/runs/4711",
        "selection": "",
        "pytest_args": ["--flexprice-env=prod", "--flexprice-level=smoke", "-n", "2"],
        "header": [
            ValueRow(name="environment", value="prod", source="command line"),
            ValueRow(name="level", value="smoke", source="command line"),
            ValueRow(name="base URL", value="https://us.api.flexprice.io", source="plan"),
            ValueRow(name="API key", value="…7F", source=".env.prod"),
        ],
    }
    return Provenance(**{**values, **changes})


def run(*special, level=Level.SMOKE, the_plan=None, rehearsal=False, leftovers=()):
    """A whole run: every item holds but for the scenarios given."""
    own = {record.items[0]: record for record in special}
    records = [own.get(item.id) or scenario(item.id) for item in ITEMS]
    verdict = judge(
        ITEMS,
        records,
        level=level,
        today=TODAY,
        plan=the_plan or plan(),
        environment="prod",
        rehearsal=rehearsal,
        leftovers=leftovers,
    )
    environment = {"environment": "local", "environment_type": "development"} if rehearsal else {}
    return Document(
        run=provenance(rehearsal=rehearsal, level=level.word, **environment),
        verdict=verdict,
        scenarios=records,
        reconciliation={"collected": len(records), "reported": len(records), "missing": []},
        exchanges={
            "count": 212,
            "methods": {"GET": 171, "POST": 41},
            "statuses": {"200": 180, "202": 24, "401": 3, "no answer": 5},
            "slowest": "POST /v1/invoices/preview",
            "slowest_seconds": 1.92,
        },
    )


def troubled(**changes):
    """A run with a failure, something not verified, and a waiver."""
    waiver = {
        "item": "1.4",
        "reason": "The reporting job moves next sprint",
        "owner": "Lee Park",
        "approved_by": "Dana Reyes",
        "until": date(2026, 12, 15),
    }
    finding = Finding("1.4", "FLEXPRICE_SANDBOX_KEY", "the old key ending in 'Q4' still works", remedy="revoke it")
    record = FindingRecord.of(finding, "1.4")
    old_key = scenario("1.4", outcome="failed", message=finding.sentence, findings=[record], findings_total=1)
    specials = [event_names(), invoice(), processed(), old_key]
    return run(*specials, the_plan=plan(waivers=[waiver]), **changes)


PROOF = {
    "pro, usd, monthly · API · calls · 5 free": "billed exactly at 0, 1",
    "pro, usd, monthly · API · calls · above 10, at 2": "not reached (needs 1,000,000 events (see test_events))",
    "pro, usd, monthly · seats · 2 each": "billed wrongly at 3",
    "basic, eur, monthly · seats · 1 each": "not reached",
}


def traffic(**changes):
    """What a comparison of the company's log tells the report."""
    told = {
        "days": ["2026-11-01", "2026-11-02", "2026-11-03"],
        "features": [{"feature": "Calls", "log": [0, 1200, 50], "flexprice": [0, 1200, 25]}],
        "causes": [
            {"cause": "never arrived", "events": 1025, "worth": "about 3 usd not billed", "examples": ["e-1", "e-2"]},
            {"cause": "late", "events": 1, "worth": "", "examples": []},
        ],
        "notes": ["the window ends at noon"],
    }
    return {"traffic": told | changes}


INVOICE = (
    {
        "lines": {
            "api.call": "24.5 → 3.68 = 24.5 × 0.15",
            "Fee": "1 → 49 = 1 × 49",
            "tokens": "3 → 6 (not verified: bucketed)",
        },
        "subtotal": "58.68 usd",
    },
    {
        "id": "inv_1",
        "status": "FINALIZED",
        "number": "INV-7",
        "lines": {"completion": "3 → 7", "calls": "24.50 → 3.68", "Fee": "1 → 49.00"},
        "subtotal": "59.68 usd",
        "total": "59.68",
    },
)
ANSWERS = (
    {
        "control": "accepted",
        "extra field": "accepted",
        "no headers": "refused",
        "unsigned a.paid in svix headers as application/json": "refused",
        "wrong secret a.paid in svix headers as application/json": "refused",
        "unsigned b.made in webhook headers as no content type": "refused",
        "forged PUT": "refused",
        "signed wrong secret a.paid in svix headers as application/json": "either",
    },
    {
        "control": "204 (0.002 s)",
        "extra field": "no answer within 15 s (15.000 s)",
        "no headers": "401 (0.010 s)",
        "unsigned a.paid in svix headers as application/json": "401 (0.010 s)",
        "wrong secret a.paid in svix headers as application/json": "200 (0.010 s)",
        "unsigned b.made in webhook headers as no content type": "401 (0.010 s)",
        "forged PUT": "201 (0.010 s)",
        "signed wrong secret a.paid in svix headers as application/json": "200 (0.010 s)",
    },
)


LADDER = {
    "ladder": [
        {"stage": "sent", "state": "reached", "at": "2026-11-22T14:03:08.000+00:00", "seconds": "0.00"},
        {"stage": "landed", "state": "reached", "at": "2026-11-22T14:03:10.500+00:00", "seconds": "2.50"},
        {"stage": "counted", "state": "broke here", "at": "2026-11-22T14:03:18.000+00:00", "seconds": "10.00"},
        {"stage": "previewed", "state": "not reached"},
    ]
}


def reviewed():
    """Item 2.1: differences of a catalog, one of them accepted."""
    findings = [
        Finding("2.1", "plans.pro.prices.api.call.amount", "amount of price 'api.call' differs", "0.15", "1.5"),
        Finding("2.1", "plans.pro.prices.api.call.currency", "currency of price 'api.call' differs", "usd", "eur"),
        Finding("2.1", "plans.pro.entitlements.seats", "the entitlement to feature 'seats' of plan 'pro' is missing"),
        Finding("2.1", "features.<b>", "feature '<b>' is published here although nobody signed it off"),
        Finding("2.1", "plans.old", "the plan is kept for old customers", severity=Severity.INFO),
    ]
    records = [FindingRecord.of(finding, "2.1") for finding in findings]
    catalogs = {"expected": {"sha256": "a1"}, "observed": {"sha256": "b2"}}
    seen = ObservationRecord(title="catalog", at=NOW, step=1, findings=list(range(len(records))), **catalogs)
    return scenario(
        "2.1", outcome="failed", message=findings[0].sentence, findings=records, findings_total=5, observations=[seen]
    )


def laid_out():
    """A run whose observations have layouts of their own."""
    told = [
        ObservationRecord(title="price proof", at=NOW, expected=dict.fromkeys(PROOF, "billed exactly"), observed=PROOF),
        ObservationRecord(title="the company's own log by day", at=NOW, observed=traffic()),
        ObservationRecord(title="finalized test invoice", at=NOW, expected=INVOICE[0], observed=INVOICE[1]),
        ObservationRecord(title="answers of the handler", at=NOW, expected=ANSWERS[0], observed=ANSWERS[1]),
        ObservationRecord(title="the ladder", at=NOW, observed=LADDER),
    ]
    return run(reviewed(), scenario("5.3", observations=told))


HOSTILE = "</script><script>alert(1)</script> <img src=x onerror=alert(1)> \" ' & {{ 7*7 }} | pipe \u202e \x00"
