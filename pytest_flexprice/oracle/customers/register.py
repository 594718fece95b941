"""A register of declared and existing customers and their subscriptions, on disk, so that memory stays bounded at any size."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any

from pytest_flexprice.model import subscriptions
from pytest_flexprice.model.declared_customers import DeclaredRow
from pytest_flexprice.model.subscriptions import Subscription

_TABLES = """
CREATE TABLE declared (external_id TEXT, place TEXT, content TEXT);
CREATE TABLE customers (external_id TEXT, id TEXT, content TEXT);
CREATE TABLE subscriptions (customer_id TEXT, id TEXT, status TEXT, content TEXT);
"""
_INDEXES = """
CREATE INDEX IF NOT EXISTS by_declared ON declared (external_id);
CREATE INDEX IF NOT EXISTS by_external ON customers (external_id);
CREATE INDEX IF NOT EXISTS by_customer ON subscriptions (customer_id);
CREATE INDEX IF NOT EXISTS by_id ON subscriptions (id);
CREATE INDEX IF NOT EXISTS by_customer_id ON customers (id);
"""
_CUSTOMER_FIELDS = ("name", "timezone", "metadata", "created_at")
_BATCH = 5000
LIVE = "status <> 'cancelled'"


class Register:
    """Fill it with three streams, then ask. External ids are compared byte for byte."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="flexprice-register-")
        self._base = sqlite3.connect(Path(self._folder.name) / "register.sqlite")
        self._base.create_function("folded", 1, _folded_name, deterministic=True)
        self._base.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16000;" + _TABLES)

    def __enter__(self) -> Register:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the disk back."""
        self._base.close()
        self._folder.cleanup()

    def declare(self, rows: Iterable[DeclaredRow]) -> None:
        """Take in what the plan declares."""
        self._fill("declared", ((row.external_id, row.where, json.dumps(row.values)) for row in rows))

    def add_customers(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in customers as a search answers them."""
        self._fill("customers", ((row["external_id"], row["id"], _kept(row, _CUSTOMER_FIELDS)) for row in rows))

    def add_subscriptions(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in subscriptions as a search answers them, with their lines and the plan they are on."""
        self._fill("subscriptions", map(_subscription, rows))

    def count(self, table: str) -> int:
        """How many rows ``declared``, ``customers`` or ``subscriptions`` has."""
        return int(self._base.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - names of this module

    def declares(self, column: str) -> bool:
        """Whether any row declares a value for that column."""
        found = self._base.execute("SELECT 1 FROM declared WHERE content LIKE ? LIMIT 1", (f'%"{column}": %',))
        return found.fetchone() is not None

    def external_ids(self) -> Iterator[str]:
        """The external ids of all customers that exist."""
        for (external_id,) in self._base.execute("SELECT external_id FROM customers"):
            yield external_id

    def missing(self) -> Iterator[tuple[str, str]]:
        """Declared external ids that no customer has, each once, with the place of the declaration."""
        self._index()
        yield from self._base.execute(
            "SELECT external_id, min(place) FROM declared d WHERE external_id <> '' AND NOT EXISTS "
            "(SELECT 1 FROM customers c WHERE c.external_id = d.external_id) GROUP BY external_id ORDER BY external_id"
        )

    def swapped(self) -> tuple[int, str, str]:
        """How many rows declare as plan who exists as customer, and as customer nobody; the first one's plan and place."""
        self._index()
        found: tuple[int, str, str] = self._base.execute(
            "SELECT count(*), json_extract(content, '$.plan'), min(place) FROM declared d WHERE "
            "json_extract(content, '$.plan') IN (SELECT external_id FROM customers) AND NOT EXISTS "
            "(SELECT 1 FROM customers c WHERE c.external_id = d.external_id)"
        ).fetchone()
        return found

    def undeclared(self) -> Iterator[tuple[str, dict[str, Any], int]]:
        """Customers that nobody declared: external id, what is known of them, how many subscriptions they have."""
        self._index()
        for external_id, content, live in self._base.execute(
            f"SELECT external_id, content, (SELECT count(*) FROM subscriptions s WHERE s.customer_id = c.id AND {LIVE}) "  # noqa: S608 - constant text
            "FROM customers c WHERE NOT EXISTS (SELECT 1 FROM declared d WHERE d.external_id = c.external_id) "
            "ORDER BY external_id"
        ):
            yield external_id, json.loads(content), live

    def doubled(self) -> Iterator[tuple[str, str, str, str]]:
        """Rows that are declared twice word for word: external id, what is declared, and both places."""
        self._index()
        yield from self._base.execute(
            "SELECT external_id, content, min(place), max(place) FROM declared "
            "GROUP BY external_id, content HAVING count(*) > 1 ORDER BY external_id"
        )

    def owner_of(self, subscription_id: str) -> str:
        """The external id of a subscription's customer; empty if there is no such subscription."""
        self._index()
        found = self._base.execute(
            "SELECT c.external_id FROM subscriptions s JOIN customers c ON c.id = s.customer_id WHERE s.id = ?",
            (subscription_id,),
        ).fetchone()
        return str(found[0]) if found else ""

    def namesakes(self) -> Iterator[tuple[str, list[str]]]:
        """Names, whatever their case, that several customers with a subscription have, with their external ids."""
        self._index()
        rows = self._base.execute(
            "SELECT folded(content), external_id, content FROM customers c WHERE folded(content) <> '' AND id IN "  # noqa: S608 - constant text
            f"(SELECT customer_id FROM subscriptions WHERE {LIVE}) ORDER BY 1, 2"
        )
        for _, found in groupby(rows, key=itemgetter(0)):
            (_, first, content), *others = found
            if others:
                yield json.loads(content)["name"].strip(), [first, *(external_id for _, external_id, _ in others)]

    def pairs(self) -> Iterator[tuple[str, dict[str, Any], list[DeclaredRow], list[Subscription]]]:
        """Every declared customer that exists: external id, customer, declared rows, all subscriptions."""
        self._index()
        inner = self._base.cursor()
        declared = self._base.execute(
            "SELECT d.external_id, d.place, d.content, c.id, c.content FROM declared d "
            "JOIN customers c ON c.external_id = d.external_id ORDER BY d.external_id, d.rowid"
        )
        for (external_id, customer_id, known), found in groupby(declared, key=itemgetter(0, 3, 4)):
            rows = [DeclaredRow(place, external_id, json.loads(content)) for _, place, content, _, _ in found]
            held = inner.execute("SELECT content FROM subscriptions WHERE customer_id = ? ORDER BY id", (customer_id,))
            yield external_id, json.loads(known), rows, [_read(content) for (content,) in held]

    def every(self) -> Iterator[tuple[str, dict[str, Any], Subscription | None]]:
        """Every customer with each of its subscriptions that is not cancelled, or with None where it has none."""
        self._index()
        for external_id, customer, subscription in self._base.execute(
            f"SELECT c.external_id, c.content, s.content FROM customers c "  # noqa: S608 - constant text
            f"LEFT JOIN subscriptions s ON s.customer_id = c.id AND s.{LIVE} ORDER BY c.external_id, s.id"
        ):
            yield external_id, json.loads(customer), _read(subscription) if subscription else None

    def _fill(self, table: str, rows: Iterable[tuple[str, ...]]) -> None:
        stream = iter(rows)
        while batch := list(islice(stream, _BATCH)):
            places = ",".join("?" * len(batch[0]))
            self._base.executemany(f"INSERT INTO {table} VALUES ({places})", batch)  # noqa: S608 - names of this module

    def _index(self) -> None:
        self._base.executescript(_INDEXES)


def _folded_name(content: str) -> str:
    return " ".join(str(json.loads(content).get("name", "")).casefold().split())


def _kept(row: Mapping[str, Any], names: Iterable[str]) -> str:
    return json.dumps({name: row[name] for name in names if row.get(name)})


def _subscription(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return row["customer_id"], row["id"], row.get("subscription_status", ""), json.dumps(subscriptions.kept(row))


def _read(content: str) -> Subscription:
    return Subscription.from_api(json.loads(content))
