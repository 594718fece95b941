"""One cause, one red scenario: what cannot be checked because of a fault in section 1 is *not run*, and says why.

A key of the wrong environment, or one that may not read or write, is told by the scenarios of section 1. All others would only repeat
it in other words, or judge an environment that nobody asked about.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

import pytest

from pytest_flexprice.api import ApiError
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import NotVerified, RequirementNotMet, not_verified
from pytest_flexprice.run import collector, own_code
from pytest_flexprice.run.deadline import enforced
from pytest_flexprice.run.run import Run
from pytest_flexprice.testbed.proof import prove_environment

ACCESS_SECTION = 1
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_WRITTEN = ("/v1/customers", "/v1/events")


class Gate:
    """Keeps scenarios back whose ground is missing, and turns refusals by the server into what they mean."""

    def __init__(self, run: Run) -> None:
        self._run = run
        # By a clock that nobody sets while the run lasts.
        self._ends = time.monotonic() + (run.ends - datetime.now(UTC)).total_seconds()
        self._wrong_environment: bool | None = None
        self._no_writing: str | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Before a scenario: is this the environment it is about, and may the key do what it needs?"""
        with self._in_time(item):
            reason = self._reason(item) if collector.is_scenario(item) else ""
            if reason:
                pytest.skip(reason)
            return (yield from _translated(item))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """While it runs: a refusal for lack of permission belongs to item 1.2."""
        with self._in_time(item):
            return (yield from _translated(item))

    def _in_time(self, item: pytest.Item) -> AbstractContextManager[None]:
        left = self._ends - time.monotonic()
        return enforced(self._run.ends, left) if collector.is_scenario(item) else nullcontext()

    def _reason(self, item: pytest.Item) -> str:
        level = collector.level_of(item)
        if level in (Level.LINT, Level.PROBE) or _is_about_access(item):
            return ""
        if self._wrong_environment is None:
            self._wrong_environment = self._look_where()
        if self._wrong_environment:
            return "not run, because this is not the environment that the plan declares (1.1)"
        if level < Level.SMOKE:
            return ""
        if self._no_writing is None:
            self._no_writing = self._try_writing()
        return f"not run, because {self._no_writing} (1.2)" if self._no_writing else ""

    def _look_where(self) -> bool:
        """Whether this is another environment than the declared one; what exactly is told by item 1.1."""
        try:
            prove_environment(self._run.client(log=False), self._run.profile)
        except RequirementNotMet:
            return True
        except (NotVerified, ApiError):  # told by item 1.1 as well; reading goes on, writing is refused by the guard
            return False
        return False

    def _try_writing(self) -> str:
        client = self._run.client(log=False)
        refused = [path for path in _WRITTEN if client.request("POST", path, body={}).status == 403]
        return f"the key may not write {' and '.join(path.removeprefix('/v1/') for path in refused)}" if refused else ""


def _is_about_access(item: pytest.Item) -> bool:
    return any(each.section == ACCESS_SECTION for each in collector.items_of(item))


def _translated(item: pytest.Item) -> Generator[None, None, None]:
    try:
        return (yield)
    except pytest.FixtureLookupError as error:
        if not isinstance(item, pytest.Function) or not collector.is_scenario(item):
            raise
        pytest.fail(
            own_code.unknown_fixture(error, collector.step_functions(item), item.config.rootpath), pytrace=False
        )
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        where = str(error.filename or "the disk")
        raise not_verified("", where, f"{where} could not be written ({os.strerror(error.errno)})") from None
    except (ApiError, NotVerified) as error:
        refusal = error if isinstance(error, ApiError) else error.__cause__
        if not isinstance(refusal, ApiError):
            raise
        where = f"{refusal.method} {refusal.path}"
        if refusal.status in (401, 403) and not (collector.is_scenario(item) and _is_about_access(item)):
            pytest.skip(f"not run, because the key may not {where} ({refusal.status}; 1.2)")
        if isinstance(error, NotVerified):
            raise
        raise not_verified("", where, str(error).rstrip(".")) from error
