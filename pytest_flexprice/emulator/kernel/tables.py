"""Rows of one resource: by id, per environment, in order of creation, found by attribute through indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Row(dict[str, Any]):
    """The published JSON fields of one object (Python values) and internal keys that start with ``_``.

    Assigning keeps the indexes of its table right, so a row may be changed in place.
    """

    __slots__ = ("order", "table")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table: Table | None = None
        self.order = 0

    def __setitem__(self, key: str, value: Any) -> None:
        if self.table is not None:
            self.table.reindex(self, key, value)
        super().__setitem__(key, value)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Assign several fields."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def public(self, **extra: Any) -> dict[str, Any]:
        """A plain copy without internal keys, with ``extra`` fields on top."""
        return {**{k: v for k, v in self.items() if not k.startswith("_")}, **extra}


_MISSING = object()


class Table:
    """All rows of a resource. Every row has an ``id``; the environment is a part of the place, not of the row."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._rows: dict[str, dict[str, Row]] = {}
        self._home: dict[str, str] = {}
        self._indexes: dict[str, dict[tuple[str, Any], dict[str, Row]]] = {}
        self._made = 0

    def insert(self, row: dict[str, Any], environment: str | None = None) -> Row:
        """Store a row under ``environment`` (default: its ``environment_id``) and return the stored one."""
        stored = row if isinstance(row, Row) else Row(row)
        home = stored["environment_id"] if environment is None else environment
        self._rows.setdefault(home, {})[stored["id"]] = stored
        self._home[stored["id"]] = home
        for key in self._indexes:
            self._put(key, stored, stored.get(key))
        stored.table = self
        self._made += 1
        stored.order = self._made
        return stored

    def get(self, identifier: str, environment: str) -> Row | None:
        """The row of that id in that environment, of any status."""
        return self._rows.get(environment, {}).get(identifier)

    def remove(self, row: Row) -> None:
        """Forget a row altogether."""
        for key in self._indexes:
            self._drop(key, row, row.get(key))
        del self._rows[self._home.pop(row["id"])][row["id"]]
        row.table = None

    def all(self, environment: str) -> list[Row]:
        """Every row of the environment, oldest first."""
        return list(self._rows.get(environment, {}).values())

    def environments(self) -> list[str]:
        """The environments that have rows here."""
        return list(self._rows)

    def find(self, environment: str, **equal: Any) -> list[Row]:
        """The rows whose fields equal all the given values, oldest first."""
        return list(self._matching(environment, equal))

    def everywhere(self, **equal: Any) -> list[Row]:
        """The same of all environments: what the server's jobs look at."""
        return [row for environment in list(self._rows) for row in self._matching(environment, equal)]

    def first(self, environment: str, **equal: Any) -> Row | None:
        """The oldest row whose fields equal all the given values."""
        return next(self._matching(environment, equal), None)

    def __len__(self) -> int:
        return len(self._home)

    def _matching(self, environment: str, equal: dict[str, Any]) -> Iterator[Row]:
        rows: Any = self._rows.get(environment, {}).values()
        for key, value in equal.items():
            try:
                rows = sorted(self._index(key).get((environment, value), {}).values(), key=lambda row: row.order)
            except TypeError:  # an unhashable value has no place in an index
                continue
            break
        for row in list(rows):
            if all(row.get(key) == value for key, value in equal.items()):
                yield row

    def _index(self, key: str) -> dict[tuple[str, Any], dict[str, Row]]:
        if key not in self._indexes:
            self._indexes[key] = {}
            for rows in self._rows.values():
                for row in rows.values():
                    self._put(key, row, row.get(key))
        return self._indexes[key]

    def reindex(self, row: Row, key: str, value: Any) -> None:
        """Called by a row before ``key`` changes."""
        if key in self._indexes:
            self._drop(key, row, row.get(key))
            self._put(key, row, value)

    def _put(self, key: str, row: Row, value: Any) -> None:
        place = (self._home[row["id"]], _hashable(value))
        self._indexes[key].setdefault(place, {})[row["id"]] = row

    def _drop(self, key: str, row: Row, value: Any) -> None:
        place = (self._home[row["id"]], _hashable(value))
        self._indexes[key].get(place, {}).pop(row["id"], None)


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return _MISSING
    return value
