"""The columns of the customers file, once: what a cell may hold, what it means, and what a difference costs (checklist 4.1, 4.2).

Everything that knows a column asks this table: reading the file, comparing subscriptions, seeding a rehearsal, the first plan and the
reference page. A cell is read into one canonical text; what people write differently and mean the same is taken, the rest is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import NamedTuple
from zoneinfo import available_timezones

from pytest_flexprice.model.decimals import plain, words
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.times import instant

STATUSES = ("active", "paused", "cancelled", "incomplete", "trialing", "draft")
PERIODS = ("MONTHLY", "ANNUAL", "WEEKLY", "DAILY", "QUARTERLY", "HALF_YEARLY")
PAYMENT_TERMS = ("15 NET", "30 NET", "45 NET", "60 NET", "75 NET", "90 NET")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_OTHER_DAY = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
_SHORTENED = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE]\+?\d+")


class Column(NamedTuple):
    """One column.

    Attributes:
        name: as the file's first line names it.
        noun: what it is called in a sentence.
        expected: what a cell may hold.
        read: from a cell's text to its canonical text; raises ValueError with a hint, perhaps an empty one.
        meaning: one sentence for the reference.
        cost: what a difference means for money.
        dated: whether it is a day or an instant.
        about: whose it is: ``customer``, ``subscription``, or ``deal`` for what was agreed with this customer alone.
    """

    name: str
    noun: str
    expected: str
    read: Callable[[str], str]
    meaning: str
    cost: str = ""
    dated: bool = False
    about: str = "subscription"


def _exact(text: str) -> str:
    return text


def _external_id(text: str) -> str:
    if _SHORTENED.fullmatch(text.strip()):
        raise ValueError(
            "a spreadsheet shortened a long number here, and its digits are lost: format the column as text and fill it anew"
        )
    return text


def _plain(text: str) -> str:
    return text.strip()


def _currency(text: str) -> str:
    code = text.strip().lower()
    if not re.fullmatch(r"[a-z]{3}", code):
        raise ValueError({"$": "usd", "€": "eur", "£": "gbp", "¥": "jpy", "₹": "inr"}.get(code, ""))
    return code


def _among(*allowed: str) -> Callable[[str], str]:
    known = {_bare(one): one for one in allowed}
    near = NearMisses(known)

    def read(text: str) -> str:
        found = known.get(_bare(text))
        if found is None:
            close = near.of(_bare(text))
            raise ValueError(f"{known[close[0]]}?" if close else "")
        return found

    return read


def _bare(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text).casefold()


def _terms(text: str) -> str:
    match = re.fullmatch(
        r"\s*(?:net\s*[-_]?\s*(\d+)|(\d+)\s*(?:days?)?\s*[-_]?\s*net)\s*(?:days?)?\s*", text, re.IGNORECASE
    )
    terms = f"{match[1] or match[2]} NET" if match else ""
    if terms not in PAYMENT_TERMS:
        raise ValueError("")
    return terms


def _count(text: str) -> str:
    if not re.fullmatch(r"0*[1-9]\d{0,3}", text.strip()):
        raise ValueError("")
    return str(int(text))


def _moment(text: str) -> str:
    """A UTC day, or an instant with its zone."""
    plain = text.strip()
    try:
        if _DAY.fullmatch(plain):
            return date.fromisoformat(plain).isoformat()
        instant(plain)
    except ValueError:
        raise ValueError(_meant(plain)) from None
    return plain.replace(" ", "T", 1)


def _meant(text: str) -> str:
    """What a day that is written in another way may mean."""
    match = _OTHER_DAY.fullmatch(text)
    if match:
        one, between, other, year = match.groups()
        orders = [(other, one)] if between == "." else [(other, one), (one, other)]
        meant = dict.fromkeys(
            f"{year}-{month:0>2}-{day:0>2}" for month, day in orders if int(month) <= 12 and int(day) <= 31
        )
        return f"{' or '.join(meant)}?" if meant else ""
    if re.fullmatch(r"[2-6]\d{4}([.,]\d+)?", text):
        return "a spreadsheet's day number: format the column as text such as 2026-11-02"
    if re.search(r"[+-]\d{2}(\d{2})?$", text) and "T" in text:
        return "write the offset like +02:00"
    return "add the zone, such as Z for UTC" if re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", text) else ""


@cache
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


def _timezone(text: str) -> str:
    zones = _zones()
    plain = text.strip()
    if not zones:  # no time zone database on this machine: nothing to hold it against
        return plain
    if plain.casefold() not in zones:
        close = NearMisses(zones.values()).of(plain)
        raise ValueError(f"{close[0]}?" if close else "")
    return zones[plain.casefold()]


def _number(text: str) -> str:
    return words(plain(text))


def _above_one(text: str) -> str:
    factor = _number(text)
    if Decimal(factor) <= 1:
        raise ValueError("a commitment acts only with a factor above 1")
    return factor


def _pairs(text: str) -> str:
    found: dict[str, str] = {}
    for part in filter(str.strip, text.split(";")):
        name, between, number = part.rpartition("=")
        if not between or not name.strip():
            raise ValueError(f"'{part.strip()}' is no name=number")
        if name.strip() in found:
            raise ValueError(f"'{name.strip()}' is there twice")
        found[name.strip()] = _number(number)
    return "; ".join(f"{name}={number}" for name, number in found.items())


def _quantity(text: str) -> str:
    return _pairs(text) if "=" in text else _number(text)


def _codes(text: str) -> str:
    return "; ".join(sorted({part.strip().lower() for part in text.split(";") if part.strip()}))


def pairs(text: str) -> dict[str, Decimal]:
    """The names and numbers of a canonical cell such as ``Seats=25; Support=2``; a lone number stands under ``""``."""
    parts = [part.rpartition("=") for part in text.split("; ") if part]
    return {name: Decimal(number) for name, _, number in parts}


_DATE = "a day such as 2026-11-02 (UTC), or an instant such as 2026-11-02T10:30:00Z"
COLUMNS: tuple[Column, ...] = (
    Column(
        "external_id", "external id", "the customer's external id, byte for byte", _external_id,
        "The customer's external id, exactly as events carry it; the one column that must be there.", about="customer",
    ),
    Column(
        "plan", "plan", "the lookup key of a plan", _plain,
        "The lookup key of the customer's plan; a row without one declares the customer only."),
    Column(
        "currency", "currency", "three letters such as usd", _currency, "The subscription's currency.",
        "prices of other currencies are dropped without a word",
    ),
    Column(
        "billing_period", "billing period", f"one of {', '.join(PERIODS)}", _among(*PERIODS), "How often it is billed.",
        "prices of other periods are dropped without a word",
    ),
    Column(
        "billing_period_count", "number of periods", "a whole number from 1", _count,
        "How many billing periods one invoice spans, such as 3 with MONTHLY.", "invoices come at other times",
    ),
    Column(
        "billing_cycle", "billing cycle", "anniversary or calendar", _among("anniversary", "calendar"),
        "Whether periods begin on the day of the start (anniversary) or of the month (calendar).",
        "calendar periods begin on the first of the month and the first one is short, anniversaries do not",
    ),
    Column(
        "collection_method", "collection method", "send_invoice or charge_automatically",
        _among("send_invoice", "charge_automatically"),
        "How this customer pays; it decides for this customer, and `invoicing.collection` for those without it.",
        "charge_automatically takes the money by itself and is what Flexprice sets when nothing is said; "
        "send_invoice waits for the customer",
    ),
    Column(
        "status", "status", f"one of {', '.join(STATUSES)}", _among(*STATUSES),
        "The subscription's status; without it, active, or trialing until trial_end.",
    ),
    Column("start_date", "start date", _DATE, _moment, "When the subscription starts.", dated=True),
    Column("billing_anchor", "billing anchor", _DATE, _moment,
           "The day that periods are counted from (anniversary cycles only).", dated=True),
    Column("trial_end", "trial end", _DATE, _moment, "When the trial is over.", dated=True),
    Column("end_date", "end date", _DATE, _moment, "When the subscription ends.", dated=True),
    Column(
        "payment_terms", "payment terms", f"one of {', '.join(PAYMENT_TERMS)}", _terms,
        "The days to pay; they replace the due days of the environment.",
        "invoices are due on another day, and auto-cancel counts from there",
    ),
    Column(
        "timezone", "time zone", "a time zone such as Europe/Berlin", _timezone, "The customer's time zone.",
        "days and periods of its invoices begin at another hour", about="customer",
    ),
    Column(
        "price_overrides", "own prices", "name=amount, several separated by ;, such as model.completion=0.02; Support=39",
        _pairs, "Amounts agreed with this customer instead of the plan's, by event name or by the price's name.",
        "the customer pays another price than was agreed", about="deal",
    ),
    Column(
        "quantity", "quantity", "a number such as 25, or name=number, several separated by ;, such as Seats=25; Support=2",
        _quantity, "How many of a fee are bought, such as seats; without a name, of the only fee.",
        "the customer pays for another number than was agreed", about="deal",
    ),
    Column(
        "coupon", "coupons", "coupon codes, several separated by ;", _codes, "The codes of the subscription's coupons.",
        "the customer pays another price than was agreed", about="deal",
    ),
    Column(
        "commitment", "commitment", "an amount such as 5000", _number,
        "The amount of usage that the customer commits to in each period.",
        "usage is cheaper or dearer than was agreed", about="deal",
    ),
    Column(
        "overage_factor", "overage factor", "a number above 1 such as 1.5", _above_one,
        "How many times as much usage costs above the commitment.",
        "usage above the commitment is cheaper or dearer than was agreed", about="deal",
    ),
    Column(
        "parent", "parent", "the external id of another customer", _external_id,
        "The customer whose subscription this one inherits, and who pays for it.",
        "somebody else gets the invoice, or nobody", about="deal",
    ),
)  # fmt: skip
TOLD = ("name", "email", "comment")
"""Columns that people like to have beside the others; nothing is compared with them."""
BY_NAME: Mapping[str, Column] = {one.name: one for one in COLUMNS}
NAMES = tuple(BY_NAME)
DEALS = tuple(column.name for column in COLUMNS if column.about == "deal")


def named(header: str) -> str:
    """The column that a header stands for, however its case, blanks and separators are written; else the header, cut."""
    return _SPELLINGS.get(_bare(header.replace(".", " ")), header.strip())


_SPELLINGS = {_bare(name): name for name in (*NAMES, *TOLD)}


def as_instant(text: str) -> datetime:
    """The instant that a canonical date cell stands for: a day is its first moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if _DAY.fullmatch(text) else instant(text)


def contradictions(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Columns of one row that cannot both hold, each with what was expected (contract 4.2)."""
    if values.get("billing_anchor") and values.get("billing_cycle") == "calendar":
        yield "billing_anchor", "no anchor beside billing_cycle calendar, which has the first of the month as its own"
    start = values.get("start_date")
    for name in ("trial_end", "end_date"):
        if start and values.get(name) and as_instant(values[name]) < as_instant(start):
            yield name, f"a moment after the start_date {start}"
