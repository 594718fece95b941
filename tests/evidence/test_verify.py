"""Evidence that was tampered with is told, whichever way; that of another environment, level or age never passes for what is wanted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

from pytest_flexprice.evidence import attestation
from pytest_flexprice.evidence.opened import NoEvidence
from pytest_flexprice.evidence.verify import ReleaseGate
from pytest_flexprice.model.checklist import Level
from tests import suite

from .tampered import edit, look, render_again, sum_again

Tamper = Callable[[Path], None]


def greener(document: Any) -> None:
    document["verdict"].update(word="READY", label="READY", headline="All 26 items hold.", exit_code=0)


def change_a_byte(folder: Path) -> None:
    path = folder / "golive.html"
    path.write_bytes(path.read_bytes().replace(b"REHEARSAL", b"READYNOW!", 1))


def remove_a_file(folder: Path) -> None:
    (folder / "exchanges.ndjson").unlink()


def add_a_file(folder: Path) -> None:
    (folder / "allure-results" / "approval.json").write_text("{}")


def change_and_sum(folder: Path) -> None:
    (folder / "junit.xml").write_text("<testsuites/>")
    sum_again(folder)


def change_the_verdict_and_sum(folder: Path) -> None:
    edit(folder / "golive.json", greener)
    sum_again(folder)


def change_the_manifest(folder: Path) -> None:
    edit(folder / "manifest.json", lambda manifest: manifest.update(environment="prod"))


def leave_one_out_of_the_manifest(folder: Path) -> None:
    edit(folder / "manifest.json", lambda manifest: manifest["files"].pop())
    sum_again(folder)


def say_that_it_was_left_out(folder: Path) -> None:
    (folder / "exchanges.ndjson").unlink()
    edit(folder / "manifest.json", lambda manifest: manifest.update(left_out=["exchanges.ndjson"]))


def remove_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def remove_the_statement(folder: Path) -> None:
    (folder / "statement.json").unlink()


def change_the_statement(folder: Path) -> None:
    edit(folder / "statement.json", lambda stated: stated["predicate"].update(passedTests=["1.1", "7.4"]))


def remove_the_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()


def ready_without_proof(folder: Path) -> None:
    edit(folder / "golive.json", greener)
    render_again(folder)


WAYS: dict[Tamper, str] = {
    change_a_byte: "golive.html was changed after the run",
    remove_a_file: "exchanges.ndjson is missing",
    add_a_file: "allure-results/approval.json was added after the run",
    change_and_sum: "junit.xml does not say what golive.json says",
    change_the_verdict_and_sum: "golive.md does not say what golive.json says",
    change_the_manifest: "manifest.json says environment 'prod', golive.json says 'local'",
    leave_one_out_of_the_manifest: "was added after the run",
    say_that_it_was_left_out: "statement.json is about another manifest",
    remove_the_manifest: "manifest.json is missing",
    remove_the_statement: "statement.json is missing",
    change_the_statement: "statement.json does not say what golive.json says",
    remove_the_sums: "SHA256SUMS is missing",
    ready_without_proof: "golive.json says READY, although item",
}


@pytest.mark.parametrize("tamper", WAYS, ids=lambda tamper: tamper.__name__)
def test_each_way_to_tamper_is_told(unpacked: Path, tamper: Tamper) -> None:
    tamper(unpacked)
    found = look(unpacked)
    assert found.exit_code == 2
    assert any(WAYS[tamper] in sentence for sentence in found.damage), found.damage


def test_what_nobody_touched_is_whole_as_folder_and_as_zip(signed_run: suite.Outcome, keys: Path) -> None:
    (archive,) = signed_run.folder.glob("*.zip")
    for path in (archive, signed_run.folder):
        found = look(path, ReleaseGate(key=keys / "company.pub.pem"))
        assert (found.exit_code, found.damage, found.misses) == (0, [], [])


def a_consistent_forgery(folder: Path) -> None:
    def cleaner(document: Any) -> None:
        document["run"]["company"] = "Another company"

    edit(folder / "golive.json", cleaner)
    render_again(folder)


def test_only_the_signature_tells_a_forgery_that_agrees_with_itself(unpacked: Path, keys: Path) -> None:
    a_consistent_forgery(unpacked)
    assert look(unpacked).damage == []
    (told,) = look(unpacked, ReleaseGate(key=keys / "company.pub.pem")).damage
    assert "is on another statement" in told


def test_another_key_and_no_signature_are_told(unpacked: Path, keys: Path) -> None:
    (told,) = look(unpacked, ReleaseGate(key=keys / "stranger.pub.pem")).damage
    assert "was not made with the key" in told
    (unpacked / "statement.dsse.json").unlink()
    (told,) = look(unpacked, ReleaseGate(key=keys / "company.pub.pem")).damage
    assert "nobody signed" in told


def test_a_strangers_signature_on_a_forgery_is_told(unpacked: Path, keys: Path) -> None:
    a_consistent_forgery(unpacked)
    payload = (unpacked / "statement.json").read_bytes()
    envelope = attestation.sign(payload, attestation.signer(keys / "stranger.pem"))
    (unpacked / "statement.dsse.json").write_text(json.dumps(envelope))
    (told,) = look(unpacked, ReleaseGate(key=keys / "company.pub.pem")).damage
    assert "was not made with the key" in told


def test_the_statement_is_one_of_in_toto(unpacked: Path) -> None:
    stated = json.loads((unpacked / "statement.json").read_text())
    parsed = json_format.ParseDict(stated, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    assert parsed.subject[0].name == "manifest.json"
    assert stated["predicateType"].startswith("https://in-toto.io/attestation/test-result/")


@pytest.mark.parametrize(
    ("gate", "later", "words"),
    [
        (ReleaseGate(environment="prod"), timedelta(), "it is of environment 'local'"),
        (ReleaseGate(environment="prod"), timedelta(), "this is a rehearsal"),
        (ReleaseGate(environment="local", level=Level.SMOKE), timedelta(), "it ran at level lint, smoke is asked for"),
        (
            ReleaseGate(environment="local", age=timedelta(hours=24)),
            timedelta(hours=25),
            "which is older than 24 hours",
        ),
        (ReleaseGate(), timedelta(hours=-2), "which is still to come"),
    ],
)
def test_whole_evidence_that_is_not_enough(
    signed_run: suite.Outcome, gate: ReleaseGate, later: timedelta, words: str
) -> None:
    found = look(signed_run.folder, gate, later)
    assert found.exit_code == 1
    assert any(words in sentence for sentence in found.misses), found.misses


def test_a_gate_that_is_met(signed_run: suite.Outcome) -> None:
    gate = ReleaseGate(environment="local", level=Level.LINT, age=timedelta(hours=24))
    assert look(signed_run.folder, gate).exit_code == 0


def _twice(archive: Path, target: Path) -> None:
    shutil.copy(archive, target)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(target, "a") as opened:
        opened.writestr("golive.json", "{}")


def _outside(archive: Path, target: Path) -> None:
    shutil.copy(archive, target)
    with zipfile.ZipFile(target, "a") as opened:
        opened.writestr("../golive.json", "{}")


def _cut(archive: Path, target: Path) -> None:
    target.write_bytes(archive.read_bytes()[:-200])


def _text(archive: Path, target: Path) -> None:
    target.write_text("READY")


@pytest.mark.parametrize(
    ("spoil", "words"), [(_twice, "twice"), (_outside, "outside"), (_cut, "damaged"), (_text, "damaged")]
)
def test_a_zip_that_cannot_be_trusted_is_one_sentence(
    signed_run: suite.Outcome, tmp_path: Path, spoil: Callable[[Path, Path], None], words: str
) -> None:
    (archive,) = signed_run.folder.glob("*.zip")
    spoil(archive, tmp_path / "spoilt.zip")
    with pytest.raises(NoEvidence, match=words):
        look(tmp_path / "spoilt.zip")


def test_the_command_says_what_it_found_and_exits_with_it(signed_run: suite.Outcome, keys: Path) -> None:
    (archive,) = signed_run.folder.glob("*.zip")

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "pytest_flexprice.evidence", "verify", str(archive), *arguments]
        return subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)

    good = command("--key", str(keys / "company.pub.pem"), "--environment", "local", "--not-older-than", "7d")
    assert (good.returncode, good.stderr) == (0, "")
    assert "VERIFIED" in good.stdout
    assert "a rehearsal" in good.stdout
    poor = command("--environment", "prod", "--level", "smoke")
    assert poor.returncode == 1
    assert "NOT ENOUGH: it ran at level lint, smoke is asked for." in poor.stdout
    bad = command("--key", str(keys / "company.pem.missing"))
    assert bad.returncode == 2
    assert "the key cannot be read" in bad.stdout
    assert "Traceback" not in good.stderr + poor.stderr + bad.stderr


def test_a_key_that_cannot_be_used_refuses_the_run(tmp_path: Path) -> None:
    bad = tmp_path / "key.pem"
    bad.write_text("-----BEGIN NONSENSE-----")
    refused = suite.run(
        tmp_path, "--flexprice-env=local", "--flexprice-level=lint", environ={attestation.KEY_VARIABLE: str(bad)}
    )
    assert refused.code == 4
    assert "this is no private key in PEM form" in refused.output
    assert "Traceback" not in refused.output
