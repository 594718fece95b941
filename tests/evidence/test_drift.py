"""What changed since the last run is told on its day and only then; what one of two runs did not look at is no change."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.evidence import history
from pytest_flexprice.evidence.document import Document
from pytest_flexprice.evidence.drift import Drift, compare, told
from pytest_flexprice.evidence.facts import ENDS, MOST_FACTS, ending, flat
from pytest_flexprice.evidence.records import FindingRecord, ObservationRecord, ScenarioRecord, WaitRecord
from pytest_flexprice.evidence.report import as_html, as_json, as_markdown
from pytest_flexprice.evidence.terminal import drift_line
from pytest_flexprice.model.finding import Finding

from . import samples

FIRST = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)


def missing(run_id: str, name: str = "c-1") -> ScenarioRecord:
    finding = Finding("4.1", "row 1", f"customer '{name}' is missing, made by golive-{run_id.lower()}-test")
    return samples.scenario("4.1", outcome="failed", findings=[FindingRecord.of(finding, "4.1")], findings_total=1)


def seen(number: str, title: str, facts: dict[str, str], **changes: object) -> ScenarioRecord:
    return samples.scenario(number, observations=[ObservationRecord(title=title, at=FIRST, facts=facts)], **changes)


class Nightly:
    """Runs one after the other, in one history folder, as a CI makes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ends: dict[str, date] = {}

    def run(self, day: int, *special: ScenarioRecord, level: str = "read") -> Drift | None:
        moment = FIRST + timedelta(days=day)
        document = samples.run(*special)
        run = samples.provenance(run_id=f"{moment:%Y%m%dT%H%M%SZ}-abcd", finished=moment, level=level)
        seen_now = history.baseline_of(run, document.verdict, document.scenarios)
        line = history.line_of(run, document.verdict, document.scenarios)
        before, earlier = history.read_baseline(self.folder, level), history.read_runs(self.folder, level)
        history.remember(self.folder, seen_now, line)
        return (
            compare(before, seen_now, runs=earlier, line=line, ends=self.ends, today=moment.date()) if before else None
        )


def test_what_a_run_saw_to_end_by_itself_has_its_last_day() -> None:
    seen_now = {
        ENDS: {"the certificate of b.acme.example": "2026-12-11", "the key of x": "never"},
        "prices": {"a": "2026-12-11"},
    }
    assert ending(seen_now) == {"the certificate of b.acme.example": date(2026, 12, 11)}


@pytest.fixture
def nightly(tmp_path: Path) -> Nightly:
    return Nightly(tmp_path / "history")


def test_the_first_run_has_nothing_to_compare_with(nightly: Nightly) -> None:
    assert nightly.run(0) is None


def test_a_month_of_nights_tells_five_changes_each_on_its_day(nightly: Nightly) -> None:
    nightly.ends = {"the waiver of 1.4": (FIRST + timedelta(days=40)).date()}
    days: dict[int, list[str]] = {}
    for day in range(31):
        amount = "0.00003" if day < 4 else "0.00004"
        customers = {f"acct_{number}": "exists" for number in range(20 if day < 9 else 19)}
        state = {"outcome": "failed"} if day == 13 else {}
        seconds = 0.4 if day < 18 else 9.5
        scenarios = [
            seen("2.1", "prices in force", {"plans.pro.prices.0.amount": amount}),
            seen("4.1", "customers", customers),
            samples.scenario("6.1", **state),
            samples.scenario("7.2", waits=[WaitRecord(what="usage is counted", seconds=seconds, met=True)]),
        ]
        drift = nightly.run(day, *scenarios)
        if drift is not None and not drift.nothing:
            days[day] = list(told(drift))
    assert days == {
        4: ["prices in force: plans.pro.prices.0.amount: 0.00003 → 0.00004"],
        9: ["customers: acct_19: exists → nothing"],
        13: ["6.1: passed → failed"],
        14: ["6.1: failed → passed"],
        18: ["slower: usage is counted took 9.5 s, usually 0.4 s"],
        26: ["the waiver of 1.4 ends in 14 days, on 2026-12-11"],
    }
    assert len((nightly.folder / history.RUNS).read_text().splitlines()) == 31


def test_an_item_that_broke_is_told_with_what_is_new(nightly: Nightly) -> None:
    nightly.run(0)
    found = nightly.run(1, missing("20261102T020000Z-abcd"))
    assert found is not None
    assert [(one.item, one.before, one.now) for one in found.changes] == [("4.1", "passed", "failed")]
    assert found.changes[0].appeared == ["customer 'c-1' is missing, made by golive-…-test."]
    assert drift_line(found) == "Since 20261101T020000Z-abcd: 4.1: passed → failed."


def test_the_same_trouble_again_is_no_change(nightly: Nightly) -> None:
    nightly.run(0, missing("20261101T020000Z-abcd"))
    found = nightly.run(1, missing("20261102T020000Z-abcd"))
    assert found is not None
    assert found.nothing
    assert drift_line(found).endswith("nothing changed.")


def test_other_findings_of_an_item_that_fails_still_are_told(nightly: Nightly) -> None:
    nightly.run(0, missing("20261101T020000Z-abcd", "c-1"))
    found = nightly.run(1, missing("20261102T020000Z-abcd", "c-2"))
    assert found is not None
    (change,) = found.changes
    assert (change.before, change.now, len(change.appeared), len(change.gone)) == ("failed", "failed", 1, 1)


