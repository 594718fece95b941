"""One declaration per kind of object: what its lists filter by, sort by and show, and how one of it is found.

The query of a list and the body of a search take the same filters (contract 1.10). An empty list as a filter, or an empty text, asks
for nothing and lets everything pass; an empty id among ids is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from . import binding, errors
from .binding import BindError, Kind, Schema, array, boolean, text
from .call import Call
from .checks import failing_tag
from .lists import GENERAL, NEXT, SEARCH_FIELDS, Offset, Page, Words, listing, page_of, query_page, select
from .routing import route
from .tables import Row

LONGEST = 255
"""How many characters a column of texts holds."""

Values = Mapping[str, Any]
Test = Callable[[Row, Any], bool]
Answer = Callable[["Call", Values, Page], dict[str, Any]]
View = Callable[["Call", Row, Page], Any]


def address(value: Any) -> str:
    """A JSON string that is an e-mail address, or nothing."""
    given = text(value)
    if failing_tag(("omitempty", "email"), given):
        raise BindError("not an e-mail address")
    return given


@dataclass(frozen=True)
class Filter:
    """One filter: its name, the kind of its value in a body, and which rows pass it. Without a test it does nothing by itself.

    With ``split`` a query may also give several values in one, separated by commas.
    """

    name: str
    kind: Kind
    test: Test | None = None
    split: bool = False


def equal(name: str, column: str = "", kind: Kind = text) -> Filter:
    """Rows whose column has the given text."""
    key = column or name
    return Filter(name, kind, lambda row, given: row.get(key) == given)


def equals(*names: str) -> Iterable[Filter]:
    """Filters by columns of their own name."""
    return (equal(name) for given in names for name in given.split())


def among(name: str, column: str, *, split: bool = False) -> Filter:
    """Rows whose column has one of the given texts."""
    return Filter(name, array(text), lambda row, given: row.get(column) in given, split)


def amongs(names: str, *, split: bool = False) -> Iterable[Filter]:
    """Filters by several values, of columns of their own name; ``plan_ids`` look at ``plan_id``."""
    return (among(name, name.replace("_ids", "_id"), split=split) for name in names.split())


def containing(name: str, column: str) -> Filter:
    """Rows whose column contains the given text, in any case."""
    return Filter(name, text, lambda row, given: given.lower() in (row.get(column) or "").lower())


def flag(name: str, test: Test | None = None) -> Filter:
    """A switch; without a test, the column of that name has this value."""
    return Filter(name, boolean, test or (lambda row, given: row.get(name) is given))


def bounded(name: str, column: str, test: Callable[[Any, Any], bool], kind: Kind = binding.instant) -> Filter:
    """Rows whose column is on the asked side of a bound; those without a value are on none."""
    return Filter(name, kind, lambda row, given: row.get(column) is not None and test(row[column], given))


def metadata(name: str = "metadata") -> Filter:
    """Rows whose metadata has all the given pairs."""
    return Filter(name, binding.strings, lambda row, given: given.items() <= (row.get("metadata") or {}).items())


def idle(name: str) -> Filter:
    """A filter that the server takes and does not apply."""
    return Filter(name, array(text))


def holds_at(row: Mapping[str, Any], moment: datetime) -> bool:
    """Whether something with dates has begun by ``moment`` and not ended."""
    return bool(row["start_date"] <= moment and (row.get("end_date") is None or row["end_date"] > moment))


def _truth(value: str) -> bool:
    """A query value as Go reads a boolean."""
    known = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
    if value.lower() not in known:
        raise BindError("not a boolean")
    return known[value.lower()]


@dataclass(frozen=True)
class Resource:
    """A kind of object that is listed and found by id.

    ``noun`` names it in messages ("Failed to list plans"); ``columns`` may be sorted and filtered by; ``sort`` says whether
    ``?sort=`` is "refused" or taken as the "name" of a column, ``conditions`` whether a search sorts by conditions or by such
    a name, ``offset`` what the answered offset means; ``statuses`` are listed unless one is asked for.
    ``view`` shows one row, ``full`` one that is read by id where that shows more, ``find`` finds it where the area has words of its
    own for none, ``check`` refuses a page before anything is read; ``words`` and ``unknown`` (said to a column that is none) are
    the area's own too.
    """

    noun: str
    columns: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    statuses: Sequence[str] = ("published",)
    sort: str = "refused"
    conditions: bool = True
    offset: Offset = NEXT
    view: View | None = None
    full: View | None = None
    find: Callable[[Call, str], Row] | None = None
    check: Callable[[Page], None] | None = None
    words: Words = GENERAL
    unknown: str = ""

    @cached_property
    def schema(self) -> Schema:
        """The body of a search."""
        own = (binding.field(each.name, each.kind) for each in self.filters)
        if self.conditions:
            return Schema("Filter", *SEARCH_FIELDS, *own)
        fields = (field for field in SEARCH_FIELDS if field.name != "sort")
        return Schema("Filter", *fields, binding.field("sort"), *own)

    def all(self, call: Call) -> list[Row]:
        """Every row of the call's environment, oldest first."""
        return call.world.table(self.table).all(call.environment)

    @property
    def table(self) -> str:
        """The table of its rows."""
        return self.noun.replace(" ", "_")

    def found(self, call: Call, identifier: str, *, any_status: bool = True) -> Row:
        """The row of that id; else 404."""
        return self.find(call, identifier) if self.find else call.named(self.table, identifier, any_status=any_status)

    def asked_by_query(self, call: Call) -> tuple[Values, Page]:
        """The filters and the page of a GET."""
        page = query_page(call, sort=self.sort, noun=self.noun, words=self.words)
        values = {each.name: _queried(call, each, self.words.query) for each in self.filters}
        return values, self._sorted(page, call.query.get("sort"))

    def asked_by_body(self, call: Call) -> tuple[Values, Page]:
        """The filters and the page of a search."""
        values = call.bind(self.schema, self.words.body)
        if self.conditions:
            return values, page_of(values, self.words.page)
        return values, self._sorted(page_of({**values, "sort": None}, self.words.page), values["sort"])

    def _sorted(self, page: Page, name: str | None) -> Page:
        """Where a sort is one name, it is one of the columns or does nothing."""
        if self.sort == "name" and name in self.columns:
            page.sort = [{"field": name, "direction": page.order}]
        return page

    def serve(
        self,
        path: str,
        *,
        search: bool = True,
        one: bool = False,
        answer: Answer | None = None,
        change: Schema | None = None,
        archive: str | None = None,
        permission: str = "",
    ) -> None:
        """Register a list at ``path``, a search beneath it, and with ``one`` a read by id, of any status.

        ``answer`` makes the page's answer of what is asked for, where :meth:`answer` does not. ``change`` is the body of a PUT that
        keeps what it is given, ``archive`` what a DELETE says that needs no more than to archive (without words it shows the object);
        both ask for ``permission``.
        """
        route("GET", path)(partial(self.listed, answer=answer))
        if search:
            route("POST", f"{path}/search")(partial(self.searched, answer=answer))
        if one:
            route("GET", f"{path}/:id")(self.shown)
        if change is not None:
            route("PUT", f"{path}/:id", permission=permission)(partial(self.changed, schema=change))
        if archive is not None:
            route("DELETE", f"{path}/:id", permission=permission)(partial(self.archived, message=archive))

    def _viewed(self, call: Call, row: Row) -> Any:
        return row if self.view is None else self.view(call, row, Page())

    def shown(self, call: Call) -> Any:
        """The answer of a read by id."""
        row = self.found(call, call.params["id"])
        return self.full(call, row, Page()) if self.full is not None else self._viewed(call, row)

    def changed(self, call: Call, schema: Schema) -> Any:
        """The answer of a PUT: what is given is kept."""
        body = call.bind(schema)
        row = self.found(call, call.params["id"])
        call.touch(row, **{name: value for name, value in body.items() if value is not None})
        return self._viewed(call, row)

    def archived(self, call: Call, message: str) -> Any:
        """The answer of a DELETE; again is fine."""
        row = self.found(call, call.params["id"])
        call.touch(row, status="archived")
        return {"message": message} if message else self._viewed(call, row)

    def listed(self, call: Call, answer: Answer | None = None) -> dict[str, Any]:
        """The answer of a GET."""
        return (answer or self.answer)(call, *self.asked_by_query(call))

    def searched(self, call: Call, answer: Answer | None = None) -> dict[str, Any]:
        """The answer of a search."""
        return (answer or self.answer)(call, *self.asked_by_body(call))

    def selected(self, call: Call, values: Values, page: Page, rows: Iterable[Row] | None = None) -> list[Row]:
        """All rows that are asked for, in the asked order, whatever the page."""
        for each in self.filters:
            errors.refuse(each.name.endswith("_ids") and not all(values[each.name] or ()), self.words.page)
        if self.check is not None:
            self.check(page)
        tests = [(each.test, values[each.name]) for each in self.filters if each.test and _says(values[each.name])]
        kept = (
            row for row in (self.all(call) if rows is None else rows) if all(test(row, given) for test, given in tests)
        )
        return select(kept, page, self.columns, self.noun, statuses=self.statuses, unknown=self.unknown)

    def answer(self, call: Call, values: Values, page: Page, rows: Iterable[Row] | None = None) -> dict[str, Any]:
        """A page of what is asked for."""
        shown = listing(self.selected(call, values, page, rows), page, offset=self.offset)
        if self.view is not None:
            shown["items"] = [self.view(call, row, page) for row in shown["items"]]
        return shown


