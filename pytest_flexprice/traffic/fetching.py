"""Where Ibis and Python meet: rows that are fetched, and small tables that are brought along."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import ibis
import pyarrow as pa

from pytest_flexprice.traffic.numbers import Rows


@contextmanager
def quietly() -> Iterator[None]:
    """What engines' drivers deprecate among themselves is none of a run's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def fetched(rows: Rows) -> list[dict[str, Any]]:
    """The rows of an expression."""
    with quietly():
        return list(rows.to_pyarrow().to_pylist())


def in_memory(columns: Mapping[str, Sequence[Any]]) -> Rows:
    """A small table to join with."""
    return ibis.memtable(pa.table(dict(columns)))
