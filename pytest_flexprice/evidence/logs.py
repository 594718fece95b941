"""Log records lose their secrets when they are made, before any handler writes them to a terminal, a file or a report."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from pytest_flexprice.evidence.redaction import Redactor

_formatter = logging.Formatter()


def clean_log_records(redactor: Redactor) -> Callable[[], None]:
    """Clean every log record of this process from now on; gives the function that ends it."""
    make = logging.getLogRecordFactory()

    def make_clean(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        record.msg, record.args = redactor.text(_message(record)), None
        if record.exc_info:
            record.exc_text = redactor.text(_formatter.formatException(record.exc_info))
        return record

    logging.setLogRecordFactory(make_clean)
    return lambda: logging.setLogRecordFactory(make)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args}"  # a mistake in somebody's log call is theirs to see
