"""More ways to tamper with evidence, with the zip itself and with what the run says of itself; each is refused in one sentence."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pytest_flexprice.evidence import attestation
from pytest_flexprice.evidence.__main__ import main
from pytest_flexprice.evidence.attestation import KeyRefused
from pytest_flexprice.evidence.gate import ReleaseGate
from pytest_flexprice.evidence.opened import NoEvidence
from pytest_flexprice.evidence.verify import Examined, examine
from pytest_flexprice.model.checklist import Level
from tests import suite

from .test_verify import edit, key_pair, render_again, sum_again


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    key_pair(folder, "company")
    return folder


def _run(folder: Path, keys: Path | None) -> Path:
    environ = {attestation.KEY_VARIABLE: str(keys / "company.pem")} if keys else {}
    outcome = suite.run(folder, "--flexprice-env=local", "--flexprice-level=lint", environ=environ)
    (archive,) = outcome.folder.glob("*.zip")
    return archive


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Path:
    """The zip of a signed run; at level lint, so that it is quick."""
    return _run(tmp_path_factory.mktemp("signed"), keys)


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Path:
    """The zip of another signed run of the same environment and level."""
    return _run(tmp_path_factory.mktemp("later"), keys)


@pytest.fixture
def unpacked(signed: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(signed) as opened:
        opened.extractall(tmp_path / "evidence")
    return tmp_path / "evidence"


def look(path: Path, gate: ReleaseGate | None = None) -> Examined:
    return examine(path, gate or ReleaseGate(), datetime.now(UTC))


# --- the zip itself ---------------------------------------------------------------------------------------------------


def entries(archive: Path) -> Iterator[tuple[zipfile.ZipInfo, bytes]]:
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            yield entry, opened.read(entry)


def packed(
    archive: Path, target: Path, change: Callable[[zipfile.ZipInfo], zipfile.ZipInfo] = lambda entry: entry
) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as opened:
        for entry, content in entries(archive):
            opened.writestr(change(entry), content)


def added(name: str, content: bytes = b"{}", kind: int = stat.S_IFREG) -> Callable[[Path, Path], None]:
    def spoil(archive: Path, target: Path) -> None:
        shutil.copy(archive, target)
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (kind | 0o644) << 16
        with zipfile.ZipFile(target, "a") as opened:
            opened.writestr(entry, content)

    return spoil


def commented(archive: Path, target: Path) -> None:
    shutil.copy(archive, target)
    with zipfile.ZipFile(target, "a") as opened:
        opened.comment = b"approved by the board"


def comment_on_a_file(archive: Path, target: Path) -> None:
    def comment(entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
        entry.comment = b"approved" if entry.filename == "golive.html" else b""
        return entry

    packed(archive, target, comment)


def another_name_in_an_extra(archive: Path, target: Path) -> None:
    def named(entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
        if entry.filename == "golive.html":
            entry.extra = struct.pack("<HHBI", 0x7075, 5 + 9, 1, 0) + b"READY.htm"
        return entry

    packed(archive, target, named)


def prefixed(archive: Path, target: Path) -> None:
    target.write_bytes(b"#!/bin/sh\necho READY\nexit 0\n" + archive.read_bytes())


def trailing(archive: Path, target: Path) -> None:
    target.write_bytes(archive.read_bytes() + b"READY")


def truncated(archive: Path, target: Path) -> None:
    target.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])


def a_byte_of_a_file(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        member = opened.getinfo("golive.html")
    content = bytearray(archive.read_bytes())
    content[member.header_offset + member.compress_size // 2] ^= 0xFF
    target.write_bytes(content)


def bytes_between_files(archive: Path, target: Path) -> None:
    """A file that only a reader sees who goes from front to back: its entry in the directory is taken away."""
    first = io.BytesIO()
    with zipfile.ZipFile(first, "w") as opened:
        opened.writestr("golive.html", "<h1>READY</h1>")
        hidden = opened.start_dir
    begin = first.getvalue()[:hidden]
    content = archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        directory = opened.start_dir
        offsets = [entry.header_offset for entry in opened.infolist()]
    table, end = bytearray(content[directory:-22]), bytearray(content[-22:])
    at = 0
    for offset in offsets[1:]:  # the first file stays where it is, the others move behind what is hidden
        at += 46 + sum(struct.unpack_from("<3H", table, at + 28))
        struct.pack_into("<L", table, at + 42, offset + len(begin))
    struct.pack_into("<L", end, 16, directory + len(begin))
    target.write_bytes(content[: offsets[1]] + begin + content[offsets[1] : directory] + bytes(table) + bytes(end))


def another_name_in_the_file_header(archive: Path, target: Path) -> None:
    content = archive.read_bytes()
    at = content.index(b"golive.html")
    target.write_bytes(content[:at] + b"GOLIVE.html" + content[at + 11 :])


def other_sizes_in_the_file_header(archive: Path, target: Path) -> None:
    content = bytearray(archive.read_bytes())
    at = content.index(b"golive.html") - 30
    struct.pack_into("<L", content, at + 22, 5)
    target.write_bytes(content)


def encrypted(archive: Path, target: Path) -> None:
    content = bytearray(archive.read_bytes())
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    target.write_bytes(content)


def bomb(archive: Path, target: Path) -> None:
    shutil.copy(archive, target)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as opened, opened.open("big", "w") as file:
        for _ in range(201):
            file.write(bytes(1_000_000))


def another_zip_before(archive: Path, target: Path) -> None:
    with io.BytesIO() as other:
        with zipfile.ZipFile(other, "w") as opened:
            opened.writestr("golive.html", "<h1>READY</h1>")
        target.write_bytes(other.getvalue() + archive.read_bytes())


def another_zip_behind(archive: Path, target: Path) -> None:
    another_zip_before(archive, target)
    target.write_bytes(archive.read_bytes() + archive.read_bytes())


def ended(**wrong: int) -> Callable[[Path, Path], None]:
    """The record at the zip's end with other numbers: a reader that goes by them sees another zip."""
    names = ("disk", "begun_on", "here", "all_in_all", "size", "offset")

    def spoil(archive: Path, target: Path) -> None:
        content = bytearray(archive.read_bytes())
        values = dict(zip(names, struct.unpack_from("<4H2L", content, len(content) - 18), strict=True))
        values |= {name: values[name] + by for name, by in wrong.items()}
        struct.pack_into("<4H2L", content, len(content) - 18, *values.values())
        target.write_bytes(content)

    return spoil


