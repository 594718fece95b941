"""Mutants: what the tests do not notice when the code says something else, in the modules where that would cost most.

    python .ci/mutants.py                          # a sample with a fixed seed: minutes
    python .ci/mutants.py --all model/times.py     # every mutant of some modules

A mutant is one small change of one expression. It survives if the tests of its module stay green, and then either a test is missing
or the change means the same. mutmut leaves decorated functions and properties alone, which here is half of what matters; so this is
done with ``ast``: pytest is imported once, each mutant is a fork that imports its changed module in place of the true one.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pytest_flexprice"
CUSTOMERS = (
    "tests/unit/test_declared_customers.py",
    "tests/oracle/test_customers.py",
    "tests/oracle/test_subscriptions.py",
)
VERDICT = ("tests/evidence/test_verdict.py", "tests/unit/test_statements.py")
GUARD = ("tests/unit/test_guard.py", "tests/safety/test_guard_table.py")
TRAFFIC = ("tests/traffic/test_causes.py", "tests/traffic/test_looking.py", "tests/traffic/test_reconcile.py")
VALUES = ("tests/unit/test_values.py", "tests/oracle/test_from_api.py")
TESTS = {
    "model/values.py": VALUES,
    "model/times.py": VALUES,
    "model/prices.py": VALUES,
    "model/meters.py": VALUES,
    "model/decimals.py": ("tests/unit/test_decimals.py", *VALUES),
    "model/parsing.py": ("tests/unit/test_parsing.py",),
    "model/subscriptions.py": ("tests/unit/test_subscriptions.py", *VALUES),
    "model/customer_columns.py": CUSTOMERS,
    "model/declared_customers.py": CUSTOMERS,
    "model/near_miss.py": ("tests/oracle/test_event_names.py", *CUSTOMERS),
    "model/finding.py": (*VERDICT, "tests/oracle/test_customers.py"),
    "model/statements.py": VERDICT,
    "evidence/statements.py": VERDICT,
    "evidence/verdict.py": VERDICT,
    "evidence/execution.py": (*VERDICT, "tests/evidence/test_recording.py"),
    "evidence/companions.py": ("tests/evidence/test_resealed.py",),
    "traffic/causes.py": TRAFFIC,
    "traffic/traits.py": TRAFFIC,
    "traffic/looking.py": TRAFFIC,
    "traffic/search.py": TRAFFIC,
    "traffic/uncounted.py": TRAFFIC,
    "traffic/money.py": ("tests/traffic/test_money.py",),
    "api/guard.py": GUARD,
    "api/writes.py": GUARD,
    "testbed/ownership.py": ("tests/unit/test_ownership.py",),
}
OTHERWISE = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
Change = tuple[int, str, Callable[[], None]]


class Mutable(ast.NodeVisitor):
    """Everything in a module that can be changed: line, what becomes of it, and the change itself."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def _can(self, node: ast.AST, told: str, change: Callable[[], None]) -> None:
        self.changes.append((getattr(node, "lineno", 0), told, change))

    def _sets(self, node: ast.AST, name: str, value: object, told: str) -> None:
        self._can(node, told, lambda: setattr(node, name, value))

    def _statements(self, node: ast.AST) -> None:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            for at, each in enumerate(block if isinstance(block, list) else ()):
                if isinstance(each, ast.Raise | ast.Continue | ast.Break) or (
                    isinstance(each, ast.Expr) and isinstance(each.value, ast.Call | ast.Yield | ast.YieldFrom)
                ):
                    self._can(each, f"no {ast.unparse(each)[:60]}", lambda b=block, i=at: b.__setitem__(i, ast.Pass()))

    def generic_visit(self, node: ast.AST) -> None:
        self._statements(node)
        super().generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_arguments(self, node: ast.arguments) -> None:
        for default in (*node.defaults, *node.kw_defaults):
            if default is not None:
                self.visit(default)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._statements(node)
        for each in (node.args, *node.body):
            self.visit(each)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """What is told in sentences is left alone."""

    def visit_Compare(self, node: ast.Compare) -> None:
        for at, operator in enumerate(node.ops):
            other = OTHERWISE.get(type(operator))
            if other:
                told = f"{type(operator).__name__} → {other.__name__} in {ast.unparse(node)[:60]}"
                self._can(node, told, lambda i=at, o=other: node.ops.__setitem__(i, o()))
        self.generic_visit(node)

    def _operator(self, node: ast.BoolOp | ast.BinOp | ast.AugAssign) -> None:
        other = OTHERWISE.get(type(node.op))
        if other:
            told = f"{type(node.op).__name__} → {other.__name__} in {ast.unparse(node)[:60]}"
            self._sets(node, "op", other(), told)
        self.generic_visit(node)

    visit_BoolOp = visit_BinOp = visit_AugAssign = _operator

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._sets(node, "value", ast.Constant(None), f"return None for {ast.unparse(node.value)[:60]}")
        self.generic_visit(node)

    def _test(self, node: ast.If | ast.IfExp | ast.While) -> None:
        test = node.test
        plain = test.operand if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else None
        told = f"the other way round: {ast.unparse(test)[:60]}"
        self._sets(node, "test", plain or ast.UnaryOp(ast.Not(), test), told)
        self.generic_visit(node)

    visit_If = visit_IfExp = _test

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for at, test in enumerate(node.ifs):
            self._can(
                test,
                f"all, not only if {ast.unparse(test)[:60]}",
                lambda i=at: node.ifs.__setitem__(i, ast.Constant(True)),
            )
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._sets(node, "value", not value, f"{value} → {not value}")
        elif isinstance(value, int):
            self._sets(node, "value", value + 1, f"{value} → {value + 1}")
        elif isinstance(value, str) and value and " " not in value:
            self._sets(node, "value", f"{value}X", f"'{value[:40]}' → '{value[:40]}X'")


