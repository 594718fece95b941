"""What a zip may hold that two readers read in two ways, or that no reader shows: none of it is in a zip that a run wrote."""

from __future__ import annotations

import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_LOCAL = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_END_SIGN = b"PK\x05\x06"
_BEGIN = b"PK\x03\x04"
_RIGHTS = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX
_DESCRIPTORS = (12, 16, 20, 24)
_SEPARATE_DESCRIPTOR = 0x08
_PART = 1 << 20
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
        if kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG) or (entry.external_attr >> 16) & _RIGHTS:
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
    elif content[-_END.size :][:4] != _END_SIGN:
        yield "there is data behind the zip's end"
    if not content.startswith(_BEGIN):
        yield "there is data before the zip's beginning"
        return
    placed = sorted(((*_span(content, entry), entry) for entry in archive.infolist()), key=lambda each: each[:2])
    if placed and placed[0][0]:
        yield "there is another zip before the zip's beginning"
        return
    if not _ends_as_it_is(archive, content):
        yield "the zip's end tells of another zip than the one that is there"
    begins = [begin for begin, _, _ in placed[1:]] + [archive.start_dir]
    for (_, end, entry), following in zip(placed, begins, strict=True):
        if not _follows(entry, end, following):
            yield f"the zip holds bytes behind '{entry.filename}' that belong to no file, or to two"
        if not _as_listed(content, entry):
            yield f"the zip tells '{entry.filename}' in two ways"
        elif not _packed_to_its_end(content[end - entry.compress_size : end], entry):
            yield f"the zip holds bytes in '{entry.filename}' that are not its content"


def _ends_as_it_is(archive: zipfile.ZipFile, content: bytes) -> bool:
    """Whether the end counts what is there, on one disk, and stands right behind the directory: no second end, no second directory."""
    _, disk, begun_on, here, all_in_all, size, offset, _ = _END.unpack(content[-_END.size :])
    count = len(archive.infolist())
    return (disk, begun_on, here, all_in_all, offset) == (0, 0, count, count, archive.start_dir) and (
        offset + size + _END.size == len(content)
    )


def _packed_to_its_end(packed: bytes, entry: zipfile.ZipInfo) -> bool:
    """Whether the packed bytes are a file's content and nothing behind it, where only some readers look."""
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        return entry.compress_type != zipfile.ZIP_STORED or entry.compress_size == entry.file_size
    reader, rest, length = zlib.decompressobj(-zlib.MAX_WBITS), packed, 0
    while rest and not reader.eof and length <= entry.file_size:
        length += len(reader.decompress(rest, _PART))
        rest = reader.unconsumed_tail
    return reader.eof and not reader.unused_data and not rest


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
    later = (0,) if entry.flag_bits & _SEPARATE_DESCRIPTOR else ()
    return (header[2], header[3]) == (entry.flag_bits, entry.compress_type) and all(
        one in (other, beyond, *later) for one, other in zip(told, due, strict=True)
    )
