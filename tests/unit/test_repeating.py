"""In production nothing is sent twice unless the plan says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_flexprice.testbed.usage_rungs import may_repeat


@pytest.mark.parametrize(
    ("production", "allowed", "may"),
    [(True, False, False), (True, True, True), (False, False, True), (False, True, True)],
)
def test_who_may_send_twice(production: bool, allowed: bool, may: bool) -> None:
    profile = SimpleNamespace(production=production, environment=SimpleNamespace(allow_duplicates=allowed))
    assert may_repeat(cast("Any", profile)) is may
