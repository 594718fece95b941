"""What was wanted beside what was seen: tables, invoices, price proofs and answers in the page."""

import html
import re

import pytest

from pytest_flexprice.evidence.records import FindingRecord, ObservationRecord, trimmed
from pytest_flexprice.evidence.report import as_html
from pytest_flexprice.evidence.sidebyside import differences_first, rows, text_table
from pytest_flexprice.model.finding import Finding

from . import samples
from .samples import HOSTILE


@pytest.mark.parametrize(
    ("expected", "observed", "shown"),
    [
        ("a", "a", [("", "a", "a", True)]),
        ("api.call", "api.call ", [("", "api.call", "'api.call '", False)]),
        (None, "b", [("", "—", "b", None)]),
        (None, None, []),
        (
            {"a": 1, "b": None},
            {"a": "1", "c": True},
            [("a", "1 (number)", "1 (text)", False), ("b", "—", "—", True), ("c", "—", "yes", None)],
        ),
        (["x", "y"], ["y", "z"], [("", "x", "—", False), ("", "y", "y", True), ("", "—", "z", False)]),
        ([], ["z"], [("", "—", "z", False)]),
        (["x", "x"], ["x"], [("", "x", "x", True), ("", "x", "—", False)]),
        (
            [{"id": "1", "n": "2"}],
            [{"id": "3", "n": "2"}, {"id": "1", "n": "2"}],
            [("1 · n", "2", "2", True), ("3", "—", "n: 2", False)],
        ),
        ("the one", [{"url": "u"}], [("1", "—", "url: u", None)]),
        (["a", "b"], {"a": "priced"}, [("a", "a", "priced", None), ("b", "b", "—", False)]),
        (
            {"lines": {"fee": "49", "seats": {"n": 3}}},
            {"lines": {"fee": "50", "seats": {"n": 3}}},
            [("lines · fee", "49", "50", False), ("lines · seats · n", "3", "3", True)],
        ),
        (
            [{"line": "fee", "amount": "49"}],
            [{"ref": "x", "amount": "48", "more": "…"}],
            [("fee · amount", "49", "48", False)],
        ),
        ("10.10", "10.1", [("", "10.10", "10.1", False)]),
    ],
)
def test_both_sides_are_aligned(expected, observed, shown):
    assert [(row.label, row.expected, row.observed, row.same) for row in rows(expected, observed)] == shown


def test_differences_come_first_and_a_text_table_shows_both():
    table = text_table(differences_first(rows({"plan": "pro", "currency": "usd"}, {"plan": "pro", "currency": "eur"})))
    assert table.splitlines() == [
        "            EXPECTED  OBSERVED",
        "≠ currency  usd       eur",
        "  plan      pro       pro",
    ]


def test_a_difference_nobody_found_wrong_carries_no_mark():
    table = text_table(rows({"tells": "not within 30 days"}, {"tells": "never"}), blamed=False)
    assert "≠" not in table
    page = as_html(samples.run(samples.scenario("1.2", observations=[OBSERVED])))
    assert "≠" not in page
    assert "rows differ" not in page
    assert "Expected: not within 30 days" in page


OBSERVED = ObservationRecord(
    title="expiry", at=samples.NOW, step=0, expected="not within 30 days", observed={"key": "never"}
)


WRONG = FindingRecord.of(Finding("5.3", "invoice", "it bills something else"), "5.3")


def laid_out(expected, observed, title="seen", findings=(), blamed=True):
    """The page's part for one observation; ``findings`` are the scenario's, and ``blamed`` says whether they are of this observation."""
    own = list(range(len(findings))) if blamed else []
    seen = ObservationRecord(title=title, at=samples.NOW, step=0, expected=expected, observed=observed, findings=own)
    record = samples.scenario("5.3", observations=[seen], findings=list(findings), findings_total=len(findings))
    page = as_html(samples.run(record))
    return re.search(r'<div class="observation">.*?</article>', page, re.S)[0]


def cells(part):
    """The table rows of a page's part, each as the text of its cells."""
    rows_ = re.findall(r"<tr[^>]*>(.*?)</tr>", part, re.S)
    strip = [
        [re.sub(r"<[^>]+>", " ", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)] for row in rows_
    ]
    return [[" ".join(html.unescape(cell).split()) for cell in row] for row in strip]


