"""Whatever a file holds, it is read or ends in sentences: never in a traceback, a hang, or the words of a library."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_flexprice.emulator.seeding.planned import catalog_of, customers_of
from pytest_flexprice.emulator.seeding.seed import SeedError
from pytest_flexprice.model.bounded import Unreadable
from pytest_flexprice.model.catalog_snapshot import SnapshotError
from pytest_flexprice.model.finding import NotVerified, RequirementNotMet
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.model.plan_file import PlanError, load
from pytest_flexprice.oracle.catalog import canonical
from pytest_flexprice.oracle.customers import declared
from pytest_flexprice.oracle.samples import check
from pytest_flexprice.run import variables
from tests import damaged_files, truthful_plans

TOLD = (PlanError, SnapshotError, SeedError, Unreadable, NotVerified, RequirementNotMet)
FOREIGN = ("Traceback", "site-packages", "pydantic", "Errno", "Invalid Input Error", "\0", "\x1b")
VARIABLES = "FLEXPRICE_API_KEY=sk_x\nOLD_KEY=\"a b\"\nexport X='y'\n# a comment\n"
FILES = {
    "plan": "golive.toml",
    "customers": "customers.csv",
    "catalog": "catalog.json",
    "samples": "ev.0.ndjson",
    "variables": ".env.prod",
}
#: Of each kind so many damaged files; ``FILES=1000 nice pytest tests/unit/test_any_file.py`` tries more, from another seed on.
EACH = {"plan": 120, "customers": 120, "catalog": 120, "samples": 30, "variables": 120}
MORE = int(os.environ.get("FILES", "0"))


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folders = [tmp_path_factory.mktemp(f"company-{seed}") for seed in range(6)]
    for seed, folder in enumerate(folders):
        truthful_plans.write(seed, folder)
        (folder / ".env.prod").write_text(VARIABLES, encoding="utf-8")
    return folders


def read_customers(plan: GoLivePlan) -> Iterator[object]:
    yield lambda: list(declared.rows(plan.customers, plan.folder))
    yield lambda: list(customers_of(plan))
    yield lambda: declared.notes(plan.customers, plan.folder)


def sentences(kind: str, folder: Path) -> list[str]:
    """What reading a file of that kind tells, nothing where it is read without a word."""
    path = folder / "golive.toml"
    asked: list[Callable[[], object]] = [lambda: load(path)]
    if kind == "variables":
        asked = [lambda: variables.read(folder / ".env.prod")]
    elif kind != "plan":
        plan = load(path)
        asked = {
            "customers": lambda: list(read_customers(plan)),
            "catalog": lambda: [lambda: canonical.signed_off("catalog.json", folder), lambda: catalog_of(plan)],
            "samples": lambda: [lambda: _checked(plan)],
        }[kind]()  # type: ignore[assignment]
    told = []
    for question in asked:
        try:
            question()
        except TOLD as error:
            told.append(str(error))
    return told


def _checked(plan: GoLivePlan) -> None:
    checked = check.check(plan.events, check.sample_files(plan), plan.folder, datetime.now(UTC), customers=["org_0"])
    found = [*checked.form, *checked.identity, *checked.names, *checked.customers, *checked.quantities]
    if found:
        raise RequirementNotMet(found)


def spoiled(chance: random.Random, kind: str, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if kind == "catalog" and chance.random() < 0.7:
        text = json.dumps(damaged_files.edited(chance, json.loads(text)))
        path.write_text(text, encoding="utf-8")
    elif kind == "samples" and chance.random() < 0.5:
        path.write_text(
            damaged_files.otherwise(chance, [json.loads(line) for line in text.splitlines()]), encoding="utf-8"
        )
    else:
        path.write_bytes(damaged_files.damaged(chance, text))
    if chance.random() < 0.05:
        damaged_files.misplaced(chance, path)


@pytest.mark.parametrize("kind", FILES)
def test_whatever_it_holds_it_is_read_or_told(kind: str, companies: list[Path], tmp_path: Path) -> None:
    told = 0
    seeds = range(1000, 1000 + MORE) if MORE else range(EACH[kind])
    for seed in seeds:
        chance = random.Random(f"{kind} {seed}")
        folder = tmp_path / str(seed)
        shutil.copytree(chance.choice(companies), folder)
        spoiled(chance, kind, folder / FILES[kind])
        for sentence in sentences(kind, folder):
            told += 1
            assert sentence.strip(), seed
            assert not [word for word in FOREIGN if word in sentence], (seed, sentence[:500])
            assert len(sentence) < 40_000, (seed, sentence[:500])
    assert told > len(seeds) / 8  # damage shows


def test_every_file_that_is_not_there_is_named(companies: list[Path], tmp_path: Path) -> None:
    for kind, name in FILES.items():
        folder = tmp_path / kind
        shutil.copytree(companies[0], folder)
        (folder / name).unlink()
        assert all(name in sentence for sentence in sentences(kind, folder))
