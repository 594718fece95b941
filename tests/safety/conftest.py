"""One company for all attacks: each must leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.safety.company import Company


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company in production, behind a hostile proxy that is peaceful until it is told otherwise."""
    made = Company(Path(tmp_path_factory.mktemp("company")))
    yield made
    made.stop()
