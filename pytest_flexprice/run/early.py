"""Before there is a run: the secrets that its refusal could show."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from _pytest.config import ConftestImportFailure

from pytest_flexprice.evidence.redaction import Redactor
from pytest_flexprice.evidence.sensitive import is_sensitive
from pytest_flexprice.model.bounded import Unreadable
from pytest_flexprice.model.shown import shown
from pytest_flexprice.run import variables
from pytest_flexprice.run.own_code import sentence

#: The shell's own: folders, whose names every refusal has to show, although they read like passwords.
_FOLDERS = frozenset({"PWD", "OLDPWD"})
_SHORTEST_MIXED, _SHORTEST = 10, 20  # characters of a secret, with digits among its letters and without


def redactor_for(rootdir: Path, name: str) -> Redactor:
    """A redactor that knows what stands under sensitive names in the environment and in ``.env.<name>``."""
    return Redactor(_sensitive(rootdir, name))


def secrets_around(rootdir: Path, name: str) -> Iterator[str]:
    """What of that no report needs to show: other systems' keys and passwords, but no words, places and addresses."""
    return (value for value in _sensitive(rootdir, name) if _is_no_word(value))


def _sensitive(rootdir: Path, name: str) -> Iterator[str]:
    for each in (os.environ, _of_file(rootdir / f".env.{name}")):
        for variable, value in each.items():
            if value and variable not in _FOLDERS and is_sensitive(variable):
                yield value


def _is_no_word(value: str) -> bool:
    if value.startswith(("/", ".", "~", "http://", "https://")):
        return False
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return len(value) >= (_SHORTEST_MIXED if mixed else _SHORTEST)


def refusal(rootdir: Path, name: str, error: Exception) -> pytest.UsageError:
    """The one sentence of a run that cannot begin, without secrets and without what a terminal would obey."""
    return pytest.UsageError(shown(redactor_for(rootdir, name).text(str(error))))


def _of_file(path: Path) -> Mapping[str, str | None]:
    try:
        return variables.read(path)
    except Unreadable:  # told by whoever needs it
        return {}


@contextmanager
def clean_import(rootdir: Path, name: str, *, full: bool = False) -> Generator[None]:
    """An error while a ``conftest.py`` is imported is one sentence and shows no secret; ``full`` keeps a traceback that shows none.

    Raises:
        pytest.UsageError: in place of the error.
    """
    try:
        yield
    except ConftestImportFailure as error:
        told = sentence(error.cause, rootdir, str(error.path))
        clean = redactor_for(rootdir, name).text(told)
        if full and clean == told:
            raise
        raise pytest.UsageError(clean) from None
