"""The wheel holds every room: what is not listed is missing only where nobody looks, in an installation."""

from __future__ import annotations

import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[2]
MAPPED = {"pytest_flexprice.features", "pytest_flexprice.steps"}


def test_every_package_is_listed() -> None:
    listed = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    folders = {path.parent.relative_to(PROJECT) for path in (PROJECT / "pytest_flexprice").rglob("__init__.py")}
    assert set(listed) == {".".join(folder.parts) for folder in folders} | MAPPED


def test_every_data_file_is_listed() -> None:
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "package-data"
    ]
    others = {
        path
        for path in (PROJECT / "pytest_flexprice").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    shipped = {
        found
        for package, patterns in declared.items()
        if package not in MAPPED
        for pattern in patterns
        for found in (PROJECT / package.replace(".", "/")).glob(pattern)
    }
    assert not {str(path.relative_to(PROJECT)) for path in others - shipped}
