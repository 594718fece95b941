"""Where Ibis and Python meet: rows that are fetched, and small tables that are brought along."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import ibis
import ibis.expr.operations as ops
import pyarrow as pa

from pytest_flexprice.traffic.dialects import FLATTENING
from pytest_flexprice.traffic.numbers import Rows


@contextmanager
def quietly() -> Iterator[None]:
    """What engines' drivers deprecate among themselves is none of a run's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@contextmanager
def compiling(backend: Any) -> Iterator[None]:
    """DuckDB puts selects into one by itself; Ibis takes longer for that than for all the rest."""
    before = ibis.options.sql.fuse_selects
    ibis.options.sql.fuse_selects = before and backend.name != "duckdb"
    try:
        yield
    finally:
        ibis.options.sql.fuse_selects = before


_ALL = 2**62


def fenced(rows: Rows) -> Rows:
    """The expression with a limit that limits nothing around every step, so that an engine computes each column once.

    PostgreSQL pulls subqueries up: it would write each step out wherever the next one uses it, which doubles with every step.
    """
    return rows.op().replace(_fence).to_expr()


def _fence(node: Any, changed: Mapping[str, Any] | None) -> Any:
    node = node.__recreate__(changed) if changed else node
    return ops.Limit(node, _ALL, 0) if isinstance(node, ops.Project) else node


def fetched(rows: Rows) -> list[dict[str, Any]]:
    """The rows of an expression."""
    backend = rows.get_backend()
    if backend.name in FLATTENING:
        rows = fenced(rows)
    with quietly(), compiling(backend):
        return list(rows.to_pyarrow().to_pylist())


def in_memory(columns: Mapping[str, Sequence[Any]]) -> Rows:
    """A small table to join with."""
    return ibis.memtable(pa.table(dict(columns)))