def test_what_a_run_did_not_look_at_stays_known(nightly: Nightly) -> None:
    facts = {"due_date_days": "1"}
    nightly.run(0, seen("5.1", "settings", facts))
    assert nightly.run(1) == Drift(since="20261101T020000Z-abcd")
    found = nightly.run(2, seen("5.1", "settings", {"due_date_days": "30"}))
    assert found is not None
    assert list(told(found)) == ["settings: due_date_days: 1 → 30"]


def test_another_level_is_another_history(nightly: Nightly) -> None:
    nightly.run(0, level="read")
    assert nightly.run(1, level="smoke") is None


def test_a_damaged_history_is_no_trouble(nightly: Nightly) -> None:
    nightly.run(0)
    (nightly.folder / "read.json").write_text("{")
    with (nightly.folder / history.RUNS).open("a") as file:
        file.write('{"run_id":\n')
    assert nightly.run(1) is None
    assert nightly.run(2) == Drift(since="20261102T020000Z-abcd")


def test_a_golive_json_and_a_history_file_may_be_the_baseline(nightly: Nightly, tmp_path: Path) -> None:
    nightly.run(0)
    document = tmp_path / "golive.json"
    document.write_text(as_json(samples.run(missing("x"))))
    assert history.given_baseline(nightly.folder / "read.json").states["4.1"] == "passed"
    assert history.given_baseline(document).states["4.1"] == "failed"
    document.write_text("[]")
    with pytest.raises(history.BaselineError, match="this is no baseline"):
        history.given_baseline(document)
    with pytest.raises(history.BaselineError, match="cannot be read"):
        history.given_baseline(tmp_path / "absent.json")


def changed() -> Document:
    before = history.Baseline(run_id="20261121T01Z-a", finished=FIRST, level="smoke", states={"4.1": "passed"})
    before.facts = {"prices": {"amount": "1", "<b>": "x"}}
    now = before.model_copy(update={"states": {"4.1": "failed"}, "facts": {"prices": {"amount": "2", "<b>": "x"}}})
    lines = [
        history.RunLine(run_id=str(n), finished=FIRST, level="smoke", label="READY", exit_code=0, waits={"a wait": 1.0})
        for n in range(9)
    ]
    slow = lines[0].model_copy(update={"waits": {"a wait": 30.0}})
    found = compare(before, now, runs=lines, line=slow, ends={"the waiver of 1.4": FIRST.date()}, today=FIRST.date())
    return samples.run().model_copy(update={"drift": found})


def test_changes_are_in_every_rendering() -> None:
    document = changed()
    markdown, html = as_markdown(document), as_html(document)
    for text in ("prices: amount: 1 → 2", "slower: a wait took 30 s"):
        assert text in markdown
    assert "nothing else that both runs looked at moved" in markdown
    assert "Nothing else that both runs looked at moved" in html
    quiet = document.model_copy(update={"drift": Drift(since="x")})
    assert "Nothing else" not in as_html(quiet)
    assert "nothing changed" in as_markdown(quiet)
    assert "nothing else" not in as_markdown(quiet)
    assert markdown.index("Since the run") < markdown.index("| Item |")
    assert "Since the run 20261121T01Z-a" in html
    assert "<polyline" in html
    assert json.loads(as_json(document))["drift"]["facts"][0]["now"] == "2"


@given(
    st.dictionaries(
        st.text(max_size=5), st.recursive(st.integers(), lambda inner: st.lists(inner, max_size=3)), max_size=6
    )
)
def test_equal_facts_are_no_change_and_others_are(values: dict[str, object]) -> None:
    one = flat(values)
    assert flat(json.loads(json.dumps(values))) == one
    assert flat({**values, "another": 1}) != one


def test_many_facts_become_their_number_and_digest() -> None:
    many = flat({str(number): "exists" for number in range(MOST_FACTS + 1)})
    assert many["how many"] == "20,001"
    assert many != flat({str(number + 1): "exists" for number in range(MOST_FACTS + 1)})


def test_a_new_or_vanished_object_is_one_change() -> None:
    first = {"features": {"a": {"type": "metered", "meter": {"field": "x"}}}, "auto": True}
    second = {
        "features": {"a": {"type": "metered", "meter": {"field": "y"}}, "b.c": {"type": "static", "name": "B"}},
        "auto": False,
    }
    one = history.Baseline(run_id="1", finished=FIRST, level="read", states={}, facts={"catalog": flat(first)})
    two = one.model_copy(update={"run_id": "2", "facts": {"catalog": flat(second)}})
    changes = [tuple(compare_facts(*pair)) for pair in ((one, two), (two, one))]
    assert changes[0] == ("auto: true → false", "features.a.meter.field: x → y", "features.b.c: nothing → there")
    assert changes[1] == ("auto: false → true", "features.a.meter.field: y → x", "features.b.c: there → nothing")


def compare_facts(before: history.Baseline, now: history.Baseline) -> list[str]:
    line = history.RunLine(run_id="2", finished=FIRST, level="read", label="READY", exit_code=0, waits={})
    found = compare(before, now, runs=[], line=line, ends={}, today=FIRST.date())
    return [f"{fact.path}: {fact.before} → {fact.now}" for fact in found.facts]
