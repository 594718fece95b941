"""The mutants that CONTRIBUTING names can be made, and what they are held against is there."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = (
    "def f(a: int = 1) -> bool:\n    'Words.'\n    if not a:\n        raise ValueError\n    return a < 2 and f(a + 1)\n"
)


@pytest.fixture(scope="module")
def mutants() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutants", ROOT / ".ci" / "mutants.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_change_makes_another_module(mutants: ModuleType) -> None:
    made = set()
    for number in range(len(mutants.changes(SOURCE)[1])):
        tree, found = mutants.changes(SOURCE)
        found[number][2]()
        made.add(ast.unparse(ast.fix_missing_locations(tree)))
    whole = ast.unparse(ast.parse(SOURCE))
    told = {"a: int=2", "if a:", "pass", "return None", "a <= 2", "a < 3", " or ", "a - 1", "a + 2"}
    assert whole not in made
    assert {one for one in told if not any(one in each for each in made)} == set()
    assert len(made) == len(told)


def test_modules_and_their_tests_are_there(mutants: ModuleType) -> None:
    named = {ROOT / test for tests in mutants.TESTS.values() for test in tests} | {
        mutants.PACKAGE / one for one in mutants.TESTS
    }
    assert {path for path in named if not path.is_file()} == set()


def test_a_sample_is_the_same_each_time(mutants: ModuleType) -> None:
    chosen = [list(mutants.sample(["model/times.py"], 5, seed)) for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(chosen[0]) == 5