def a_second_end(archive: Path, target: Path) -> None:
    """The end of a zip beyond 4 GB between directory and end: it may tell of another directory."""
    content = archive.read_bytes()
    count, size, offset = struct.unpack_from("<H2L", content, len(content) - 12)
    second = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    second += struct.pack("<4sLQL", b"PK\x06\x07", 0, len(content) - 22, 1)
    target.write_bytes(content[:-22] + second + content[-22:])


def other_flags_in_the_file_header(archive: Path, target: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[content.index(b"golive.html") - 30 + 6] |= 8
    target.write_bytes(content)


def sizes_later_and_now(archive: Path, target: Path) -> None:
    """Both headers say that sizes come behind the content, and one gives others at once."""
    other_flags_in_the_file_header(archive, target)
    content = bytearray(target.read_bytes())
    struct.pack_into("<L", content, content.index(b"golive.html") - 30 + 22, 5)
    content[content.index(b"golive.html", content.index(b"PK\x01\x02")) - 46 + 8] |= 8
    target.write_bytes(content)


def bytes_behind_the_content(archive: Path, target: Path) -> None:
    """The last file's packed bytes go on behind their own end."""
    hidden = b"READY, said a reader that goes on"
    content = archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        at, last = opened.start_dir, max(opened.infolist(), key=lambda entry: entry.header_offset)
    table, end = bytearray(content[at:-22]), bytearray(content[-22:])
    entry = table.index(last.filename.encode()) - 46
    struct.pack_into("<L", table, entry + 20, last.compress_size + len(hidden))
    struct.pack_into("<L", end, 16, at + len(hidden))
    files = bytearray(content[:at] + hidden)
    struct.pack_into("<L", files, last.header_offset + 18, last.compress_size + len(hidden))
    target.write_bytes(bytes(files + table + end))


SPOILT: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "comment": (commented, "carries a comment"),
    "comment on a file": (comment_on_a_file, "'golive.html' in the zip carries data beside its content"),
    "another name in an extra": (another_name_in_an_extra, "'golive.html' in the zip carries data beside its content"),
    "data before": (prefixed, "data before the zip's beginning"),
    "data behind": (trailing, "data behind the zip's end"),
    "cut": (truncated, "damaged or cut short"),
    "a flipped byte": (a_byte_of_a_file, "damaged|cannot be read"),
    "a hidden file": (bytes_between_files, "bytes behind '.+' that belong to no file"),
    "another name in the file's header": (another_name_in_the_file_header, "damaged or cut short"),
    "other sizes in the file's header": (other_sizes_in_the_file_header, "tells 'golive.html' in two ways"),
    "encrypted": (encrypted, "is encrypted"),
    "another zip before": (another_zip_before, "another zip before the zip's beginning"),
    "another zip behind": (another_zip_behind, "another zip before the zip's beginning"),
    "several disks": (ended(disk=1), "end tells of another zip|damaged or cut short"),
    "fewer files": (ended(here=-1, all_in_all=-1), "end tells of another zip"),
    "another place": (ended(offset=-4, size=4), "damaged or cut short"),
    "a second end": (a_second_end, "end tells of another zip"),
    "other flags in the file's header": (other_flags_in_the_file_header, "tells 'golive.html' in two ways"),
    "sizes later and now": (sizes_later_and_now, "tells 'golive.html' in two ways"),
    "bytes behind a file's content": (bytes_behind_the_content, "that are not its content"),
    "rights of somebody else": (added("run.sh", b"#!/bin/sh", stat.S_IFREG | stat.S_ISUID), "is a link or no plain"),
    "bomb": (bomb, "larger than any evidence"),
    "link": (added("approval.md", b"/etc/passwd", stat.S_IFLNK), "'approval.md' in the zip is a link"),
    "device": (added("pipe", b"", stat.S_IFIFO), "'pipe' in the zip is a link or no plain file"),
    "folder with content": (added("allure/", b"READY", stat.S_IFDIR), "folder 'allure/' has a content"),
    "case": (added("GoLive.html"), "one file on some machines"),
    "dot": (added("./golive.html"), "written in an unusual way"),
    "two slashes": (added("allure-results//x.json"), "written in an unusual way"),
    "drive": (added("C:golive.html"), "outside of it"),
    "up": (added("a/../../golive.html"), "outside of it"),
    "look-alike": (added("golive\u200b.html"), "do not show"),
    "full width": (added("ｇolive.html"), "one file on some machines"),
}


