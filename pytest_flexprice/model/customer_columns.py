"""The columns of the customers file, once: what a cell may hold, what it means, and what a difference costs (checklist 4.1, 4.2).

Everything that knows a column asks this table: reading the file, comparing subscriptions, seeding a rehearsal, the first plan and the
reference page. A cell is read into one canonical text; what people write differently and mean the same is taken, the rest is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from pytest_flexprice.model import cell_values
from pytest_flexprice.model.cell_values import as_instant

STATUSES = ("active", "paused", "cancelled", "incomplete", "trialing", "draft")
PERIODS = ("MONTHLY", "ANNUAL", "WEEKLY", "DAILY", "QUARTERLY", "HALF_YEARLY")


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


_DATE = "a day such as 2026-11-02 (UTC), or an instant such as 2026-11-02T10:30:00Z"
COLUMNS: tuple[Column, ...] = (
    Column(
        "external_id", "external id", "the customer's external id, byte for byte", cell_values.external_id,
        "The customer's external id, exactly as events carry it; the one column that must be there.", about="customer",
    ),
    Column(
        "plan", "plan", "the lookup key of a plan", cell_values.trimmed,
        "The lookup key of the customer's plan; a row without one declares the customer only."),
    Column(
        "currency", "currency", "three letters such as usd", cell_values.currency, "The subscription's currency.",
        "prices of other currencies are dropped without a word",
    ),
    Column(
        "billing_period", "billing period", f"one of {', '.join(PERIODS)}", cell_values.among(*PERIODS), "How often it is billed.",
        "prices of other periods are dropped without a word",
    ),
    Column(
        "billing_period_count", "number of periods", "a whole number from 1", cell_values.count,
        "How many billing periods one invoice spans, such as 3 with MONTHLY.", "invoices come at other times",
    ),
    Column(
        "billing_cycle", "billing cycle", "anniversary or calendar", cell_values.among("anniversary", "calendar"),
        "Whether periods begin on the day of the start (anniversary) or of the month (calendar).",
        "calendar periods begin on the first of the month and the first one is short, anniversaries do not",
    ),
    Column(
        "collection_method", "collection method", "send_invoice or charge_automatically",
        cell_values.among("send_invoice", "charge_automatically"),
        "How this customer pays; it decides for this customer, and `invoicing.collection` for those without it.",
        "charge_automatically takes the money by itself and is what Flexprice sets when nothing is said; "
        "send_invoice waits for the customer",
    ),
    Column(
        "status", "status", f"one of {', '.join(STATUSES)}", cell_values.among(*STATUSES),
        "The subscription's status; without it, active, or trialing until trial_end.",
    ),
    Column("start_date", "start date", _DATE, cell_values.moment, "When the subscription starts.", dated=True),
    Column("billing_anchor", "billing anchor", _DATE, cell_values.moment,
           "The day that periods are counted from (anniversary cycles only).", dated=True),
    Column("trial_end", "trial end", _DATE, cell_values.moment, "When the trial is over.", dated=True),
    Column("end_date", "end date", _DATE, cell_values.moment, "When the subscription ends.", dated=True),
    Column(
        "payment_terms", "payment terms", f"one of {', '.join(cell_values.PAYMENT_TERMS)}", cell_values.payment_terms,
        "The days to pay; they replace the due days of the environment.",
        "invoices are due on another day, and auto-cancel counts from there",
    ),
    Column(
        "timezone", "time zone", "a time zone such as Europe/Berlin", cell_values.timezone, "The customer's time zone.",
        "days and periods of its invoices begin at another hour", about="customer",
    ),
    Column(
        "price_overrides", "own prices", "name=amount, several separated by ;, such as model.completion=0.02; Support=39",
        cell_values.named_numbers, "Amounts agreed with this customer instead of the plan's, by event name or by the price's name.",
        "the customer pays another price than was agreed", about="deal",
    ),
    Column(
        "quantity", "quantity", "a number such as 25, or name=number, several separated by ;, such as Seats=25; Support=2",
        cell_values.quantity, "How many of a fee are bought, such as seats; without a name, of the only fee.",
        "the customer pays for another number than was agreed", about="deal",
    ),
    Column(
        "coupon", "coupons", "coupon codes, several separated by ;", cell_values.codes, "The codes of the subscription's coupons.",
        "the customer pays another price than was agreed", about="deal",
    ),
    Column(
        "commitment", "commitment", "an amount such as 5000", cell_values.number_text,
        "The amount of usage that the customer commits to in each period.",
        "usage is cheaper or dearer than was agreed", about="deal",
    ),
    Column(
        "overage_factor", "overage factor", "a number above 1 such as 1.5", cell_values.above_one,
        "How many times as much usage costs above the commitment.",
        "usage above the commitment is cheaper or dearer than was agreed", about="deal",
    ),
    Column(
        "parent", "parent", "the external id of another customer", cell_values.external_id,
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
    return _SPELLINGS.get(cell_values.bare(header.replace(".", " ")), header.strip())


_SPELLINGS = {cell_values.bare(name): name for name in (*NAMES, *TOLD)}


def contradictions(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Columns of one row that cannot both hold, each with what was expected (contract 4.2)."""
    if values.get("billing_anchor") and values.get("billing_cycle") == "calendar":
        yield "billing_anchor", "no anchor beside billing_cycle calendar, which has the first of the month as its own"
    start = values.get("start_date")
    for name in ("trial_end", "end_date"):
        if start and values.get(name) and as_instant(values[name]) < as_instant(start):
            yield name, f"a moment after the start_date {start}"
