"""Ways to tamper with the files of evidence and with what the run says of itself; each is told in one sentence."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.evidence.gate import ReleaseGate
from pytest_flexprice.evidence.opened import NoEvidence

from .tampered import edit, look, render_again, run_signed, sum_again


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Path:
    """The zip of another signed run of the same environment and level."""
    (archive,) = run_signed(tmp_path_factory.mktemp("later"), keys).folder.glob("*.zip")
    return archive


def taken_from(archive: Path, name: str) -> bytes:
    with zipfile.ZipFile(archive) as opened:
        return opened.read(name)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["golive.html"], "golive.html was changed after the run"),
        (["golive.json"], "golive.json was changed after the run"),
        (["statement.json", "statement.dsse.json"], "statement.json is about another manifest"),
        (["statement.json"], "statement.json is about another manifest"),
        (["manifest.json"], "statement.json is about another manifest"),
        (["manifest.json", "SHA256SUMS", "statement.json", "statement.dsse.json"], "was changed after the run"),
        (["golive.json", "golive.md", "golive.html", "junit.xml"], "manifest.json says run_id"),
    ],
)
def test_files_of_another_run_are_told(unpacked: Path, later: Path, keys: Path, names: list[str], words: str) -> None:
    for name in names:
        (unpacked / name).write_bytes(taken_from(later, name))
    for gate in (ReleaseGate(), ReleaseGate(key=keys / "company.pub.pem")):
        found = look(unpacked, gate)
        assert found.exit_code == 2
        assert any(words in sentence for sentence in found.damage), found.damage


def test_a_signature_of_another_run_is_told_also_without_the_key(unpacked: Path, later: Path, keys: Path) -> None:
    (unpacked / "statement.dsse.json").write_bytes(taken_from(later, "statement.dsse.json"))
    (told,) = look(unpacked, ReleaseGate(key=keys / "company.pub.pem")).damage
    assert "is on another statement" in told
    (told,) = look(unpacked).misses
    assert "is on another statement" in told


def stripped(folder: Path) -> None:
    (folder / "statement.dsse.json").unlink()


def unreadable_signature(folder: Path) -> None:
    (folder / "statement.dsse.json").write_text("[]")


def in_a_subfolder(folder: Path) -> None:
    (folder / "allure-results" / "plugin").mkdir()
    (folder / "allure-results" / "plugin" / "index.html").write_text("READY")


def hidden_file(folder: Path) -> None:
    (folder / ".approved").write_text("READY")


def another_zip(folder: Path) -> None:
    (folder / "allure-results" / "golive-evidence-prod.zip").write_bytes(b"PK")


def other_case(folder: Path) -> None:
    (folder / "golive.html").rename(folder / "GOLIVE.HTML")


def listed_twice(folder: Path) -> None:
    edit(folder / "manifest.json", lambda manifest: manifest["files"].append(dict(manifest["files"][0])))
    sum_again(folder)


def one_key_twice(folder: Path) -> None:
    text = (folder / "golive.json").read_text()
    (folder / "golive.json").write_text(text.replace('"word":', '"word": "READY", "word":', 1))
    sum_again(folder)


def fewer_sums(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(lines[3:]))


def sums_in_another_order(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(reversed(lines)))


def sums_of_another_system(folder: Path) -> None:
    content = (folder / "SHA256SUMS").read_bytes()
    (folder / "SHA256SUMS").write_bytes(content.replace(b"\n", b"\r\n"))


def sums_with_wider_gaps(folder: Path) -> None:
    text = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(text.replace("  ", "   "))


def _envelope(change: Callable[[Any], None]) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "statement.dsse.json", change)


def a_word_beside_the_signature(folder: Path) -> None:
    _envelope(lambda envelope: envelope.update(approved="READY"))(folder)


def a_strangers_signature_beside(folder: Path) -> None:
    _envelope(lambda envelope: envelope["signatures"].append({"keyid": "x", "sig": "AAAA"}))(folder)


def no_signature_in_the_envelope(folder: Path) -> None:
    _envelope(lambda envelope: envelope.update(signatures=[]))(folder)


def another_kind_of_payload(folder: Path) -> None:
    _envelope(lambda envelope: envelope.update(payloadType="text/plain"))(folder)


def allure_results_exchanged(folder: Path) -> None:
    first, second = sorted((folder / "allure-results").glob("*-result.json"))[:2]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


def report_left_out(folder: Path) -> None:
    (folder / "golive.html").unlink()

    def without(manifest: Any) -> None:
        manifest["left_out"] = ["golive.html"]

    edit(folder / "manifest.json", without)
    edit(folder / "statement.json", lambda stated: stated)


def no_report_at_all(folder: Path) -> None:
    (folder / "golive.html").unlink()

    def without(manifest: Any) -> None:
        manifest["files"] = [row for row in manifest["files"] if row["file"] != "golive.html"]

    edit(folder / "manifest.json", without)
    sum_again(folder)


def no_rehearsal_in_the_manifest(folder: Path) -> None:
    edit(folder / "manifest.json", lambda manifest: manifest.update(rehearsal=False))
    sum_again(folder)


def no_verdict_in_the_manifest(folder: Path) -> None:
    edit(folder / "manifest.json", lambda manifest: manifest.pop("verdict"))
    sum_again(folder)


def fewer_exchanges(folder: Path) -> None:
    with (folder / "exchanges.ndjson").open("a") as file:
        file.write('{"method":"GET"}\n')
    sum_again(folder)


def _document(change: Callable[[Any], None]) -> Callable[[Path], None]:
    """Everything made again from a golive.json that says something else."""

    def tamper(folder: Path) -> None:
        edit(folder / "golive.json", change)
        render_again(folder)

    return tamper


def a_month_later(document: Any, *names: str) -> None:
    for name in names:
        moment = datetime.fromisoformat(document["run"][name]) + timedelta(days=30)
        document["run"][name] = moment.isoformat().replace("+00:00", "Z")


def later_end(document: Any) -> None:
    a_month_later(document, "finished")


def later_run(document: Any) -> None:
    a_month_later(document, "started", "finished")


def other_zone(document: Any) -> None:
    moment = datetime.fromisoformat(document["run"]["finished"])
    document["run"]["finished"] = moment.replace(tzinfo=None).isoformat() + "-12:00"


def no_zone(document: Any) -> None:
    document["run"]["finished"] = document["run"]["finished"].removesuffix("Z")


def higher_level(document: Any) -> None:
    document["run"]["level"] = "smoke"
    for item in document["verdict"]["items"]:
        if item["state"] == "not run" and item["level"] == "smoke":
            item["state"] = "passed"


def passed_above(document: Any) -> None:
    next(item for item in document["verdict"]["items"] if item["id"] == "7.4")["state"] = "passed"


def no_such_level(document: Any) -> None:
    document["run"]["level"] = "everything"


def fewer_items(document: Any) -> None:
    document["verdict"]["items"] = [item for item in document["verdict"]["items"] if item["state"] != "not run"]


def no_rehearsal(document: Any) -> None:
    document["run"].update(rehearsal=False, environment="prod")


def local_for_real(document: Any) -> None:
    document["run"]["rehearsal"] = document["verdict"]["rehearsal"] = False
    document["verdict"].update(word="INCOMPLETE", label="INCOMPLETE")


def another_label(document: Any) -> None:
    document["verdict"]["label"] = "READY"


def never_ended(document: Any) -> None:
    document["ended"] = False


def _good(document: Any) -> Any:
    return next(one for one in document["scenarios"] if one["outcome"] in ("passed", "attested"))


def a_step_that_failed(document: Any) -> None:
    _good(document)["steps"][-1]["status"] = "failed"


def an_error_that_was_found(document: Any) -> None:
    good = _good(document)
    good["findings"] = [{"item": good["items"][0], "path": "plan", "problem": "it is wrong", "sentence": "it is wrong"}]


def an_ended_waiver(document: Any) -> None:
    verdict = document["verdict"]
    item = next(one for one in verdict["items"] if one["state"] == "not run")
    item["state"] = "waived"
    item["waiver"] = {"item": item["id"], "reason": "r", "owner": "o", "approved_by": "a", "until": "2020-01-01"}
    verdict["counts"] = {"attested": 0} | {one["state"]: 0 for one in verdict["items"]}
    for one in verdict["items"]:
        verdict["counts"][one["state"]] += 1


FILES: dict[Callable[[Path], None], str] = {
    stripped: "nobody signed this evidence as it is",
    unreadable_signature: "statement.dsse.json cannot be read",
    in_a_subfolder: "allure-results/plugin/index.html was added",
    hidden_file: ".approved was added",
    another_zip: "allure-results/golive-evidence-prod.zip was added",
    other_case: "GOLIVE.HTML was added",
    listed_twice: "manifest.json lists a file twice",
    one_key_twice: "golive.json is missing or is no document",
    fewer_sums: "SHA256SUMS does not name every file",
    sums_in_another_order: "SHA256SUMS does not name every file",
    sums_of_another_system: "1 files, such as SHA256SUMS, have line ends (CRLF)",
    sums_with_wider_gaps: "SHA256SUMS does not name every file",
    a_word_beside_the_signature: "holds something else than one signature",
    a_strangers_signature_beside: "holds something else than one signature",
    no_signature_in_the_envelope: "holds something else than one signature",
    another_kind_of_payload: "holds something else than one signature",
    allure_results_exchanged: "-result.json was changed after the run",
    report_left_out: "golive.html was left out to keep the zip small, which no run leaves out",
    no_report_at_all: "golive.html is not in manifest.json",
    no_rehearsal_in_the_manifest: "manifest.json says rehearsal 'False', golive.json says 'True'",
    no_verdict_in_the_manifest: "manifest.json says verdict 'None', golive.json says",
    fewer_exchanges: "exchanges.ndjson does not hold the",
}
SAYINGS: dict[Callable[[Any], None], str] = {
    later_end: "which is not from its start to its end",
    later_run: "which is not when its id was made",
    other_zone: "a run writes all times in UTC",
    no_zone: "a run writes all times in UTC",
    higher_level: "passed, although no scenario of it passed",
    passed_above: "passed, which needs level smoke and ran at lint",
    no_such_level: "at level 'everything', which is none",
    fewer_items: "does not hold every item of the checklist once",
    no_rehearsal: "a rehearsal in one place and not in another",
    local_for_real: "a rehearsal in one place and not in another",
    another_label: "golive.json says REHEARSAL and is headed READY",
    a_step_that_failed: "although a step of it did not pass",
    an_error_that_was_found: "although a step of it did not pass or an error was found",
    an_ended_waiver: "waived, although that ended on 2020-01-01",
    never_ended: "that began and never ended",
}


@pytest.mark.parametrize("tamper", FILES, ids=lambda tamper: tamper.__name__)
def test_each_way_to_tamper_with_files_is_told(unpacked: Path, tamper: Callable[[Path], None]) -> None:
    tamper(unpacked)
    found = look(unpacked)
    assert found.exit_code == 2
    assert any(FILES[tamper] in sentence for sentence in found.damage), found.damage


@pytest.mark.parametrize("change", SAYINGS, ids=lambda change: change.__name__)
def test_what_cannot_be_true_together_is_told_though_everything_was_made_again(
    unpacked: Path, change: Callable[[Any], None]
) -> None:
    _document(change)(unpacked)
    (unpacked / "statement.dsse.json").unlink(missing_ok=True)
    found = look(unpacked)
    assert found.exit_code == 2
    assert any(SAYINGS[change] in sentence for sentence in found.damage), found.damage


def less_told(document: Any) -> None:
    """A scenario goes everywhere that it is spoken of."""
    gone = next(one for one in document["scenarios"] if one["outcome"] == "not run")["node_id"]
    document["scenarios"] = [one for one in document["scenarios"] if one["node_id"] != gone]
    for item in document["verdict"]["items"]:
        item["scenarios"] = [one for one in item["scenarios"] if one != gone]


def other_features(document: Any) -> None:
    document["run"]["features"][0]["sha256"] = "0" * 64


@pytest.mark.parametrize(
    ("change", "words"),
    [(less_told, "a scenario that every run of this version tells of"), (other_features, "other feature files than")],
    ids=["less told", "other features"],
)
def test_what_this_version_would_not_leave_out_is_missed(
    unpacked: Path, keys: Path, change: Callable[[Any], None], words: str
) -> None:
    _document(change)(unpacked)
    found = look(unpacked)
    assert (found.damage, found.exit_code) == ([], 1)
    assert [sentence for sentence in found.misses if words in sentence]
    assert look(unpacked, ReleaseGate(key=keys / "company.pub.pem")).exit_code == 2


def test_another_version_is_no_way_around_the_pages(unpacked: Path, keys: Path) -> None:
    """Whoever writes another version into golive.json switches off what only the same version can tell."""

    def older(document: Any) -> None:
        document["run"]["versions"]["pytest-flexprice"] = "0.0.1"

    edit(unpacked / "golive.json", older)
    page = unpacked / "golive.html"
    page.write_bytes(page.read_bytes().replace(b"items hold", b"items READY"))
    sum_again(unpacked)
    found = look(unpacked)
    assert found.exit_code == 1
    assert any("0.0.1 wrote it" in sentence for sentence in found.misses)
    assert look(unpacked, ReleaseGate(key=keys / "company.pub.pem")).exit_code == 2
    page.write_bytes(page.read_bytes().replace(b"REHEARSAL", b"READY"))
    sum_again(unpacked)
    assert "golive.html does not say what golive.json says" in look(unpacked).damage


def test_links_in_a_folder_are_refused(unpacked: Path) -> None:
    os.symlink("golive.html", unpacked / "report.html")
    with pytest.raises(NoEvidence, match=r"'report.html' is a link"):
        look(unpacked)
