"""What a price proof has proved: for each part of each price, billed exactly, billed wrongly, or not reached and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from pytest_flexprice.model.decimals import QUANTITY_TOLERANCE, ZERO, decimal, difference, total, words
from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.model.suspicion import AS_IF, as_if
from pytest_flexprice.oracle.invoicing.invoice import ExpectedInvoice, ExpectedLine
from pytest_flexprice.oracle.invoicing.line_findings import WRONG_ALLOWANCE, WRONG_PRICE, near, used_of
from pytest_flexprice.oracle.invoicing.subscription import BilledLine
from pytest_flexprice.oracle.invoicing.suspect_prices import priced
from pytest_flexprice.oracle.pricing.mistakes import Seen, explain, explaining, mildest
from pytest_flexprice.oracle.pricing.points import Subject, tier_name
from pytest_flexprice.oracle.proving.targets import Aim

State = Literal["billed exactly", "billed wrongly", "not reached"]


@dataclass(frozen=True)
class Trial:
    """One line after one step: what was used and billed of it, what it cost, and whether the preview said so."""

    line_id: str
    used: Decimal
    billed: Decimal
    amount: Decimal
    right: bool


@dataclass(frozen=True)
class ProofRow:
    """One part of one price in the table of a proof."""

    price: str
    part: str
    state: State
    quantities: tuple[Decimal, ...] = ()
    reason: str = ""

    @property
    def words(self) -> str:
        """The state as the table shows it."""
        if self.state == "not reached":
            return f"not reached ({self.reason})" if self.reason else "not reached"
        shown = ", ".join(words(each) for each in self.quantities[:4])
        return f"{self.state} at {shown}" + (
            f" and {len(self.quantities) - 4} more" if len(self.quantities) > 4 else ""
        )


def trials(expected: ExpectedInvoice, preview: Mapping[str, Any]) -> list[Trial]:
    """What one step tried of each usage line, and whether its preview bills it as expected."""
    observed = list(preview.get("line_items") or ())
    return [
        Trial(
            line.line.id,
            total((line.quantity, line.allowed or ZERO)),
            line.quantity,
            line.amount,
            any(_as_expected(line, each) for each in observed),
        )
        for line in expected.lines
        if line.kind == "usage" and line.line is not None and not line.unverified
    ]


def _as_expected(line: ExpectedLine, observed: Mapping[str, Any]) -> bool:
    if not _is(line, observed):
        return False
    quantity = decimal(observed.get("quantity"), ZERO)
    same = abs(difference(quantity, line.quantity)) <= QUANTITY_TOLERANCE
    return same and decimal(observed.get("amount"), ZERO) == line.amount


def _is(line: ExpectedLine, observed: Mapping[str, Any]) -> bool:
    return observed.get("price_id") == line.price_id and (observed.get("meter_id") or "") == line.meter_id


def table(aim: Aim, lines: Sequence[BilledLine], tried: Sequence[Trial]) -> list[ProofRow]:
    """The rows of every usage line, in the order of its quantities."""
    rows: list[ProofRow] = []
    for line in lines:
        if line.is_usage:
            own = [trial for trial in tried if trial.line_id == line.id]
            rows += _rows(aim, line, own)
    return rows


def _rows(aim: Aim, line: BilledLine, own: Sequence[Trial]) -> list[ProofRow]:
    name = line.display_name or line.price.display_name or line.price.id
    if line.id not in aim.subjects:
        return [ProofRow(name, "its price", "not reached", reason=aim.unknown.get(line.id, "not known"))]
    subject, found = aim.subjects[line.id], []
    targets = [target for target in aim.targets if target.line_id == line.id]
    for part in dict.fromkeys(target.point.part for target in targets):
        wanted = [target for target in targets if target.point.part == part]
        hits = [trial for trial in own if _proves(subject, trial, part, [each.point.used for each in wanted])]
        if not hits:
            reasons = [each.reason for each in wanted if each.reason]
            found.append(
                ProofRow(name, part, "not reached", reason=reasons[0] if reasons else "the proof ended before it")
            )
        else:
            state: State = "billed exactly" if all(trial.right for trial in hits) else "billed wrongly"
            found.append(ProofRow(name, part, state, tuple(dict.fromkeys(trial.billed for trial in hits))))
    return found


def _proves(subject: Subject, trial: Trial, part: str, wanted: Sequence[Decimal]) -> bool:
    if part == tier_name(subject, trial.billed) and trial.billed > 0:
        return True
    return any(abs(difference(trial.used, each)) <= QUANTITY_TOLERANCE for each in wanted)


Billed = dict[str, list[Seen]]
"""What a proof saw billed of each line whose usage was right, by the path of its findings."""


def billed_amounts(expected: ExpectedInvoice, preview: Mapping[str, Any]) -> Billed:
    """What a preview bills of each usage line, right or wrong."""
    found: Billed = {}
    for line in expected.lines:
        own = priced(line, expected.currency)
        for hit in preview.get("line_items") or () if own is not None else ():
            if own is not None and _is(line, hit) and near(used_of(hit), own.used):
                found.setdefault(f"invoice.lines.{line.place}", []).append((own, decimal(hit.get("amount"), ZERO)))
    return found


def ruled(finding: Finding, billed: Billed) -> Finding:
    """A finding with the wrong rule that would bill all that was seen of its line, where one of the known ones does.

    It is surer than what one amount alone suggests, and takes its place; a rule that comes to what every line bills is the surest.
    """
    own = billed.get(finding.path, [])
    if not own or not any(each in finding.problem for each in (WRONG_PRICE, WRONG_ALLOWANCE)):
        return finding
    everywhere = explaining([each for amounts in billed.values() for each in amounts])
    alike = explaining(own)
    rules = mildest([words for words in alike if words in everywhere] or alike) or [explain(*own)]
    if not any(rules):
        return finding
    return replace(finding, problem=f"{finding.problem.partition(AS_IF)[0]}{as_if(rules)}")


def gaps(
    rows: Sequence[ProofRow],
    tried: Sequence[Trial],
    lines: Sequence[BilledLine],
    unproved: Mapping[str, str],
    where: str,
) -> list[Finding]:
    """What the proof could not reach: told for each price; one of which nothing was billed at all is not verified.

    Args:
        unproved: why a price need not be proved, by the name of its line, as the plan says.
        where: the environment's table in the plan, for the remedy.
    """
    found = []
    for line in lines:
        name = line.display_name or line.price.display_name or line.price.id
        missed = [row for row in rows if row.price == name and row.state == "not reached"]
        if line.is_usage and missed:
            own = [trial for trial in tried if trial.line_id == line.id]
            billed = _free(line) or any(trial.amount > 0 for trial in own)
            listed = "; ".join(f"{row.part}: {row.reason}" for row in missed[:4]) + ("; …" if len(missed) > 4 else "")
            found.append(
                _gap(name, listed, unproved.get(name, ""), where)
                if billed
                else _nothing(name, listed, unproved.get(name, ""), where)
            )
    return found


def _free(line: BilledLine) -> bool:
    price = line.price
    return not any(
        (price.amount, *(tier.unit_amount for tier in price.tiers), *(tier.flat_amount for tier in price.tiers))
    )


def _gap(name: str, listed: str, reason: str, where: str) -> Finding:
    problem = f"the price of '{name}' is not proved to its end ({listed})"
    if reason:
        return Finding("5.3", f"prices.{name}", f"{problem}, and the plan says why: {reason}", severity=Severity.INFO)
    return Finding("5.3", f"prices.{name}", problem, remedy=_REMEDY.format(where), severity=Severity.WARNING)


def _nothing(name: str, listed: str, reason: str, where: str) -> Finding:
    problem = f"nothing was billed of '{name}'"
    if reason:
        return Finding("5.3", f"prices.{name}", f"{problem}, and the plan says why: {reason}", severity=Severity.INFO)
    problem += f", so that its price is not proved ({listed})"
    return Finding("5.3", f"prices.{name}", problem, remedy=_REMEDY.format(where), kind=Kind.NOT_VERIFIED)


_REMEDY = "raise {0}.test_events or test_amount, or say why not under {0}.unproved"
