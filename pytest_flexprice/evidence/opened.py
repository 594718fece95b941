"""Evidence as somebody received it, a zip or a folder, read with bounds and never unpacked."""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_flexprice.evidence import zip_shape

LARGEST_FILE = 200_000_000
LARGEST_SUM = 500_000_000
LARGEST_ARCHIVE = 100_000_000
MOST_FILES = 100_000
_MADE = {"golive.json", "manifest.json", "SHA256SUMS"}
_OWN_ZIP = re.compile(r"golive-evidence-[^/]+\.zip")


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
        NoEvidence: it is neither, is damaged, holds what two readers may read in two ways, or is larger than evidence can be.
    """
    return Opened(path, _own(_files(path), path))


def _own(files: dict[str, bytes], path: Path) -> dict[str, bytes]:
    """The files of one run, also where a packer put them into a folder of the zip.

    Raises:
        NoEvidence: they lie elsewhere, which is said.
    """
    if _MADE & files.keys():
        return files
    folders = {name.rpartition("/")[0] for name in files if name.rpartition("/")[2] == "golive.json"}
    own = next(iter(folders)) + "/" if len(folders) == 1 else ""
    if own and not path.is_dir() and all(name.startswith(own) for name in files):
        return {name.removeprefix(own): content for name, content in files.items()}
    found = sorted({*folders, *(name for name in files if _OWN_ZIP.fullmatch(name.rpartition("/")[2]))})
    if found:
        raise NoEvidence(f"{path}: the evidence lies in '{found[-1]}' of it; unpack that, and verify it alone")
    return files


def _files(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        return _of_folder(path)
    if path.is_file() and path.suffix.lower() != ".zip" and not zipfile.is_zipfile(path):
        raise NoEvidence(f"{path}: this is no zip; name the run's golive-evidence-….zip, or its folder")
    try:
        with zipfile.ZipFile(path) as archive:
            return _of_zip(archive, path)
    except FileNotFoundError:
        raise NoEvidence(f"{path}: there is no such file") from None
    except NoEvidence:
        raise
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as reason:
        raise NoEvidence(f"{path}: the zip is damaged or cut short ({reason})") from None
    except Exception as reason:  # zlib.error has no base of its own; whatever a hostile zip provokes is one sentence
        raise NoEvidence(f"{path}: the zip cannot be read ({type(reason).__name__}: {reason})") from None


def _of_folder(folder: Path) -> dict[str, bytes]:
    try:
        found = [each for each in _walk(folder) if each.parent != folder or not _OWN_ZIP.fullmatch(each.name)]
        _refuse_large((each.stat().st_size for each in found), folder)
        return {each.relative_to(folder).as_posix(): each.read_bytes() for each in found}
    except OSError as reason:
        raise NoEvidence(f"{folder}: the folder cannot be read ({reason.strerror})") from None


def _walk(folder: Path) -> Iterator[Path]:
    """All files below a folder, in order; what is no plain file may be another one for the next reader."""
    for each in sorted(folder.iterdir()):
        kind = each.lstat().st_mode
        if stat.S_ISDIR(kind):
            yield from _walk(each)
        elif stat.S_ISREG(kind):
            yield each
        else:
            raise NoEvidence(
                f"{folder}: '{each.name}' is a link or no plain file, and evidence holds nothing but files"
            )


def _refuse_large(sizes: Iterable[int], path: Path) -> None:
    every = list(sizes)
    if len(every) > MOST_FILES or sum(every) > LARGEST_SUM or max(every, default=0) > LARGEST_FILE:
        raise NoEvidence(f"{path}: this is larger than any evidence ({len(every)} files, {sum(every):,} bytes)")


def _of_zip(archive: zipfile.ZipFile, path: Path) -> dict[str, bytes]:
    if path.stat().st_size > LARGEST_ARCHIVE:
        raise NoEvidence(f"{path}: this is larger than any evidence")
    entries = archive.infolist()
    _refuse_large((entry.file_size for entry in entries), path)
    odd = next(zip_shape.oddities(archive, path), None)
    if odd:
        raise NoEvidence(f"{path}: {odd}")
    files: dict[str, bytes] = {}
    for entry in entries:
        if not entry.is_dir():
            with archive.open(entry) as member:
                files[entry.filename] = member.read(entry.file_size + 1)
    return files
