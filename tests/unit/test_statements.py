"""Whether a statement counts, branch by branch; the scenario and the verdict give the same answer."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.evidence.statements import attestation_for
from pytest_flexprice.model.checklist import BY_ID
from pytest_flexprice.model.finding import Severity
from pytest_flexprice.model.golive_plan import Attestation, Company, GoLivePlan
from pytest_flexprice.model.statements import digest_in, is_placeholder, last_day, standing
from pytest_flexprice.oracle import attestations

TODAY = date(2026, 11, 27)
GOOD = Attestation(
    item="8.1", statement="I read it weekly", by="Ada Byron", role="Head of Billing", on=TODAY, environment="prod"
)


def stated(**changes: Any) -> Attestation:
    """A statement that counts, but for these changes; unchecked, as if the plan had let them in."""
    return GOOD.model_copy(update=changes)


def there(name: str) -> bool:
    return name == "there.pdf"


BAD = {
    "nobody": ({"by": "nobody"}, "by = 'nobody' is a placeholder"),
    "no role": ({"role": "TBD"}, "role = 'TBD' is a placeholder"),
    "no sentence": ({"statement": "…"}, "statement = '…' is a placeholder"),
    "other environment": ({"environment": "sandbox"}, "is about environment 'sandbox', not 'prod'"),
    "future": ({"on": TODAY + timedelta(days=1)}, "is dated in the future, 2026-11-28"),
    "run out": ({"on": TODAY - timedelta(days=91)}, "is 91 days old and ran out on 2026-11-26"),
    "short": ({"on": TODAY - timedelta(days=2), "valid_days": 1}, "is 2 days old and ran out on 2026-11-26"),
    "no file": ({"evidence": "gone.pdf"}, "'gone.pdf' is neither a link nor a file beside the plan"),
    "no host": ({"evidence": "https://localhost/x"}, "'https://localhost/x' is no address that anybody could open"),
    "no address": ({"evidence": "https://[x"}, "'https://[x' is no address that anybody could open"),
}


@pytest.mark.parametrize(("changes", "says"), BAD.values(), ids=BAD)
def test_what_does_not_count_says_why(changes: dict[str, Any], says: str) -> None:
    found = standing(stated(**changes), "prod", TODAY, there)
    assert not found.counts
    assert says in found.problem
    assert found.remedy
    assert found.undecided is ("evidence" not in changes)  # somebody did decide, and it cannot be looked at


def test_a_file_that_cannot_be_read_has_no_digest(tmp_path: Path) -> None:
    assert digest_in(tmp_path)("gone.pdf") == ""


def digest(name: str) -> str:
    return hashlib.sha256().hexdigest() if there(name) else ""


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"evidence": "there.pdf", "evidence_sha256": hashlib.sha256().hexdigest()}, True),
        ({"evidence": "there.pdf", "evidence_sha256": "0" * 64}, False),
        ({"evidence": "https://wiki.acme.example/x", "evidence_sha256": "0" * 64}, False),
        ({"evidence_sha256": "0" * 64}, False),
    ],
)
def test_evidence_is_the_very_file_that_was_stated(changes: dict[str, Any], counts: bool, tmp_path: Path) -> None:
    (tmp_path / "there.pdf").touch()
    one = stated(**changes)
    found = standing(one, "prod", TODAY, there, digest=digest)
    assert found.counts is counts
    assert counts or ("its SHA-256 is another one" in found.problem and not found.undecided)
    plan = GoLivePlan.model_construct(company=Company(name="Acme"), attestations=(one,), path=tmp_path / "golive.toml")
    assert (attestation_for(BY_ID["8.1"], plan, "prod", TODAY) is not None) is counts


FINE = {
    "today": {},
    "any environment": {"environment": ""},
    "last day": {"on": TODAY - timedelta(days=90)},
    "file": {"evidence": "there.pdf"},
    "link": {"evidence": " https://wiki.acme.example/status "},
}


@pytest.mark.parametrize("changes", FINE.values(), ids=FINE)
def test_what_counts(changes: dict[str, Any]) -> None:
    assert standing(stated(**changes), "prod", TODAY, there).counts


@pytest.mark.parametrize(("left", "told"), [(0, True), (14, True), (15, False)])
def test_its_end_is_told_in_time(left: int, told: bool) -> None:
    one = stated(on=TODAY, valid_days=left) if left else stated(on=TODAY - timedelta(days=90))
    found = standing(one, "prod", TODAY, there)
    assert (found.runs_out == last_day(one)) is told
    (warning,) = attestations.check("8.1", [one], "prod", TODAY, Path()) or [None]
    assert (warning is not None and warning.severity is Severity.WARNING) is told


@pytest.mark.parametrize(
    "changes",
    [*(changes for changes, _ in BAD.values()), *FINE.values()],
    ids=[*BAD, *(f"{name}, good" for name in FINE)],
)
def test_scenario_and_verdict_agree(changes: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "there.pdf").touch()
    one = stated(**changes)
    plan = GoLivePlan.model_construct(company=Company(name="Acme"), attestations=(one,), path=tmp_path / "golive.toml")
    errors = [
        each for each in attestations.check("8.1", [one], "prod", TODAY, tmp_path) if each.severity is Severity.ERROR
    ]
    assert (attestation_for(BY_ID["8.1"], plan, "prod", TODAY) is None) is bool(errors)


def test_without_an_environment_it_counts_only_where_there_is_one() -> None:
    alone, among = (standing(stated(environment=""), "prod", TODAY, there, alone=alone) for alone in (True, False))
    assert alone.counts
    assert "names no environment, and the plan has several" in among.problem
    assert 'environment = "prod"' in among.remedy


def test_one_good_statement_is_enough() -> None:
    assert attestations.check("8.1", [stated(by="nobody"), stated()], "prod", TODAY, Path()) == []


def test_without_any_statement_nobody_answers() -> None:
    (finding,) = attestations.check("8.1", [], "prod", TODAY, Path())
    assert "nobody answers for item 8.1" in finding.problem


@pytest.mark.parametrize(
    "text",
    ["", "TODO", "to do", "tbd", "N/A", "???", "-", "xxx", "None", "nobody", "Someone", "(TBD)", "<name>", "…", "_"],
)
def test_placeholders(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize(
    "text", ["Ada Byron", "Bo", "Nadia", "X. Li", "Tester of billing", "Max Noname", "陳大文", "QA", "Ops"]
)
def test_names_are_no_placeholders(text: str) -> None:
    assert not is_placeholder(text)


@given(st.text(max_size=20))
def test_blanks_and_signs_around_a_text_change_nothing(text: str) -> None:
    assert is_placeholder(text) == is_placeholder(f" <{text}>… ")
