"""Ways to tamper with the zip itself; each is refused in one sentence."""

from __future__ import annotations

import io
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_flexprice.evidence.__main__ import main
from pytest_flexprice.evidence.gate import ReleaseGate
from pytest_flexprice.evidence.opened import NoEvidence

from .tampered import look


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