def changes(source: str) -> tuple[ast.Module, list[Change]]:
    tree, found = ast.parse(source), Mutable()
    found.visit(tree)
    return tree, found.changes


class FewExamples:
    """Property tests try a few examples only: what they add, tests by example nearly always tell sooner."""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            usual = getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None)
            if usual is not None:
                item.obj._hypothesis_internal_use_settings = settings(usual, max_examples=min(usual.max_examples, 15))


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed tree."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def exec_module(self, module: object) -> None:
        exec(compile(ast.fix_missing_locations(self.tree), self.path, "exec"), vars(module))


def killed(module: str, number: int | None, tests: Sequence[str], seconds: float) -> bool:
    """Whether the tests notice the mutant of that number; without a number, whether they are red as it is."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            if number is not None:
                path = PACKAGE / module
                tree, found = changes(path.read_text(encoding="utf-8"))
                found[number][2]()
                name = "pytest_flexprice." + module.removesuffix(".py").replace("/", ".")
                sys.meta_path.insert(0, Changed(name, path, tree))
            arguments = [
                "-q",
                "-x",
                "-p",
                "no:randomly",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:xdist",
                "--hypothesis-seed=0",
            ]
            os._exit(int(pytest.main([*arguments, *tests], plugins=[FewExamples()]) != pytest.ExitCode.OK))
        os._exit(1)
    return os.waitpid(child, 0)[1] != 0


def sample(modules: Sequence[str], most: int | None, seed: int) -> Iterator[tuple[str, int]]:
    """Of each module that many mutants, the same each time."""
    for module in modules:
        numbers = list(range(len(changes((PACKAGE / module).read_text(encoding="utf-8"))[1])))
        if most is not None and most < len(numbers):
            numbers = sorted(random.Random(f"{seed} {module}").sample(numbers, most))
        yield from ((module, number) for number in numbers)


def tried(module: str, numbers: Sequence[int]) -> list[int]:
    """The mutants that survive."""
    tests = [each for each in TESTS[module] if (ROOT / each).exists()]
    began = time.monotonic()
    if killed(module, None, tests, 600):
        raise SystemExit(f"{module}: its tests are red as it is, or take ten minutes: {' '.join(tests)}")
    usual = time.monotonic() - began
    return [number for number in numbers if not killed(module, number, tests, 10 + 5 * usual)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "modules", nargs="*", default=list(TESTS), help="such as model/times.py; default: all that are listed here"
    )
    parser.add_argument("--most", type=int, default=12, help="so many mutants of each module (default %(default)s)")
    parser.add_argument("--all", action="store_true", help="every mutant")
    parser.add_argument("--seed", type=int, default=1, help="another sample")
    chosen = parser.parse_args()
    os.chdir(ROOT)
    os.environ["CI"] = "1"  # the tests' own examples are the same each time
    for each in ("allure_pytest.plugin", "jinja2", "pydantic", "pytest_bdd.plugin", "requests", "xdist.plugin"):
        importlib.import_module(each)  # once, not in each fork
    total = left = 0
    for module in chosen.modules:
        numbers = [number for _, number in sample([module], None if chosen.all else chosen.most, chosen.seed)]
        began, survivors = time.monotonic(), tried(module, numbers)
        total, left = total + len(numbers), left + len(survivors)
        print(
            f"{module}: {len(numbers) - len(survivors)} of {len(numbers)} noticed, {time.monotonic() - began:.0f} s",
            flush=True,
        )
        known = changes((PACKAGE / module).read_text(encoding="utf-8"))[1]
        for number in survivors:
            print(f"    line {known[number][0]}: {known[number][1]}", flush=True)
    print(f"{total - left} of {total} mutants noticed ({100 * (total - left) / max(total, 1):.0f} %)")


if __name__ == "__main__":
    main()
