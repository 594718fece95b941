"""What belongs to some evidence: the manifest and the sums against the files that are there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from pytest_flexprice.evidence.bundle import MANIFEST, RENDERINGS, SEALS, SUMS, may_stay_out
from pytest_flexprice.evidence.opened import Opened


def read_object(opened: Opened, name: str) -> dict[str, Any] | None:
    """The object in a file; none if it cannot be read, or gives one key twice, of which readers take either."""
    try:
        found = json.loads(opened.files[name], object_pairs_hook=_once_each)
    except (KeyError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def sha256(content: bytes) -> str:
    """A content's SHA-256, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def with_own_line_ends(opened: Opened) -> tuple[Opened, list[str]]:
    """The files as they were before something wrote other line ends, as git may on Windows, and the sentence that says so."""
    sums = set(re.findall(rb"[0-9a-f]{64}", opened.files.get(MANIFEST, b"")))
    converted = {
        name: content.replace(b"\r\n", b"\n")
        for name, content in opened.files.items()
        if b"\r\n" in content and (name in SEALS or sha256(content).encode() not in sums)
    }
    converted = {
        name: content for name, content in converted.items() if name in SEALS or sha256(content).encode() in sums
    }
    if not converted:
        return opened, []
    told = (
        f"{len(converted)} files, such as {min(converted)}, have line ends (CRLF) that a run does not write, as git writes them on"
        " Windows: verify the zip, or check out without converting ('* -text' in .gitattributes)"
    )
    return Opened(opened.source, {**opened.files, **converted}), [told]


def listed(opened: Opened) -> Iterator[str]:
    """What the manifest lists against what is there."""
    manifest = read_object(opened, MANIFEST)
    rows = manifest.get("files") if manifest else None
    if manifest is None or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        yield f"{MANIFEST} is missing or cannot be read, so nothing tells what belongs to this evidence"
        return
    listed = {str(row.get("file")): row for row in rows}
    if len(listed) < len(rows):
        yield f"{MANIFEST} lists a file twice"
    left_out = {str(name) for name in manifest.get("left_out") or ()}
    for name, row in listed.items():
        yield from _row(name, row, opened.files.get(name), name in left_out)
    for name in sorted(left_out):
        if not may_stay_out(PurePosixPath(name)):
            yield f"{MANIFEST} says that {name} was left out to keep the zip small, which no run leaves out"
    for name in sorted(opened.files.keys() - listed.keys() - set(SEALS)):
        yield f"{name} was added after the run"
    for name in [name for name, _ in RENDERINGS if name not in listed]:
        yield f"{name} is not in {MANIFEST}, and every run writes one"


def _row(name: str, row: dict[str, Any], content: bytes | None, is_left_out: bool) -> Iterator[str]:
    if content is None:
        if not is_left_out:
            yield f"{name} is missing"
    elif sha256(content) != row.get("sha256") or len(content) != row.get("size"):
        yield f"{name} was changed after the run"


def summed(opened: Opened) -> Iterator[str]:
    """``SHA256SUMS`` against files and manifest, for whoever checks with sha256sum alone."""
    try:
        lines = [line.split("  ", 1) for line in opened.files[SUMS].decode("utf-8").splitlines() if line]
        sums = {name: sum_of_file for sum_of_file, name in lines}
    except (KeyError, ValueError):
        yield f"{SUMS} is missing or cannot be read"
        return
    if b"\r" in opened.files[SUMS] or not opened.files[SUMS].endswith(b"\n"):
        yield f"{SUMS} is not written as a run writes it"
    rows = (read_object(opened, MANIFEST) or {}).get("files")
    due = (
        [*(str(row.get("file")) for row in rows if isinstance(row, dict)), MANIFEST]
        if isinstance(rows, list)
        else list(sums)
    )
    if len(sums) < len(lines) or due != list(sums):
        yield f"{SUMS} does not name every file of {MANIFEST} once, and nothing else"
    for name, sum_of_file in sums.items():
        if name in opened.files and sha256(opened.files[name]) != sum_of_file:
            yield f"{name} does not agree with {SUMS}"
