"""What broken rules in sample events mean, as findings (checklist 3.1, contract 3.1 to 3.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.oracle.samples.counts import Batch, Copied, NameCount, Repeated, RuleCount
from pytest_flexprice.oracle.samples.forms import Look
from pytest_flexprice.oracle.samples.words import WORDS

ITEM = "3.1"
MOST_EVENTS = 1000
MOST_BYTES = 32 * 1024 * 1024
_SHOWN = 10
_SEARCHED = 100


def broken_rules(
    tallies: Iterable[RuleCount],
    totals: Mapping[str, int],
    properties: Mapping[str, Sequence[str]],
    looks: Mapping[str, Look],
) -> list[Finding]:
    """Each rule that events of a file break; ``properties`` gives the names that events of a name have, for near misses, and
    ``looks`` what they have elsewhere."""
    return [
        Finding(
            ITEM,
            f"samples.{one.file}:{one.first}" + (f".{one.rule.about}" if one.rule.about else ""),
            f"{_of(one.count, totals.get(one.file, one.count))} {one.file} {_have(one.count)} "
            + WORDS[one.rule.name].problem.format(about=one.rule.about, event=one.rule.event)
            + f" (first: event {one.first}{_example(one)}){_near(one, properties, looks)}",
            consequence=WORDS[one.rule.name].consequence,
            remedy=WORDS[one.rule.name].remedy,
            severity=WORDS[one.rule.name].severity,
        )
        for one in tallies
    ]


def _of(count: int, total: int) -> str:
    return f"{count:,} of {total:,} events in"


def _noun(count: int) -> str:
    return "event" if count == 1 else "events"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _example(one: RuleCount) -> str:
    shown = one.example[:80]
    hint = ""
    if one.rule.name == "timestamp a number":
        hint = _epoch(shown, "look")
    elif one.rule.name == "timestamp not RFC 3339":
        hint = _written(shown)
    return f", {shown}{hint}" if shown else ""


def _epoch(shown: str, verb: str) -> str:
    digits = len(shown.split(".", maxsplit=1)[0].lstrip("-"))
    return f", which {verb} like {'milliseconds' if digits >= 12 else 'seconds'}" if digits >= 9 else ""


def _written(shown: str) -> str:
    """In which other way a timestamp is written."""
    if re.fullmatch(r"-?\d{9,}(\.\d+)?", shown):
        return f"{_epoch(shown, 'looks')} since 1970, as text"
    if re.fullmatch(r"\d{8}T\d{4,6}(\.\d+)?(Z|[+-]\d{2}:?\d{2})?", shown):
        return ", the basic form of ISO 8601, without its separators"
    if re.match(r"\+?\d{5,}-", shown):
        return ", a year beyond 9999: milliseconds were taken for seconds"
    if re.match(r"\d{4}-\d{2}-\d{2} \d", shown):
        return ", with a space where a T belongs"
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", shown):
        return ", a day without a time"
    return ", whose T and Z must be capitals" if "z" in shown or "t" in shown else ""


def _near(one: RuleCount, properties: Mapping[str, Sequence[str]], looks: Mapping[str, Look]) -> str:
    if "missing" not in one.rule.name:
        return ""
    place = looks[one.file].misplaced.get((one.rule.event, one.rule.about)) if one.file in looks else None
    if place is not None:
        where = f"within its property '{place}', and meters look no deeper" if place else "beside its properties"
        return f", but '{one.rule.about}' is there {where}"
    return NearMisses(properties.get(one.rule.event, ())).hint(one.rule.about)


def unknown_names(found: Sequence[NameCount], known: Sequence[str], what: str) -> list[Finding]:
    """Event names that are none of the known ones; ``what`` says so, such as "is not one of the plan's"."""
    consequence = "if no meter has exactly this name, such events are accepted with 202 and never billed"
    return _strangers(found, known, f"event name {what}", consequence)


def unknown_customers(found: Sequence[NameCount], known: Sequence[str], what: str) -> list[Finding]:
    """External ids that are none of the known ones; ``what`` says so, such as "is no declared customer"."""
    return _strangers(found, known, f"external id {what}", "its usage is accepted and billed to nobody")


def _strangers(found: Sequence[NameCount], known: Sequence[str], what: str, consequence: str) -> list[Finding]:
    """One finding for each name, and one for all ids that differ in the same way, or in no way that is known, in whatever files."""
    near = NearMisses(known) if found else NearMisses(())
    noun, problem = what.split(" is ", 1)
    field = "event_name" if noun == "event name" else "external_customer_id"
    alike: dict[str, list[NameCount]] = {}
    for one in found[:_SEARCHED]:
        way = (near.of(one.value) or ("", ""))[1] if field == "external_customer_id" else one.value
        alike.setdefault(way, []).append(one)
    findings = [
        Finding(
            ITEM,
            f"samples.{first.file}:{first.first}.{field}",
            f"{noun} '{first.value}'{_others(first, several)} is {problem}{near.hint(first.value)}",
            consequence=consequence,
            remedy="declare it, or correct the application",
        )
        for several in alike.values()
        for first in several[:1]
    ]
    return _listed(findings, len(findings) + max(len(found) - _SEARCHED, 0))


def _others(first: NameCount, several: Sequence[NameCount]) -> str:
    """Which other names a finding is about, and where they all are."""
    names = [name for name in dict.fromkeys(one.value for one in several) if name != first.value]
    listed = ", ".join(f"'{name}'" for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    files, count = len({one.file for one in several}) - 1, sum(one.count for one in several)
    more = f" and {files} more {'file' if files == 1 else 'files'}" if files else ""
    also = f" (and {len(names)} more: {listed})" if names else ""
    return f"{also} in {first.file}{more} ({count:,} {_noun(count)}, first: event {first.first})"


def repeated_ids(found: Iterable[Repeated], totals: Mapping[str, int]) -> list[Finding]:
    """Event ids that come more than once, told by what billing makes of them (contract 3.3)."""
    findings = [_repeated(one, totals.get(one.file, 0)) for one in found]
    return _listed(findings, len(findings))


def copies(found: Copied | None) -> list[Finding]:
    """Events that seem to have been sent again under new ids; they may also be as many things that happened at once."""
    if found is None:
        return []
    more = found.count - found.contents
    return [
        Finding(
            ITEM,
            f"samples.{found.file}:{found.first}.event_id",
            f"{more:,} {'event differs' if more == 1 else 'events differ'} from another one in nothing but the event_id "
            f"(first: {found.file}, event {found.other}, like event {found.first}, '{found.event_id}')",
            consequence="if it is one event that was sent again, it is billed again",
            remedy="keep id and timestamp the same when an event is sent again",
            severity=Severity.WARNING,
        )
    ]


def _repeated(one: Repeated, total: int) -> Finding:
    where = f"event id '{one.event_id}' comes {one.count:,} times (first: {one.file}, event {one.first})"
    if one.contents > 2 and one.count * 2 > total:
        return _id(
            one,
            f"{one.count:,} of {max(total, one.count):,} events in {one.file} have the same event_id, '{one.event_id}'",
            "of several in the same second only one is billed, the event count stays 1, and no retry can be told from a new event",
            "give every event an id of its own, and keep it when the event is sent again",
        )
    if one.customers > 1:
        return _id(
            one,
            f"{where}, for {one.customers:,} customers",
            "nobody can tell which event an id means",
            "make ids unique",
        )
    if one.seconds > 1:
        return _id(
            one,
            f"{where}, with timestamps in {one.seconds:,} different seconds",
            f"each of them is billed (up to {one.seconds:,} times the quantity), while the event count stays 1",
            "keep id and timestamp the same when an event is sent again, and make ids of different events different",
        )
    if one.contents > 1:
        return _id(
            one,
            f"{where}, in the same second and with different contents",
            "only one of them is billed",
            "make ids of different events different",
        )
    return _id(one, f"{where}, unchanged", "a retry like this counts once", "nothing needs to be done", Severity.INFO)


def _id(one: Repeated, problem: str, consequence: str, remedy: str, severity: Severity = Severity.ERROR) -> Finding:
    path = f"samples.{one.file}:{one.first}.event_id"
    return Finding(ITEM, path, problem, consequence=consequence, remedy=remedy, severity=severity)


def too_large(batches: Iterable[Batch]) -> list[Finding]:
    """Bulk requests over 1,000 events or 32 MiB (contract 3.1, 3.2)."""
    found = []
    for one in batches:
        for value, limit, noun in ((one.events, MOST_EVENTS, "events"), (one.size, MOST_BYTES, "bytes")):
            if value > limit:
                found.append(
                    Finding(
                        ITEM,
                        f"samples.{one.file}.events",
                        f"a bulk request in {one.file} has {value:,} {noun}",
                        expected=f"at most {limit:,}",
                        observed=f"{value:,}",
                        consequence="Flexprice refuses it as a whole with 400",
                        remedy="send smaller batches",
                    )
                )
    return found


def without_samples(declared: Iterable[str], found: Iterable[NameCount]) -> list[Finding]:
    """Event names of the plan that no sample shows."""
    seen = {one.value for one in found}
    return [
        Finding(
            ITEM,
            f"events.{name}.samples",
            f"no sample shows event '{name}' as the application sends it",
            remedy="name a file with some of its events as samples of the event in the plan",
            kind=Kind.NOT_VERIFIED,
        )
        for name in declared
        if name not in seen
    ]


def _listed(findings: list[Finding], count: int) -> list[Finding]:
    """The first of many findings, and one that counts the rest; errors come before what is only worth knowing."""
    findings = sorted(findings, key=lambda one: -_weight(one.severity))
    if count <= _SHOWN:
        return findings
    more = f"{findings[0].path} and more"
    return [
        *findings[:_SHOWN],
        Finding(ITEM, more, f"and {count - _SHOWN:,} more like these", severity=findings[_SHOWN].severity),
    ]


def _weight(severity: Severity) -> int:
    return {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}[severity]
