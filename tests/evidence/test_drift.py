"""What changed since the last run: told by item and by finding, never by a run's own ids."""

import json

import pytest

from pytest_flexprice.evidence.drift import drift
from pytest_flexprice.evidence.records import FindingRecord
from pytest_flexprice.evidence.report import as_html, as_json, as_markdown
from pytest_flexprice.evidence.terminal import drift_line
from pytest_flexprice.model.finding import Finding

from . import samples


@pytest.fixture
def reports(tmp_path):
    """Leaves a run's document in the environment's folder."""

    def leave(run_id, document):
        folder = tmp_path / "prod" / run_id
        folder.mkdir(parents=True)
        text = as_json(document.model_copy(update={"run": samples.provenance(run_id=run_id)}))
        (folder / "golive.json").write_text(text, encoding="utf-8")

    return leave


def missing(number, run_id, name="c-1"):
    finding = Finding("4.1", f"row {number}", f"customer '{name}' is missing, made by golive-{run_id.lower()}-test")
    record = FindingRecord.of(finding, "4.1")
    return samples.scenario("4.1", outcome="failed", findings=[record], findings_total=1)


def compared(tmp_path, run_id, document):
    return drift(tmp_path / "prod" / run_id, run_id, document.verdict, document.scenarios)


def test_the_first_run_has_nothing_to_compare_with(tmp_path):
    assert compared(tmp_path, "20261122T01Z-a", samples.run()) is None


def test_an_item_that_broke_is_told_with_what_is_new(tmp_path, reports):
    reports("20261121T01Z-a", samples.run())
    broken = samples.run(missing(1, "20261122T01Z-b"))
    found = compared(tmp_path, "20261122T01Z-b", broken)
    assert found.since == "20261121T01Z-a"
    assert [(one.item, one.before, one.now) for one in found.changes] == [("4.1", "passed", "failed")]
    assert found.changes[0].appeared == ["customer 'c-1' is missing, made by golive-…-test."]
    assert drift_line(found) == "Since 20261121T01Z-a: 4.1 passed → failed."


def test_the_same_trouble_again_is_no_change(tmp_path, reports):
    reports("20261121T01Z-a", samples.run(missing(1, "20261121T01Z-a")))
    found = compared(tmp_path, "20261122T01Z-b", samples.run(missing(1, "20261122T01Z-b")))
    assert found.changes == []
    assert drift_line(found).endswith("nothing changed.")


def test_other_findings_of_an_item_that_fails_still_are_told(tmp_path, reports):
    reports("20261121T01Z-a", samples.run(missing(1, "20261121T01Z-a", "old")))
    (change,) = compared(tmp_path, "20261122T01Z-b", samples.run(missing(1, "20261122T01Z-b", "new"))).changes
    assert (change.before, change.now) == ("failed", "failed")
    assert "'new'" in change.appeared[0]
    assert "'old'" in change.gone[0]


def test_a_run_that_went_less_far_is_no_drift(tmp_path, reports):
    reports("20261121T01Z-a", samples.run())
    assert compared(tmp_path, "20261122T01Z-b", samples.run(level=samples.Level.READ)).changes == []


def test_the_newest_earlier_run_counts_and_an_unreadable_one_is_passed_over(tmp_path, reports):
    reports("20261119T01Z-a", samples.run(missing(1, "x")))
    reports("20261120T01Z-a", samples.run())
    reports("20261123T01Z-later", samples.run(missing(1, "x")))
    broken = tmp_path / "prod" / "20261121T01Z-a"
    broken.mkdir()
    (broken / "golive.json").write_text('{"run": ')
    assert compared(tmp_path, "20261122T01Z-b", samples.run()).since == "20261120T01Z-a"


def test_page_and_ticket_show_it(tmp_path, reports):
    reports("20261121T01Z-a", samples.run())
    document = samples.run(missing(1, "20261122T01Z-b"))
    document.drift = compared(tmp_path, "20261122T01Z-b", document)
    page = as_html(document)
    assert "Since the run 20261121T01Z-a" in page
    assert "Customer &#39;c-1&#39; is missing" in page
    assert "- 4.1: passed → failed; 1 new\n" in as_markdown(document)
    document.drift.changes.clear()
    assert "Nothing changed." in as_html(document)


def test_a_document_of_another_version_is_read_as_far_as_it_goes(tmp_path):
    folder = tmp_path / "prod" / "20261121T01Z-a"
    folder.mkdir(parents=True)
    told = {
        "run": {"run_id": "20261121T01Z-a"},
        "verdict": {"items": [{"id": "4.1", "state": "failed"}]},
        "scenarios": [{"findings": [{"item": "4.1", "sentence": "it was wrong.", "unknown": 1}]}, {}],
    }
    (folder / "golive.json").write_text(json.dumps(told))
    (change,) = compared(tmp_path, "20261122T01Z-b", samples.run()).changes
    assert (change.item, change.before, change.now, change.gone) == ("4.1", "failed", "passed", ["it was wrong."])