def test_a_price_proof_is_a_table_of_price_by_part():
    part = laid_out(dict.fromkeys(samples.PROOF, "billed exactly"), samples.PROOF | {"…": "7 more"})
    head = ["Price", "Part", "Proof", "At these quantities, or why not"]
    assert cells(part) == [
        head,
        ["API · calls", "5 free", "✓ billed exactly", "0, 1"],
        ["above 10, at 2", "– not reached", "needs 1,000,000 events (see test_events)"],
        ["seats", "2 each", "✗ billed wrongly", "3"],
        head,
        ["seats", "1 each", "– not reached", ""],
    ]
    assert re.findall(r"<caption>(.*?)</caption>", part) == ["pro, usd, monthly", "basic, eur, monthly"]
    assert "1 billed exactly, 1 billed wrongly, 2 not reached. 7 more parts are not shown." in part


@pytest.mark.parametrize(
    "observed",
    [
        {},
        {"a · b · c": "billed"},
        {"a · c": "billed exactly"},
        {"a · b · c": "billed exactly", "d": "x"},
        {"a · b · c": 3},
        {"traffic": None},
        {"traffic": {"features": "none"}},
    ],
)
def test_what_is_no_table_of_its_own_is_compared_as_everything_else(observed):
    assert 'class="laid' not in laid_out({"other": "billed exactly"}, observed)


def test_the_companys_log_stands_beside_flexprice_by_day():
    part = laid_out(None, samples.traffic())
    assert cells(part) == [
        ["Cause", "Events", "What they are worth", "Some of them"],
        ["never arrived", "1,025", "about 3 usd not billed", "e-1 e-2"],
        ["late", "1", "not known", ""],
        ["Day", "Log", "Flexprice"],
        ["2026-11-01", "0", "0"],
        ["2026-11-02", "1,200", "1,200"],
        ["2026-11-03", "50", "25"],
    ]
    label = "Calls: the log has 1,250 events, Flexprice 1,225. Days that differ: 2026-11-03: 50 and 25."
    assert f'aria-label="{label}"' in part
    assert "log 1,250 · Flexprice 1,225 · differs on 1 of 3 days" in part
    assert "the window ends at noon" in part
    heights = [float(bar) for bar in re.findall(r'<rect [^>]*height="([\d.]+)"', part)]
    assert heights == [0, 0, 84, 84, 3.5, 1.75]


def test_a_comparison_without_causes_days_or_whole_series_is_still_a_page():
    assert "Nothing differs that is not accounted for." in laid_out(None, samples.traffic(causes=[]))
    assert "<rect" not in laid_out(None, samples.traffic(days=[]))
    long = trimmed(
        samples.traffic(
            days=[f"d{n}" for n in range(300)], features=[{"feature": "x", "log": [1] * 300, "flexprice": [2] * 300}]
        )
    )
    part = laid_out(None, long)
    assert part.count('<rect class="log"') == 200
    assert "more days." in part


CALCULATED = samples.INVOICE[0]


BILLED = samples.INVOICE[1]


INVOICE_HEAD = ["Line", "Quantity", "Calculation", "Calculated", "Billed", "Agreement"]


def test_an_invoice_stands_beside_its_calculation():
    part = laid_out(CALCULATED, BILLED)
    assert cells(part) == [
        INVOICE_HEAD,
        ["api.call billed as calls", "24.5", "24.5 × 0.15", "3.68", "3.68", "same ="],
        ["Fee", "1", "1 × 49", "49", "49.00", "same ="],
        ["tokens billed as completion", "3", "not verified: bucketed", "6", "7", ""],
        ["Subtotal", "58.68 usd", "59.68 usd", ""],
        ["Total", "", "59.68", ""],
    ]
    assert "number <b>INV-7</b>" in part
    assert "status <b>FINALIZED</b>" in part


def test_what_an_invoice_bills_wrongly_is_marked_where_somebody_is_to_blame():
    wrong = {**BILLED, "lines": {**BILLED["lines"], "Fee": "2 → 98", "extra": "1 → 1"}}
    assert "≠" not in laid_out(CALCULATED, wrong)
    own = cells(laid_out(CALCULATED, wrong, findings=[WRONG]))
    assert ["Fee", "1 billed 2", "1 × 49", "49", "98", "differs ≠"] in own
    assert ["extra", "1", "", "—", "1", "differs ≠"] in own
    # What could not be calculated cannot be wrong.
    sure = cells(laid_out(CALCULATED, BILLED, findings=[WRONG]))
    assert ["tokens billed as completion", "3", "not verified: bucketed", "6", "7", ""] in sure
    # Where the finding is told with another observation only lines with two sides can be at fault.
    others = cells(laid_out(CALCULATED, wrong, findings=[WRONG], blamed=False))
    assert ["Fee", "1 billed 2", "1 × 49", "49", "98", "differs ≠"] in others
    assert ["extra", "1", "", "—", "1", ""] in others


