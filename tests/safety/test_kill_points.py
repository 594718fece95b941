"""A run that is killed before or after a write leaves nothing that one sweep does not take away; a selection of all points."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.safety.company import Company
from tests.safety.kill_points import KillPoint, kill

POINTS = [
    KillPoint(1, after=True, at="/v1/customers"),
    KillPoint(1, after=True, at="/v1/subscriptions"),
    KillPoint(1, after=False, workers=2, at="/v1/subscriptions"),
    KillPoint(1, after=True, at="/draft-and-compute"),
    KillPoint(1, after=False, at="/draft-and-compute"),
    KillPoint(1, after=True, workers=2, at="/void"),
    KillPoint(1, after=True, at="/cancel"),
]


@pytest.fixture
def own_company(tmp_path: Path) -> Iterator[Company]:
    """A company for one run."""
    made = Company(tmp_path)
    yield made
    made.stop()


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_one_sweep_leaves_nothing(point: KillPoint, own_company: Company) -> None:
    killed = kill(own_company, point)
    assert killed.write
    assert killed.foreign_untouched
    assert (killed.code, killed.left) == (0, []), killed.output
