"""Every place in the code from which something can be written: which request, and what proves that it is about the run's own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from pytest_flexprice.api import WriteGuard, WriteRefused
from pytest_flexprice.api.guard import is_permission_probe, is_read
from pytest_flexprice.api.writes import WRITES
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.golive_plan import Environment
from pytest_flexprice.oracle.access import Belonging

PACKAGE = Path(__file__).parents[2] / "pytest_flexprice"
STEPS = Path(__file__).parents[2] / "steps"
#: What does not talk to a company's Flexprice: the embedded one, and what fills it for a rehearsal.
WITHIN = ("emulator", "rehearsal")
SENDING = re.compile(r"\.(?:post|put|patch|delete|request)\(")
#: One segment of a path that is known only when the program runs.
ANY = "theirs"

#: Request: what proves that it is about the run's own. A new one needs its line here, and its proof.
MADE_OR_READ = "made and compared by this process, or its answer is read first: whose it is"
PROOFS = {
    f"DELETE /v1/customers/{ANY}": MADE_OR_READ,
    "POST /v1/customers": "an external id of this run, in the ledger before it is sent",
    "POST /v1/events": "an external id of this run's customer",
    "POST /v1/events/bulk": "an external id of this run's customer, in each event",
    f"POST /v1/invoices/{ANY}/compute": "a row of a search, compared with customer, subscription and time of making",
    f"POST /v1/invoices/{ANY}/finalize": "the same",
    f"POST /v1/invoices/{ANY}/void": MADE_OR_READ,
    "POST /v1/subscriptions": "the customer's id in the answer that made it",
    f"POST /v1/subscriptions/temporal/{ANY}/draft-and-compute": "the id in the answer that made it",
    f"POST /v1/subscriptions/{ANY}/activate": MADE_OR_READ,
    f"POST /v1/subscriptions/{ANY}/cancel": MADE_OR_READ,
    f"POST /v1/wallets/{ANY}/terminate": MADE_OR_READ,
}


def _segment(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ANY


def _paths(node: ast.expr, scope: ast.AST, module: ast.AST) -> list[str]:
    """The paths that an argument may be, by its function or its module, or [""] where that cannot be told."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "path_of":
        return ["/".join(["/v1", *map(_segment, node.args)])]
    if isinstance(node, ast.JoinedStr):
        first, *rest = (one.value if isinstance(one, ast.FormattedValue) else one for one in node.values)
        end = "".join(map(_segment, rest))
        return [path and path + end for path in _paths(first, scope, module)]
    if isinstance(node, ast.Name):
        found = _assigned(node.id, ast.walk(scope)) or _assigned(node.id, ast.iter_child_nodes(module))
        return [path for value in found for path in _paths(value, scope, module)] or [""]
    return [""]


def _assigned(name: str, nodes: Iterable[ast.AST]) -> list[ast.expr]:
    assigning = (each for each in nodes if isinstance(each, ast.Assign))
    return [
        each.value for each in assigning if any(isinstance(one, ast.Name) and one.id == name for one in each.targets)
    ]


def _requests(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for scope in ast.walk(tree):
        if not isinstance(scope, (ast.FunctionDef, ast.Lambda)):
            continue
        for call in ast.walk(scope):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or not call.args:
                continue
            method = call.func.attr.upper()
            if method in ("POST", "PUT", "PATCH", "DELETE"):
                yield from ((method, path) for path in _paths(call.args[0], scope, tree))
            elif method == "REQUEST" and isinstance(call.args[0], ast.Constant) and len(call.args) > 1:
                yield from ((str(call.args[0].value), path) for path in _paths(call.args[1], scope, tree))


@cache
def sent() -> dict[tuple[str, str], set[str]]:
    """Each request that is no GET, and the files it stands in."""
    found: dict[tuple[str, str], set[str]] = {}
    files = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in WITHIN]
    for path in (*files, *STEPS.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not SENDING.search(text):
            continue
        for request in _requests(ast.parse(text)):
            found.setdefault(request, set()).add(path.name)
    return found


def test_every_write_has_its_proof() -> None:
    written = {
        f"{method} {path}"
        for method, path in sent()
        if path and method != "GET" and not is_read(method, path) and not is_permission_probe(method, path, {"x": 1})
    }
    assert written == set(PROOFS)


def test_a_path_that_is_made_elsewhere_stands_in_few_files_only() -> None:
    """What cannot be told from the code is told from the guard, which sees every request."""
    unknown = {file for (method, path), files in sent().items() if not path and method != "GET" for file in files}
    assert unknown <= {"client.py", "previews.py", "gating.py", "access.py"}


def test_the_guard_knows_those_writes_and_no_other() -> None:
    def allowed(method: str, path: str) -> bool:
        return any(write.method == method and write.path.fullmatch(path) for write in WRITES)

    requests = [tuple(each.split(" ", 1)) for each in PROOFS]
    assert all(allowed(*each) for each in requests)
    assert all(any(one.path.fullmatch(path) and one.method == method for method, path in requests) for one in WRITES)


@pytest.mark.parametrize("request_", PROOFS)
def test_none_of_them_leaves_for_what_is_not_ours(request_: str) -> None:
    guard = WriteGuard(Level.SMOKE, True, lambda identifier: identifier == "ours")
    declared = Environment(base_url="https://us.api.flexprice.io", environment_id="env_1", type="production")
    assert guard.prove(Belonging("env_1", "plans", "production"), declared, "") == []
    named = {"customer_id": ANY, "external_customer_id": ANY, "external_id": ANY, "event_name": "x"}
    method, path = request_.split(" ", 1)
    for body in (None, named, {"events": [named]}, {"external_id": ANY}, {"external_customer_id": ANY}):
        if is_permission_probe(method, path, {} if body is None else body):
            continue
        with pytest.raises(WriteRefused, match="was not sent"):
            guard.check(method, path, body)
