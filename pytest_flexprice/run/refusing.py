"""What a collection is refused for, in one sentence and exit code 4, wherever it was found out: here or in a worker of xdist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from pytest_flexprice.run import collector

_MOST_SHOWN = 20
REFUSED = "flexprice_refused"


@contextmanager
def refusing(session: pytest.Session) -> Iterator[None]:
    """A refusal leaves no scenario that anybody would wait for, and a worker hands its words to whoever started it."""
    try:
        yield
    except pytest.UsageError as error:
        session.items.clear()
        if hasattr(session.config, "workerinput"):
            session.config.workeroutput[REFUSED] = str(error)  # type: ignore[attr-defined] # xdist's
        raise


def untrusted(scenarios: Iterable[pytest.Item]) -> None:
    """Refuse steps that no run would carry out as they are meant."""
    found = [problem for item in scenarios for problem in collector.step_problems(item)]  # type: ignore[arg-type] # they are functions
    if found:
        several = list(dict.fromkeys(found))
        more = [f"and {len(several) - _MOST_SHOWN} more steps like these"] if len(several) > _MOST_SHOWN else []
        raise pytest.UsageError("\n".join(several[:_MOST_SHOWN] + more))


def missing(scenarios: Iterable[pytest.Item]) -> None:
    """Refuse a checklist with an item that has no scenario."""
    lost = collector.missing_items(scenarios)
    if lost:
        names = ", ".join(item.id for item in lost)
        raise pytest.UsageError(
            f"no scenario gives evidence for checklist item {names}; add one under golive/ or reinstall"
        )