def _queried(call: Call, each: Filter, message: str) -> Any:
    if isinstance(each.kind, binding.ListOf):
        given = call.query.getlist(each.name)
        return [part for value in given for part in value.split(",") if part] if each.split else given
    if each.kind is text:
        return call.query.get(each.name)
    return call.query_value(each.name, _READERS[each.kind], message) if each.kind in _READERS else None


_READERS: dict[Kind, Callable[[str], Any]] = {
    boolean: _truth,
    binding.instant: binding.instant,
    binding.decimal: binding.parse_decimal,
    address: address,
}
"""How a query gives what a body gives as JSON."""


def _says(given: Any) -> bool:
    return given is not None and given not in ("", [], {})


def all_items(items: list[Any], offset: int = 0) -> dict[str, Any]:
    """A list without pages: it shows no limit and the offset that was asked for (contract 1.10)."""
    return {"items": items, "pagination": {"total": len(items), "limit": 0, "offset": offset}}


def free(call: Call, table: str, message: str, key: str | None, *, column: str = "lookup_key") -> None:
    """Refuse with 409 a key that a published object has."""
    if key and call.first(table, **{column: key}):
        raise errors.conflict(message, {column: key})


def clonable(call: Call, noun: str, source: Row, body: Values) -> None:
    """Refuse a copy without a name of its own, without a key, or with a taken one (recording plans; the API's own description)."""
    errors.refuse(not body["name"] or body["name"] == source["name"], f"Please provide a name for the cloned {noun}")
    errors.refuse(not body["lookup_key"], f"Please provide a unique lookup_key for the cloned {noun}")
    free(call, f"{noun}s", f"Please choose a different lookup_key for the cloned {noun}", body["lookup_key"])


def storable(action: str, row: Mapping[str, Any], *columns: str) -> None:
    """Fail with 500 "Failed to ``action``" where a text is longer than its column can hold."""
    if any(len(row.get(column) or "") > LONGEST for column in columns):
        raise errors.database_error(f"Failed to {action}")
