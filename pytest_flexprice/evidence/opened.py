"""Evidence as somebody received it, a zip or a folder, read with bounds and never unpacked."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

LARGEST_FILE = 200_000_000
LARGEST_SUM = 1_000_000_000
MOST_FILES = 100_000


class NoEvidence(Exception):
    """What was given is no evidence that can be read; the message says why."""


@dataclass(frozen=True)
class Opened:
    """The files of some evidence by their relative names."""

    source: Path
    files: dict[str, bytes]


def open_evidence(path: Path) -> Opened:
    """Read a zip or a folder of evidence.

    Raises:
        NoEvidence: it is neither, is damaged, names a file twice or outside itself, or is larger than evidence can be.
    """
    if path.is_dir():
        names = sorted(each for each in path.rglob("*") if each.is_file() and each.suffix != ".zip")
        return Opened(path, {each.relative_to(path).as_posix(): each.read_bytes() for each in names})
    try:
        with zipfile.ZipFile(path) as archive:
            return Opened(path, _read(archive, path))
    except FileNotFoundError:
        raise NoEvidence(f"{path}: there is no such file") from None
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as reason:
        raise NoEvidence(f"{path}: the zip is damaged or cut short ({reason})") from None
    except Exception as reason:  # zlib.error has no base of its own; whatever a hostile zip provokes is one sentence
        raise NoEvidence(f"{path}: the zip cannot be read ({type(reason).__name__}: {reason})") from None


def _read(archive: zipfile.ZipFile, path: Path) -> dict[str, bytes]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > LARGEST_SUM:
        raise NoEvidence(f"{path}: this is larger than any evidence ({len(entries)} files)")
    files: dict[str, bytes] = {}
    for entry in entries:
        _refuse_odd(entry, files, path)
        with archive.open(entry) as member:
            files[entry.filename] = member.read(entry.file_size + 1)
    return files


def _refuse_odd(entry: zipfile.ZipInfo, files: dict[str, bytes], path: Path) -> None:
    name = PurePosixPath(entry.filename)
    if name.is_absolute() or ".." in name.parts or "\\" in entry.filename:
        raise NoEvidence(f"{path}: the zip holds '{entry.filename}', which lies outside of it")
    if entry.filename in files:
        raise NoEvidence(f"{path}: the zip holds '{entry.filename}' twice, so two readers may see two things")
    if entry.file_size > LARGEST_FILE:
        raise NoEvidence(f"{path}: '{entry.filename}' is larger than any file of evidence")
