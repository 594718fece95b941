"""Writing the catalog of an environment as a snapshot, to be reviewed and signed off (checklist 2.1)."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pytest_flexprice.api.catalog import read_everything
from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.oracle.catalog import canonical as catalog_json
from pytest_flexprice.oracle.catalog.objects import Catalog


def write_snapshot(flexprice: Flexprice, path: Path) -> str:
    """Write the environment's catalog to ``path`` in its canonical form and return its SHA-256.

    The same catalog always gives the same bytes, so a version control system shows what changed since it was signed off.

    Raises:
        ApiError, NotVerified: the catalog cannot be read; the file stays as it was.
    """
    return write(read_everything(flexprice, datetime.now(UTC)), path)


def write(catalog: Catalog, path: Path) -> str:
    """Write a catalog whole or not at all, and return its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, newline="\n", delete=False) as file:
        file.write(catalog_json.dumps(catalog))
    os.replace(file.name, path)
    path.chmod(0o644)
    return catalog_json.sha256(catalog)
