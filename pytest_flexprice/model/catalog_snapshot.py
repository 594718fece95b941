"""The catalog snapshot as a file: what may stand in it, read whole or told place by place (checklist 2.1).

People review and edit the snapshot. It is read into one normal form, in which numbers are plain decimal text; a value that means something
else than it seems to, such as "1,000", is refused. The rules are those of Flexprice's own requests (contract 2.1 to 2.5).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_flexprice.model import snapshot_rules, spoken
from pytest_flexprice.model.bounded import LARGEST_CATALOG, Unreadable, parse_json, read_text
from pytest_flexprice.model.snapshot_parts import Snapshot

FORMAT = 1
WHAT = "the catalog snapshot"


class SnapshotError(Exception):
    """A snapshot file cannot be used; the message is one sentence with file, place and remedy, ``problems`` the single places."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(f"{path}: {spoken.several(problems, 'places of the catalog snapshot cannot be used')}")


def read(path: Path) -> dict[str, Any]:
    """The snapshot in its normal form: nested dicts and lists, numbers as plain decimal text.

    Raises:
        SnapshotError: the file is missing, is not JSON, or holds something that no catalog can; all such places are told.
    """
    try:
        document = parse_json(read_text(path, WHAT, LARGEST_CATALOG), path, WHAT)
    except FileNotFoundError:
        raise SnapshotError(path, ["there is no such catalog snapshot; write one with --flexprice-snapshot"]) from None
    except Unreadable as error:
        reason = re.sub(
            r"^:(\d+)?:? ", lambda at: f"line {at[1]}: " if at[1] else "", str(error).removeprefix(f"{path}")
        )
        reason = reason.rstrip(".")
        raise SnapshotError(
            path, [f"{reason}; or write the catalog snapshot again with --flexprice-snapshot"]
        ) from None
    return checked(document, path)


def signed_off(name: str, folder: Path) -> dict[str, Any]:
    """The snapshot of that name beside the plan, in its normal form.

    Raises:
        SnapshotError: as for ``read``; where the name looks like an environment's, that is said.
    """
    path = folder / name
    if name and not Path(name).suffix and "/" not in name and not path.exists():
        raise SnapshotError(
            path,
            [
                f"'{name}' is neither an environment of the plan nor a file beside it; add a table [environments.{name}], "
                "or write a catalog snapshot with --flexprice-snapshot and name that file"
            ],
        )
    return read(path)


def checked(document: Any, path: Path) -> dict[str, Any]:
    """A parsed snapshot in its normal form.

    Raises:
        SnapshotError: as for ``read``.
    """
    if not isinstance(document, dict) or "flexprice_catalog" not in document:
        raise SnapshotError(
            path,
            [
                f'this is no catalog snapshot: expected an object with "flexprice_catalog": {FORMAT}; write it with --flexprice-snapshot'
            ],
        )
    try:
        snapshot = Snapshot.model_validate(document)
    except ValidationError as error:
        raise SnapshotError(path, spoken.sentences(error, Snapshot, WHAT, spoken.JSON)) from None
    problems = list(snapshot_rules.disagreements(snapshot))
    if problems:
        raise SnapshotError(path, problems)
    return snapshot.model_dump(exclude_unset=True)
