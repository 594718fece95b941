"""A run as a CI tells it: changes as a text, red items as annotations on the plan's lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_flexprice.evidence.__main__ import main
from pytest_flexprice.evidence.ci_words import annotated, changes, line_of, quality
from pytest_flexprice.evidence.drift import Drift
from pytest_flexprice.evidence.records import FindingRecord
from pytest_flexprice.evidence.report import as_json
from pytest_flexprice.model.finding import Finding

from . import samples
from .test_drift import changed

PLAN = """[company]
name = "Acme"

[environments.prod]
base_url = "https://us.api.flexprice.io"

[[events]]
name = "a"

[invoicing]
decided_by = "Sam Okoye"
"""


def test_changes_are_a_short_text_and_a_quiet_night_is_quiet() -> None:
    document = changed()
    text = changes(document)
    assert text.splitlines()[0].startswith("READY: Acme, prod. Since the run ")
    assert "• prices: amount: 1 → 2" in text
    assert text.endswith("https://ci.acme.example/runs/4711\n")
    assert changes(document.model_copy(update={"drift": Drift(since="x")})) == ""
    assert changes(samples.run()) == ""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("invoicing.decided_by", 11),
        ("invoicing.seconded_by", 10),
        ("environments.prod.base_url", 5),
        ("environments.prod", 4),
        ("events", 7),
        ("webhooks.endpoint", 1),
        ("invoicings", 1),
    ],
)
def test_the_line_of_a_key_or_its_table(key: str, line: int) -> None:
    assert line_of(PLAN.splitlines(), key) == line


def red(number: str, path: str, problem: str) -> samples.ScenarioRecord:
    record = FindingRecord.of(Finding(number, path, problem), number)
    return samples.scenario(number, outcome="failed", findings=[record], findings_total=1)


def test_red_items_are_annotated_where_they_stand() -> None:
    document = samples.run(
        red("5.1", "golive.toml: invoicing.decided_by", "100% wrong,\nreally"),
        red("4.1", "row", "plan 'x' is declared (golive/customers.csv:4) and missing"),
        red("2.2", "events.a", "no meter"),
    )
    assert list(annotated(document, PLAN, "golive.toml")) == [
        "::error file=golive.toml,line=7,title=2.2 Every event name the application sends is active%2C byte for byte%3A failed::No meter.",
        "::error file=golive/customers.csv,line=4,title=4.1 Customers exist under the external ids that the event pipeline sends%3A "
        "failed::Plan 'x' is declared (golive/customers.csv:4) and missing.",
        "::error file=golive.toml,line=11,title=5.1 Grace period and auto-cancel have been reviewed%3A failed::100%25 wrong,%0Areally.",
    ]
    assert [each.split(" ")[0] for each in annotated(samples.troubled(), PLAN, "x.toml")] == [
        "::warning",
        "::error",
        "::error",
    ]
    assert list(annotated(samples.run(), PLAN, "golive.toml")) == []


def test_gitlab_reads_the_same_as_a_code_quality_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = samples.run(red("5.1", "golive.toml: invoicing.decided_by", "wrong"), red("2.2", "events.a", "no meter"))
    (tmp_path / "golive.json").write_text(as_json(document), encoding="utf-8")
    plan = tmp_path / "golive.toml"
    plan.write_text(PLAN, encoding="utf-8")
    assert main(["annotations", str(tmp_path), "--format", "gitlab", "--plan", str(plan)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["check_name"], row["location"]["lines"]["begin"]) for row in rows] == [
        ("go-live 2.2", 7),
        ("go-live 5.1", 11),
    ]
    assert {row["severity"] for row in rows} == {"critical"}
    assert len({row["fingerprint"] for row in rows}) == 2
    again = quality(
        samples.run(red("5.1", "golive.toml: invoicing.decided_by", "otherwise wrong")), PLAN, "golive.toml"
    )
    assert again[0]["fingerprint"] == rows[1]["fingerprint"]
    assert quality(samples.run(), PLAN, "golive.toml") == []


def test_the_commands_print_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "golive.json").write_text(as_json(changed()), encoding="utf-8")
    assert main(["changes", str(tmp_path)]) == 0
    assert "• prices: amount: 1 → 2" in capsys.readouterr().out
    (tmp_path / "golive.json").write_text(as_json(samples.troubled()), encoding="utf-8")
    assert main(["annotations", str(tmp_path), "--plan", str(tmp_path / "absent.toml")]) == 0
    assert capsys.readouterr().out.count("::error file=") == 2
    (tmp_path / "golive.json").write_text("{", encoding="utf-8")
    assert main(["changes", str(tmp_path)]) == 2
    assert "there is no golive.json that can be read" in capsys.readouterr().err
    assert main(["annotations", str(tmp_path / "gone.zip")]) == 2
