"""Stands before Allure's file writer: no result, container or attachment reaches the disk with a secret in it.

It also gives our own exceptions their plain words: categories are told apart by them, and a reader needs no class names.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import allure_commons
import attr
import pytest
from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Parameter, Status

from pytest_flexprice.evidence.allure_files import LEFT_BEHIND, NOT_DECIDED, NOT_MET, NOT_VERIFIED
from pytest_flexprice.evidence.redaction import Redactor

WORDS = {
    "RequirementNotMet": NOT_MET,
    "NotVerified": NOT_VERIFIED,
    "NotDecided": NOT_DECIDED,
    "LeftBehind": LEFT_BEHIND,
}
EXAMPLE = "_pytest_bdd_example"
LASTING_MS = 50
_OURS = re.compile(rf"^(?:[\w.]+\.)?(?P<name>{'|'.join(WORDS)}): ")


class RedactingLogger:
    """Takes the place of ``AllureFileLogger`` and hands on what it has cleaned."""

    def __init__(self, inner: AllureFileLogger, redactor: Redactor) -> None:
        # allure has no annotations
        self.inner: Any = inner
        self._redactor = redactor

    def _write(self, report: Callable[..., None], *what: Any) -> None:
        """Hand on; where the disk is full the run goes on, as its verdict does not hang on Allure."""
        try:
            report(*what)
        except OSError as error:
            warnings.warn(f"Allure's results are not whole ({error.strerror})", pytest.PytestWarning, stacklevel=2)

    @allure_commons.hookimpl
    def report_result(self, result: Any) -> None:
        """One scenario's result."""
        _in_plain_words(result)
        _spread_example(result)
        self._write(self.inner.report_result, self._clean(result))

    @allure_commons.hookimpl
    def report_container(self, container: Any) -> None:
        """Fixtures' set-up and tear-down, those that went wrong or took their time."""
        for part in ("befores", "afters"):
            setattr(container, part, list(filter(_is_told, getattr(container, part) or [])))
        if container.befores or container.afters:
            self._write(self.inner.report_container, self._clean(container))

    @allure_commons.hookimpl
    def report_globals(self, globals_item: Any) -> None:
        """Attachments and errors of the run as a whole."""
        self._write(self.inner.report_globals, self._clean(globals_item))

    @allure_commons.hookimpl
    def report_attached_data(self, body: Any, file_name: str) -> None:
        """An attachment given as text or bytes; bytes that are no text are handed on as they are. Its name may hold what a step chose."""
        file_name = self._redactor.text(file_name)
        try:
            text = body if isinstance(body, str) else bytes(body).decode("utf-8")
        except UnicodeDecodeError:
            self._write(self.inner.report_attached_data, body, file_name)
            return
        self._write(self.inner.report_attached_data, _cleaned_text(text, self._redactor), file_name)

    @allure_commons.hookimpl
    def report_attached_file(self, source: str, file_name: str) -> None:
        """An attachment given as a file."""
        self.report_attached_data(Path(source).read_bytes(), file_name)

    def _clean(self, model: Any) -> Any:
        """Clean every text of one of Allure's models, in place."""
        if isinstance(model, str):
            return self._redactor.text(model)
        if isinstance(model, list):
            return [self._clean(one) for one in model]
        if attr.has(type(model)):
            for field in attr.fields(type(model)):
                setattr(model, field.name, self._clean(getattr(model, field.name)))
        return model


def install(config: pytest.Config, redactor: Redactor) -> None:
    """Put ourselves before Allure's writers until pytest is done."""
    manager = allure_commons.plugin_manager
    for plugin in list(manager.get_plugins()):
        if isinstance(plugin, AllureFileLogger):
            name = manager.get_name(plugin)
            wrapper = RedactingLogger(plugin, redactor)
            manager.unregister(plugin)
            manager.register(wrapper)
            config.add_cleanup(partial(_give_back, wrapper, name))


def _give_back(wrapper: RedactingLogger, name: str | None) -> None:
    # allure-pytest unregisters its own writer at the end, so it has to be back by then.
    allure_commons.plugin_manager.unregister(wrapper)
    allure_commons.plugin_manager.register(wrapper.inner, name)


def _cleaned_text(text: str, redactor: Redactor) -> str:
    """JSON is cleaned by its keys, everything else as text."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.dumps(redactor.data(json.loads(text)), ensure_ascii=False, indent=2)
        except ValueError:
            pass
    return redactor.text(text)


def _is_told(fixture: Any) -> bool:
    if fixture.status not in (None, Status.PASSED):
        return True
    name = str(fixture.name or "")
    internal = name.startswith(("_", "pytestbdd_")) or "::" in name
    return not internal and (fixture.stop or 0) - (fixture.start or 0) >= LASTING_MS


def _in_plain_words(result: Any) -> None:
    details: Any = getattr(result, "statusDetails", None)
    message = str(getattr(details, "message", None) or "")
    ours = _OURS.match(message)
    if ours:
        details.message = f"{WORDS[ours['name']]}: {message[ours.end() :].rstrip()}"
        # The traceback of an expected end says nothing to its reader.
        details.trace = None
    for step in getattr(result, "steps", None) or []:
        _in_plain_words(step)


def _spread_example(result: Any) -> None:
    """Show an example's row column by column, not as pytest-bdd's own parameter."""
    shown = []
    for parameter in result.parameters:
        try:
            row = ast.literal_eval(parameter.value) if parameter.name == EXAMPLE else None
        except (ValueError, SyntaxError):
            row = None
        if isinstance(row, dict):
            shown += [Parameter(name=str(name), value=str(value)) for name, value in row.items()]
        elif parameter.name != EXAMPLE:
            shown.append(parameter)
    result.parameters = shown
