"""The worked example of CONTRIBUTING does what it says: applied to a copy of the project, it is green, and red where it must be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"\bIn `([\w/.]+)`(?:, below `([^`]+)`)?:\n\n```\w+\n(.*?)```", re.DOTALL)
_IMPORTS = re.compile(r"(?:from [^\n]+\n)+")
_COPIED = ("pytest_flexprice", "steps", "features", "tests/faults", "tests/oracle", "docs/reference")


class Block(NamedTuple):
    """A block of code and the file it goes to, at its end or below a line."""

    path: str
    below: str
    code: str


BLOCKS = [Block(*found) for found in _BLOCK.findall(PAGE)]


def put(block: Block, folder: Path) -> None:
    """Do what the page says with a block; what it imports goes to the other imports of the file."""
    path = folder / block.path
    if not path.exists():
        path.write_text(block.code, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    if block.below:
        line = next(line for line in text.splitlines(keepends=True) if block.below in line)
        path.write_text(text.replace(line, line + block.code, 1), encoding="utf-8")
        return
    imports = _IMPORTS.match(block.code)
    if imports:
        first = text.index("\nfrom pytest_flexprice") + 1
        text = text[:first] + imports[0] + text[first:]
    code = block.code[imports.end() if imports else 0 :].strip("\n")
    between = "\n\n\n" if path.suffix == ".py" else "\n\n"
    path.write_text(text.rstrip("\n") + between + code + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the example in it."""
    folder = tmp_path_factory.mktemp("project")
    for name in _COPIED:
        shutil.copytree(PROJECT / name, folder / name)  # with what is compiled
    for name in ("__init__.py", "suite.py", "warm.py", "warm_workers.py"):
        shutil.copy(PROJECT / "tests" / name, folder / "tests" / name)
    shutil.copy(PROJECT / "pyproject.toml", folder)
    for block in BLOCKS:
        put(block, folder)
    for name in ("steps", "features"):  # where an installed package has them
        (folder / "pytest_flexprice" / name).symlink_to(folder / name, target_is_directory=True)
    return folder


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the copy."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLEXPRICE_", "PYTEST_"))}
    environ = {**kept, "PYTHONPATH": str(folder), "FLEXPRICE_REHEARSAL_EVENTS": "0"}
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False)


def test_the_example_is_whole() -> None:
    assert len(BLOCKS) == 6
    assert [block.path.split("/")[0] for block in BLOCKS] == [
        "pytest_flexprice",
        "tests",
        "features",
        "steps",
        "pytest_flexprice",
        "tests",
    ]


def test_its_own_tests_pass_and_its_fault_turns_exactly_its_item_red(changed: Path) -> None:
    where = python(changed, "-c", "import pytest_flexprice; print(pytest_flexprice.__file__)")
    assert where.stdout.startswith(str(changed)), where
    tried = python(
        changed, "-m", "pytest", "-q", "tests/oracle/test_placeholders.py", "tests/faults", "-k", "placeholder"
    )
    assert re.search(r"^5 passed", tried.stdout, re.MULTILINE), tried.stdout + tried.stderr


def test_the_demo_company_passes_the_new_check(changed: Path, tmp_path: Path) -> None:
    run = python(
        changed, "-m", "pytest", "--flexprice-env=local", f"--flexprice-reports={tmp_path}", "-k", "for_tests_only"
    )
    assert re.search(r"\b1 passed", run.stdout), run.stdout + run.stderr


def test_what_it_writes_is_as_tidy_as_the_rest(changed: Path) -> None:
    """But for the order of imports, which ``ruff check --fix`` makes."""
    paths = [block.path for block in BLOCKS if block.path.endswith(".py")]
    for check in (["check", "--ignore=I001"], ["format", "--check"]):
        ran = python(changed, "-m", "ruff", *check, "--no-cache", *paths)
        assert ran.returncode == 0, ran.stdout + ran.stderr
