"""All that is checked of the sample events of a plan, in one go (checklist 3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from pytest_flexprice.model.finding import Finding, Severity, not_decided
from pytest_flexprice.model.golive_plan import EventKind, GoLivePlan
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.values import names_in, trimmed
from pytest_flexprice.oracle.samples import forms
from pytest_flexprice.oracle.samples import lint as event_lint
from pytest_flexprice.oracle.samples.counting import Samples, opened
from pytest_flexprice.oracle.samples.counts import RuleCount
from pytest_flexprice.oracle.samples.forms import Look
from pytest_flexprice.oracle.samples.meters import declared_types, unmatched_filters, unread
from pytest_flexprice.oracle.samples.rules import AHEAD, Reading, quantities, readings, structure
from pytest_flexprice.oracle.samples.units import Spans, spans


class Unknown(NamedTuple):
    """How names and customers that are not known are told."""

    name: str = "is not one of the plan's"
    customer: str = "is no declared customer"


@dataclass
class Checked:
    """What was found in sample files: how many events each holds, what their quantities are, and findings by what they are about."""

    totals: dict[str, int]
    spans: Spans = field(default_factory=dict)
    ahead: list[Finding] = field(default_factory=list)
    form: list[Finding] = field(default_factory=list)
    identity: list[Finding] = field(default_factory=list)
    names: list[Finding] = field(default_factory=list)
    customers: list[Finding] = field(default_factory=list)
    quantities: list[Finding] = field(default_factory=list)


def sample_files(plan: GoLivePlan) -> list[Path]:
    """The sample files of all events, each once.

    Raises:
        NotDecided: the plan names none.
    """
    files = dict.fromkeys(file for event in plan.events for file in plan.files(*event.sample_files))
    if not files:
        raise not_decided(
            "3.1",
            "golive.toml: events.samples",
            "the plan names no sample events",
            consequence="nobody can tell whether the application sends what Flexprice bills",
            remedy="record some events of each kind as the application sends them, and name the files as samples of the event",
        )
    return list(files)


def check(
    events: Sequence[EventKind],
    files: Sequence[Path],
    folder: Path,
    now: datetime,
    *,
    meters: Iterable[Meter] = (),
    customers: Iterable[str] | None = None,
    unknown: Unknown = Unknown(),  # noqa: B008 - it cannot change
    billed_since: datetime | None = None,
) -> Checked:
    """Read the files and tell everything that is wrong with them.

    ``meters`` are what reads the events (without them the plan's declared number properties stand in), ``customers`` the declared
    external ids, None when they are not known; ``billed_since`` is when the first of their subscriptions starts.

    Raises:
        NotVerified: DuckDB is missing, or a file cannot be read.
    """
    declared = {trimmed(event.name): event.properties for event in events if not event.unbilled}
    read = readings(meters, declared, names_in)
    rules = [*structure(now, billed_since), *(rule for one in read for rule in quantities(one))]
    with opened(files, folder, rules, read) as samples:
        checked = Checked(samples.totals())
        looks = samples.looks()
        names, tallies = samples.names(), _of_form(samples.tallies(), looks)
        checked.form = [finding for file, look in looks.items() for finding in forms.told(file, look)]
        checked.quantities = declared_types(events, read)
        properties = {one.rule.event: samples.properties_of(one.rule.event) for one in tallies if one.rule.event}
        lost = unread(read, properties)
        for tally, finding in zip(
            tallies, event_lint.broken_rules(tallies, checked.totals, properties, looks), strict=True
        ):
            if tally.rule.name == "operand missing" and tally.rule.event in lost:
                finding = replace(finding, severity=Severity.ERROR)  # noqa: PLW2901 - the same one, weighed
            (checked.quantities if tally.rule.event else checked.form).append(finding)
            checked.ahead += [finding] if tally.rule.name == AHEAD else []
        checked.form += event_lint.too_large(samples.batches())
        known = [trimmed(event.name) for event in events]
        checked.names = event_lint.unknown_names(samples.unknown_names(known), known, unknown.name)
        if not checked.form or names:  # else what the files hold is told by its form
            misread = [file for file, look in looks.items() if look.foreign]
            shown = (one for one in events if not one.unbilled and not _within(misread, one.sample_files))
            checked.names += event_lint.without_samples(
                (trimmed(one.name) for one in shown if trimmed(one.name)), names
            )
        checked.identity = event_lint.repeated_ids(samples.repeated(), checked.totals)
        checked.identity += event_lint.copies(samples.copied())
        checked.quantities += _filters(samples, read)
        checked.spans = spans(samples, read)
        if customers is not None:
            declared_ids = list(dict.fromkeys(customers))
            checked.customers = event_lint.unknown_customers(
                samples.unknown_customers(declared_ids), declared_ids, unknown.customer
            )
    return checked


def _within(files: Iterable[str], patterns: Iterable[str]) -> bool:
    """Whether one of the files is among those that the plan names; what is wrong with it is told by its form."""
    return any(fnmatch(file, pattern) for pattern in patterns for file in files)


def _of_form(tallies: list[RuleCount], looks: Mapping[str, Look]) -> list[RuleCount]:
    """Without the rules that events break only because of another form, which is told once."""
    return [one for one in tallies if not looks[one.file].explains(one.rule.name, one.count)]


def _filters(samples: Samples, read: Iterable[Reading]) -> list[Finding]:
    return [
        finding
        for one in read
        for key in sorted(one.filters or {})
        for finding in unmatched_filters(one, key, samples.values(one, key))
    ]
