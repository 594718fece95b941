"""A mistake in the company's own Python (its conftest, steps, fixtures) in one sentence with file and line, in place of a traceback.

``--full-trace`` shows the traceback all the same.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.evidence.written import FeatureError

_OTHERS = ("site-packages", "dist-packages", "importlib", "<frozen")


def sentence(error: BaseException, root: Path, loaded: str) -> str:
    """Where and how the code went wrong while ``loaded`` was read, such as "golive/conftest.py"."""
    if isinstance(error, SyntaxError) and error.filename:
        where, what = f"{_short(error.filename, root)}:{error.lineno}", f"is not Python: {error.msg}"
        return f"{where}: this {what}; correct that line (read for {loaded})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not any(part in frame.filename for part in _OTHERS)]
    last = next((frame for frame in reversed(own) if _inside(frame.filename, root)), None) or next(
        iter((own or frames)[-1:]), None
    )
    where = f"{_short(last.filename, root)}:{last.lineno}" if last else loaded
    text = " ".join(str(error).split())
    advice = (
        "; install it beside pytest-flexprice, or correct the name" if isinstance(error, ModuleNotFoundError) else ""
    )
    return f"{where}: {type(error).__name__}: {text}{advice} (while {loaded} was read; --full-trace shows how it came there)"


def tell(report: pytest.CollectReport, collector: pytest.Collector) -> None:
    """Put the sentence in the place of a collection's traceback, in place; sentences stay."""
    excinfo = getattr(getattr(report, "call", None), "excinfo", None)
    if excinfo is None:
        return
    error = getattr(excinfo.value, "cause", None) or excinfo.value  # of a conftest.py that cannot be imported
    error = error.__cause__ or error if isinstance(error, pytest.Collector.CollectError) else error
    if isinstance(error, FeatureError):
        report.longrepr = str(error)
    elif not isinstance(error, (pytest.Collector.CollectError, pytest.UsageError)):
        report.longrepr = sentence(error, collector.config.rootpath, collector.nodeid or str(collector.path))


def unknown_fixture(error: pytest.FixtureLookupError, functions: Iterable[Callable[..., Any]], root: Path) -> str:
    """Which function asks for what nobody provides; ``functions`` are those of the scenario's steps."""
    name = str(error.argname)
    stack = [definition.func for definition in error.fixturestack]
    asks = next((one for one in (*reversed(stack), *functions) if name in inspect.signature(one).parameters), None)
    code = getattr(inspect.unwrap(asks), "__code__", None) if asks else None
    where = f"{_short(code.co_filename, root)}:{code.co_firstlineno}: {code.co_name}" if code else "a step"
    request: Any = error.request
    if request._fixturemanager.getfixturedefs(name, request._pyfuncitem):
        return f"{where} asks for the fixture '{name}', which asks for it in turn; let one of them do without the other"
    return (
        f"{where} asks for '{name}', which is no fixture, no parameter of the step's sentence and no target_fixture of an earlier "
        "step; correct the name"
    )


def _inside(file: str, root: Path) -> bool:
    return Path(file).is_relative_to(root)


def _short(file: str, root: Path) -> str:
    return str(Path(file).relative_to(root)) if _inside(file, root) else file
