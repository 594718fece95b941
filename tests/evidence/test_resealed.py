"""What the files of evidence say of each other, where somebody who has this program changed one and sealed all of them again."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.evidence import exchanges
from pytest_flexprice.evidence.gate import ReleaseGate
from pytest_flexprice.evidence.opened import NoEvidence
from tests import suite

from .tampered import edit, look, render_again, seal_again


def _result(folder: Path) -> Path:
    return min((folder / "allure-results").glob("*-result.json"))


def greener_for_allure(folder: Path) -> None:
    edit(_result(folder), lambda result: result.update(status="failed" if result["status"] == "passed" else "passed"))


def less_for_allure(folder: Path) -> None:
    _result(folder).unlink()


def another_run_for_allure(folder: Path) -> None:
    edit(folder / "allure-results" / "executor.json", lambda executor: executor.update(buildUrl="https://ci.example/1"))


def another_environment_for_allure(folder: Path) -> None:
    (folder / "allure-results" / "environment.properties").write_text("Verdict=READY\n")


def an_approval_beside(folder: Path) -> None:
    (folder / "approval.pdf").write_text("READY")


def the_key_beside(folder: Path) -> None:
    (folder / "allure-results" / "golive.pub.pem").write_text("-----BEGIN PUBLIC KEY-----")


def _document(change: Callable[[Any], None]) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        edit(folder / "golive.json", change)
        render_again(folder)

    return tamper


def _exchanges(change: Callable[[list[Any]], list[Any]]) -> Callable[[Path], None]:
    """Other exchanges, and a golive.json that counts as many."""

    def tamper(folder: Path) -> None:
        document = json.loads((folder / "golive.json").read_text())
        started, node = document["run"]["started"], document["scenarios"][0]["node_id"]
        rows = [
            {"at": started, "method": "GET", "path": f"/v1/{n}", "status": 200, "seconds": 0.5, "scenario": node}
            for n in range(3)
        ]
        path = folder / "exchanges.ndjson"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        counted = exchanges.summary(exchanges.read(path))
        edit(folder / "golive.json", lambda document: document.update(exchanges=counted))
        edit(folder / "golive.json", lambda document: document["scenarios"][0].update(exchanges=len(rows)))
        render_again(folder)
        path.write_text("".join(json.dumps(row) + "\n" for row in change(rows)))

    return tamper


RESEALED: dict[str, tuple[Callable[[Path], None], str]] = {
    "another status in Allure": (greener_for_allure, "passed, and golive.json the other way round"),
    "a result less in Allure": (less_for_allure, "allure-results/ does not tell of"),
    "another executor in Allure": (another_run_for_allure, "executor.json does not say what golive.json says"),
    "another environment in Allure": (another_environment_for_allure, "environment.properties does not say what"),
    "a file of nobody": (an_approval_beside, "approval.pdf is none of the files that a run writes"),
    "a key in the archive": (the_key_beside, "golive.pub.pem is none of the files that a run writes"),
    "another answer": (_exchanges(lambda rows: [rows[0] | {"status": 500}, *rows[1:]]), "with their answers"),
    "an exchange twice": (_exchanges(lambda rows: [rows[0] | {"seconds": 0.4}, rows[2], rows[2]]), "an exchange twice"),
    "another order": (_exchanges(lambda rows: [rows[0] | {"at": "2999"}, *rows[1:]]), "is not in the order of time"),
    "another scenario's": (_exchanges(lambda rows: [row | {"scenario": "x"} for row in rows]), "exchanges of other scenarios"),
    "another day's": (
        _exchanges(lambda rows: [row | {"at": f"2020-01-01T00:00:0{n}Z"} for n, row in enumerate(rows)]),
        "from outside of the run's time",
    ),
    "another title": (
        _document(lambda document: document["verdict"]["items"][0].update(title="Nothing")),
        "golive.json calls item 1.1 'Nothing', which the checklist calls",
    ),
    "another headline": (
        _document(lambda document: document["verdict"].update(headline="All items hold.")),
        "golive.json is headed 'All items hold.', where its items say",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("tamper", "words"), RESEALED.values(), ids=RESEALED)
def test_what_the_files_say_of_each_other_is_told_though_all_were_sealed_again(
    unpacked: Path, tamper: Callable[[Path], None], words: str
) -> None:
    tamper(unpacked)
    seal_again(unpacked)
    assert any(words in told for told in look(unpacked).damage)


def test_line_ends_that_a_checkout_made_are_told_in_one_sentence(unpacked: Path, keys: Path) -> None:
    for path in unpacked.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (told,) = look(unpacked, ReleaseGate(key=keys / "company.pub.pem")).damage
    assert "have line ends (CRLF) that a run does not write" in told


def test_evidence_in_a_folder_of_a_zip_is_read_and_a_zip_around_it_says_where_it_is(
    signed_run: suite.Outcome, tmp_path: Path
) -> None:
    own = next(signed_run.folder.glob("*.zip"))
    with zipfile.ZipFile(own) as before, zipfile.ZipFile(tmp_path / "again.zip", "w") as packed:
        for name in before.namelist():
            packed.writestr(f"evidence/{name}", before.read(name))
    assert look(tmp_path / "again.zip").damage == []
    with zipfile.ZipFile(tmp_path / "artifact.zip", "w") as packed:
        packed.write(own, f"reports/{own.name}")
    for path in (tmp_path / "artifact.zip", signed_run.folder.parent):
        with pytest.raises(
            NoEvidence, match=r"the evidence lies in '.*golive-evidence-local-.*\.zip' of it; unpack that"
        ):
            look(path)
    with pytest.raises(NoEvidence, match="this is no zip; name the run's"):
        look(signed_run.folder / "golive.html")
    (tmp_path / "golive-evidence-prod-20200101T000000Z-00000000.zip").write_bytes(own.read_bytes())
    (told,) = look(tmp_path / "golive-evidence-prod-20200101T000000Z-00000000.zip").damage
    assert "the zip is named for run 20200101T000000Z-00000000 of 'prod', and holds run" in told