@pytest.mark.parametrize("way", SPOILT)
def test_a_zip_that_two_readers_may_read_in_two_ways_is_refused(
    signed: Path, tmp_path: Path, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, words = SPOILT[way]
    target = tmp_path / "spoilt.zip"
    spoil(signed, target)
    with pytest.raises(NoEvidence, match=words):
        look(target)
    assert main(["verify", str(target)]) == 2
    told = capsys.readouterr().out
    assert told.startswith("NOT VERIFIED: ")
    assert told.count("\n") == 1


def test_packing_the_same_files_again_in_another_order_changes_nothing(
    signed: Path, tmp_path: Path, keys: Path
) -> None:
    target = tmp_path / "again.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as opened:
        for entry, content in reversed(list(entries(signed))):
            opened.writestr(entry.filename, content)
    found = look(target, ReleaseGate(key=keys / "company.pub.pem", environment="local"))
    assert (found.damage, found.misses) == ([], [])


# --- its files --------------------------------------------------------------------------------------------------------


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
    sums_of_another_system: "SHA256SUMS is not written as a run writes it",
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


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())], ids=["RSA", "ECDSA"]
)
def test_a_key_of_another_type_is_another_key(signed: Path, tmp_path: Path, key: Any) -> None:
    public = tmp_path / "other.pub.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (told,) = look(signed, ReleaseGate(key=public)).damage
    assert "was not made with the key" in told