def test_lines_that_are_objects_are_an_invoice_too():
    expected = [
        {"line": "calls", "quantity": "5", "formula": "5 × 1", "amount": "5"},
        {"line": "seats", "quantity": "2", "amount": "4"},
    ]
    observed = [
        {"price_id": "p1", "display_name": "Seats", "quantity": "2.0", "amount": "3.00", "id": "x"},
        {"price_id": "p2", "display_name": "calls", "quantity": "5", "amount": "5.00"},
        "… 7 more",
    ]
    part = laid_out(expected, observed, findings=[WRONG])
    assert cells(part) == [
        INVOICE_HEAD,
        ["calls", "5", "5 × 1", "5", "5.00", "same ="],
        ["seats billed as Seats", "2", "", "4", "3.00", "differs ≠"],
    ]
    assert "Some lines are not shown." in part


def test_answers_of_a_handler_are_lists_and_a_matrix():
    wanted, told = samples.ANSWERS
    part = laid_out(wanted, told, findings=[WRONG])
    assert re.findall(r"<caption>(.*?)</caption>", part) == [
        "To be accepted",
        "To be refused",
        "Sent to find out a cause",
        "To be refused: forged messages of every type, however they are carried",
    ]
    assert cells(part) == [
        ["Message", "Answer"],
        ["extra field", "no answer within 15 s not as wanted ≠ 15.000 s"],
        ["control", "204 0.002 s"],
        ["Message", "Answer"],
        ["forged PUT", "201 not as wanted ≠ 0.010 s"],
        ["no headers", "401 0.010 s"],
        ["Message", "Answer"],
        ["signed wrong secret a.paid in svix headers as application/json", "200 0.010 s"],
        ["Event type", "Headers, content type", "unsigned", "wrong secret"],
        ["a.paid", "svix, application/json", "401 0.010 s", "200 not as wanted ≠ 0.010 s"],
        ["b.made", "webhook, no content type", "401 0.010 s", "not tried"],
    ]
    assert "≠" not in laid_out(wanted, told)


@pytest.mark.parametrize(
    ("expected", "observed"),
    [
        ({"lines": {"a": "free"}, "subtotal": "1 usd"}, {"lines": {"a": "1 → 1"}}),
        ({"lines": {"a": "1 → 1"}, "subtotal": "1 usd"}, {"lines": None}),
        ({"lines": {"a": "1 → 1"}, "subtotal": "1 usd"}, None),
        ([{"line": "a", "quantity": "1", "amount": "1"}], ["a"]),
        ([{"quantity": "1", "amount": "1"}], [{"quantity": "1", "amount": "1"}]),
        ([], []),
        ({"control": "accepted"}, {"control": "204"}),
        ({"control": "accepted"}, {"other": "204 (0.1 s)"}),
        ({"control": None}, {"control": "204 (0.1 s)"}),
    ],
)
def test_what_is_no_invoice_and_no_answer_is_compared_as_everything_else(expected, observed):
    assert 'class="laid' not in laid_out(expected, observed)


def test_layouts_escape_what_they_show():
    told = [{"cause": HOSTILE, "events": 1, "worth": HOSTILE, "examples": [HOSTILE]}]
    features = [{"feature": HOSTILE, "log": [1], "flexprice": [2]}]
    for expected, observed in [
        (None, samples.traffic(days=[HOSTILE], features=features, causes=told, notes=[HOSTILE])),
        (
            {
                "lines": {HOSTILE: f"1 → 1 = {HOSTILE} (not verified: {HOSTILE})"},
                "subtotal": HOSTILE,
            },
            {
                "lines": {f"x{HOSTILE}": "1 → 2"},
                "total": HOSTILE,
                "subtotal": HOSTILE,
                HOSTILE: HOSTILE,
            },
        ),
        (
            [
                {
                    "line": HOSTILE,
                    "formula": HOSTILE,
                    "quantity": HOSTILE,
                    "amount": HOSTILE,
                }
            ],
            [{"line": "x", "quantity": HOSTILE, "amount": HOSTILE}],
        ),
        ({HOSTILE: HOSTILE}, {HOSTILE: f"{HOSTILE} (0.1 s)"}),
        (
            {f"{HOSTILE} a in svix headers as {HOSTILE}": "refused"},
            {f"{HOSTILE} a in svix headers as {HOSTILE}": "200 (0.1 s)"},
        ),
        ({}, {f"{HOSTILE} · {HOSTILE} · {HOSTILE}": f"not reached ({HOSTILE})"}),
    ]:
        part = laid_out(expected, observed, HOSTILE)
        assert 'class="laid' in part
        assert "<img" not in part
        assert "<script" not in part
        assert not {"\x00", "\u202e"} & set(part)
