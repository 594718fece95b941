"""What pytest itself prints, without secrets: its terminal, its trace, logs, warnings, and errors outside of scenarios."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from typing import Any

import pytest
from _pytest.junitxml import xml_key

from pytest_flexprice.evidence.logs import clean_log_records
from pytest_flexprice.evidence.longrepr import redact_report, redacted
from pytest_flexprice.evidence.redaction import Redactor
from pytest_flexprice.evidence.streams import clean_terminal, clean_trace


class NoSecrets:
    """The plugin that stands between a process and whatever shows what pytest says; reports of scenarios are the recorder's."""

    def __init__(self, config: pytest.Config, redactor: Redactor) -> None:
        self.config = config
        self.redactor = redactor
        config.add_cleanup(clean_log_records(redactor))
        clean_trace(config, redactor)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """The terminal is configured by now."""
        clean_terminal(self.config, self.redactor)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Warnings are printed at the end."""
        text = str(warning_message.message)
        if self.redactor.text(text) != text:
            warning_message.message = warning_message.category(self.redactor.text(text))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """What cannot be collected is reported."""
        report = yield
        redact_report(report, self.redactor)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Somebody's own ``--junitxml`` holds names of tests, and properties of the whole suite, beside what is in the reports."""
        xml: Any = self.config.stash.get(xml_key, None)
        if xml is None:
            return
        xml.global_properties[:] = [tuple(self.redactor.text(each) for each in pair) for pair in xml.global_properties]
        for element in (each for reporter in xml.node_reporters_ordered for each in reporter.to_xml().iter()):
            for name, value in element.items():
                element.set(name, self.redactor.text(value))

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        """An error of pytest or of a plugin is shown."""
        redacted(excrepr, self.redactor)