def test_keys_that_sign_nothing_are_refused_in_one_sentence(signed: Path, tmp_path: Path, keys: Path) -> None:
    unfit = tmp_path / "unfit.pem"
    for key in (x25519.X25519PrivateKey.generate(), dsa.generate_private_key(1024)):
        unfit.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        with pytest.raises(KeyRefused, match="this is no public key"):
            look(signed, ReleaseGate(key=unfit))
        unfit.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with pytest.raises(KeyRefused, match="this is no private key"):
            attestation.signer(unfit)
    with pytest.raises(KeyRefused, match="this is no public key"):
        look(signed, ReleaseGate(key=keys / "company.pem"))
    with pytest.raises(KeyRefused, match="cannot be read"):
        look(signed, ReleaseGate(key=tmp_path))


# --- the gate ---------------------------------------------------------------------------------------------------------


def test_what_is_not_proved_is_enough_only_for_a_gate_that_does_not_ask_for_it() -> None:
    from pytest_flexprice.evidence.gate import missed

    from . import samples

    document = samples.run(level=Level.READ)
    assert document.verdict.word == "INCOMPLETE"
    assert document.verdict.exit_code == 0
    told = {
        level: list(missed(document, ReleaseGate(environment="prod", level=level), document.run.finished))
        for level in (None, Level.READ, Level.SMOKE)
    }
    assert told[Level.READ] == []
    assert told[None] == [f"its verdict is INCOMPLETE: {document.verdict.headline}"]
    assert len(told[Level.SMOKE]) == 2


def test_what_was_left_out_of_a_run_on_purpose_is_not_enough() -> None:
    from pytest_flexprice.evidence.gate import missed

    from . import samples

    document = samples.run(samples.scenario("2.1", outcome="not run", deselected=True))
    assert document.verdict.exit_code == 0
    gate = ReleaseGate(environment="prod", level=Level.SMOKE)
    assert any("INCOMPLETE" in told for told in missed(document, gate, document.run.finished))


def test_every_fact_of_a_run_that_is_whole_is_kept_by_json(unpacked: Path) -> None:
    """What the checks rest on: the documents that a run writes agree with themselves."""
    found = look(unpacked)
    assert found.damage == []
    assert json.loads((unpacked / "statement.json").read_text())["predicate"]["annotations"]["signed_with"]


def test_a_release_of_another_commit_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from pytest_flexprice.evidence.gate import missed

    from . import samples

    document = samples.run()
    of = document.run.model_copy(update={"git_commit": "0123456789abcdef" * 2 + "01234567", "git_dirty": False})

    def told(commit: str, **more: Any) -> str:
        run = document.model_copy(update={"run": of.model_copy(update=more)})
        return " ".join(one for one in missed(run, ReleaseGate(commit=commit), of.finished) if "commit" in one)

    assert told("0123456789ABCDEF") == ""
    assert "not of fedcba9" in told("fedcba9")
    assert "with changes that were not committed" in told("0123456", git_dirty=True)
    assert "none that is known" in told("0123456", git_commit="", git_dirty=None)
    with pytest.raises(SystemExit):
        main(["verify", "--commit", "HEAD", "any.zip"])
    assert "'HEAD' is no commit" in capsys.readouterr().err
