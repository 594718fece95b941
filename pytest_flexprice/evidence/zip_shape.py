"""What a zip may hold that two readers read in two ways, or that no reader shows: none of it is in a zip that a run wrote."""

from __future__ import annotations

import re
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_LOCAL = struct.Struct("<4s5H3L2H")
_END, _END_SIZE = b"PK\x05\x06", 22
_BEGIN = b"PK\x03\x04"
_DESCRIPTORS = (12, 16, 20, 24)
_SEPARATE_DESCRIPTOR = 0x08
_EXTRAS = {0x0001, 0x000A, 0x5455, 0x5855, 0x7855, 0x7875}
"""Sizes beyond 4 GB, and what a packer notes of times and owners; anything else may tell another name or content."""


def oddities(archive: zipfile.ZipFile, path: Path) -> Iterator[str]:
    """What is odd about a zip, as sentences without a subject and a full stop."""
    yield from _names(archive.infolist())
    yield from _kinds(archive.infolist())
    yield from _beside(archive, path)


def _names(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for entry in entries:
        name, told = entry.filename, ascii(entry.filename)
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or "\\" in name or re.match("[A-Za-z]:", name):
            yield f"the zip holds {told}, which lies outside of it"
        if PurePosixPath(name).as_posix() != name.removesuffix("/") or "." in parts or entry.orig_filename != name:
            yield f"the zip holds {told}, a name that is written in an unusual way"
        if not name.isprintable() or unicodedata.normalize("NFC", name) != name:
            yield f"the zip holds {told}, a name with characters that do not show"
        folded = unicodedata.normalize("NFKC", name).casefold()
        if folded in seen:
            same = "twice" if seen[folded] == name else f"and {seen[folded]!a}, which are one file on some machines"
            yield f"the zip holds {told} {same}, so two readers may see two things"
        seen[folded] = name


def _kinds(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG):
            yield f"'{entry.filename}' in the zip is a link or no plain file"
        if entry.is_dir() and entry.file_size:
            yield f"the zip's folder '{entry.filename}' has a content of its own"
        if entry.flag_bits & 0x1:
            yield f"'{entry.filename}' in the zip is encrypted"
        if entry.comment or not _known_extras(entry.extra):
            yield f"'{entry.filename}' in the zip carries data beside its content"


def _known_extras(extra: bytes) -> bool:
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<2H", extra)
        if kind not in _EXTRAS:
            return False
        extra = extra[4 + size :]
    return not extra


def _beside(archive: zipfile.ZipFile, path: Path) -> Iterator[str]:
    """Bytes before, between and behind the files, and headers that disagree with the directory."""
    content = path.read_bytes()
    if archive.comment:
        yield "the zip carries a comment, which no run writes"
    elif content[-_END_SIZE:][:4] != _END:
        yield "there is data behind the zip's end"
    if not content.startswith(_BEGIN):
        yield "there is data before the zip's beginning"
        return
    placed = sorted(((*_span(content, entry), entry) for entry in archive.infolist()), key=lambda each: each[:2])
    begins = [begin for begin, _, _ in placed[1:]] + [archive.start_dir]
    for (_, end, entry), following in zip(placed, begins, strict=True):
        if not _follows(entry, end, following):
            yield f"the zip holds bytes behind '{entry.filename}' that belong to no file, or to two"
        if not _as_listed(content, entry):
            yield f"the zip tells '{entry.filename}' in two ways"


def _span(content: bytes, entry: zipfile.ZipInfo) -> tuple[int, int]:
    header = _LOCAL.unpack_from(content, entry.header_offset)
    return entry.header_offset, entry.header_offset + _LOCAL.size + header[-2] + header[-1] + entry.compress_size


def _follows(entry: zipfile.ZipInfo, end: int, begin: int) -> bool:
    separate = entry.flag_bits & _SEPARATE_DESCRIPTOR
    return begin == end or bool(separate and begin - end in _DESCRIPTORS)


def _as_listed(content: bytes, entry: zipfile.ZipInfo) -> bool:
    """Whether what a reader sees who reads from the front is what the directory says."""
    header = _LOCAL.unpack_from(content, entry.header_offset)
    begin = entry.header_offset + _LOCAL.size + header[-2]
    if not _known_extras(content[begin : begin + header[-1]]):
        return False
    told, beyond = (header[6], header[7], header[8]), 0xFFFFFFFF
    due = (entry.CRC, entry.compress_size, entry.file_size)
    if entry.flag_bits & _SEPARATE_DESCRIPTOR:
        return True
    return header[3] == entry.compress_type and all(
        one in (other, beyond) for one, other in zip(told, due, strict=True)
    )
