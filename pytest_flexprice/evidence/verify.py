"""Whether evidence is whole, what it says, and whether it is good enough for a release.

Three questions, each with its own exit code: is it as the run left it (2 if not), is it of the wanted environment, level and age with
a verdict that holds (1 if not), and was it signed by the wanted key (2 if not). Without a key only agreement is proved, not authorship.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pytest_flexprice import __version__
from pytest_flexprice.evidence import attestation
from pytest_flexprice.evidence.attestation import ENVELOPE, STATEMENT
from pytest_flexprice.evidence.bundle import MANIFEST, RENDERINGS, SEALS, SUMS
from pytest_flexprice.evidence.document import Document
from pytest_flexprice.evidence.opened import Opened, open_evidence
from pytest_flexprice.model.checklist import Level

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey

WHOLE, NOT_ENOUGH, NOT_WHOLE = 0, 1, 2
_CLOCKS_MAY_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class Gate:
    """What a release asks of evidence; what is ``None`` is not asked. ``age`` is the greatest age, counted from the run's end."""

    environment: str | None = None
    level: Level | None = None
    age: timedelta | None = None
    key: Path | None = None

    @property
    def asks(self) -> bool:
        """Whether anything but wholeness and signature is asked."""
        return any(each is not None for each in (self.environment, self.level, self.age))


@dataclass
class Examined:
    """What was found: sentences about damage, about what the gate misses, and facts to show; each list may be empty."""

    damage: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 whole and enough, 1 whole and not enough, 2 not whole."""
        if self.damage:
            return NOT_WHOLE
        return NOT_ENOUGH if self.misses else WHOLE


def examine(path: Path, gate: Gate, now: datetime) -> Examined:
    """Examine a zip or folder of evidence at ``now`` (aware, UTC).

    Raises:
        NoEvidence: it cannot be read at all.
        KeyRefused: the gate's key cannot be used.
    """
    key = attestation.public_key(gate.key) if gate.key is not None else None
    opened = open_evidence(path)
    found = Examined()
    found.damage += _listed(opened)
    found.damage += _summed(opened)
    found.damage += _stated(opened)
    found.damage += _signed(opened, key)
    document = _document(opened, found)
    if document is not None:
        found.damage += _of_one_run(opened, document)
        found.damage += _agreeing(opened, document)
        found.facts += _facts(opened, document, key is not None, now)
        found.misses += _missed(document, gate, now)
    return found


def _json(opened: Opened, name: str) -> dict[str, Any] | None:
    try:
        found = json.loads(opened.files[name])
    except (KeyError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _listed(opened: Opened) -> Iterator[str]:
    """What the manifest lists against what is there."""
    manifest = _json(opened, MANIFEST)
    rows = manifest.get("files") if manifest else None
    if manifest is None or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        yield f"{MANIFEST} is missing or cannot be read, so nothing tells what belongs to this evidence"
        return
    listed = {str(row.get("file")): str(row.get("sha256")) for row in rows}
    left_out = set(map(str, manifest.get("left_out") or ()))
    for name, sum_of_file in listed.items():
        content = opened.files.get(name)
        if content is None and name not in left_out:
            yield f"{name} is missing"
        elif content is not None and _sha256(content) != sum_of_file:
            yield f"{name} was changed after the run"
    for name in sorted(opened.files.keys() - listed.keys() - set(SEALS)):
        yield f"{name} was added after the run"


def _summed(opened: Opened) -> Iterator[str]:
    """``SHA256SUMS`` against the files, for whoever checks with sha256sum alone."""
    try:
        lines = opened.files[SUMS].decode("utf-8").splitlines()
        sums = {name: sum_of_file for sum_of_file, name in (line.split("  ", 1) for line in lines if line)}
    except (KeyError, ValueError):
        yield f"{SUMS} is missing or cannot be read"
        return
    if MANIFEST not in sums:
        yield f"{SUMS} does not name {MANIFEST}"
    for name, sum_of_file in sums.items():
        if name in opened.files and _sha256(opened.files[name]) != sum_of_file:
            yield f"{name} does not agree with {SUMS}"


def _stated(opened: Opened) -> Iterator[str]:
    """The in-toto Statement against the manifest."""
    stated = _json(opened, STATEMENT)
    try:
        subject = stated["subject"][0] if stated else None
        digest = subject["digest"]["sha256"] if subject else None
    except (KeyError, IndexError, TypeError):
        digest = None
    if digest is None:
        yield f"{STATEMENT} is missing or names no digest"
    elif MANIFEST in opened.files and digest != _sha256(opened.files[MANIFEST]):
        yield f"{STATEMENT} is about another manifest than the one that is here"


def _signed(opened: Opened, key: SSlibKey | None) -> Iterator[str]:
    envelope = _json(opened, ENVELOPE)
    if key is None:
        return
    if envelope is None:
        yield f"nobody signed this evidence ({ENVELOPE} is missing), so whoever changed it could have computed all sums again"
        return
    payload = attestation.signed_by(envelope, key)
    if payload is None:
        yield f"the signature in {ENVELOPE} was not made with the key that was given"
    elif payload != opened.files.get(STATEMENT):
        yield f"the signature in {ENVELOPE} is on another statement than the one that is here"


def _document(opened: Opened, found: Examined) -> Document | None:
    try:
        return Document.model_validate_json(opened.files["golive.json"])
    except (KeyError, ValidationError, ValueError):
        found.damage.append("golive.json is missing or is no document of pytest-flexprice")
        return None


def _of_one_run(opened: Opened, document: Document) -> Iterator[str]:
    """The manifest, the Statement and the zip's name speak of the run that golive.json is of."""
    manifest = _json(opened, MANIFEST) or {}
    expected = {
        "run_id": document.run.run_id,
        "environment": document.run.environment,
        "verdict": document.verdict.label,
        "finished": document.run.finished.isoformat(),
    }
    for name, value in expected.items():
        if name in manifest and manifest[name] != value:
            yield f"{MANIFEST} says {name} '{manifest[name]}', golive.json says '{value}'"
    content = opened.files.get(MANIFEST)
    stated = _json(opened, STATEMENT)
    if content is not None and stated is not None:
        due = attestation.statement(document, MANIFEST, _sha256(content))
        if stated != json.loads(json.dumps(due)) and _same_version(document):
            yield f"{STATEMENT} does not say what golive.json says"


def _agreeing(opened: Opened, document: Document) -> Iterator[str]:
    """Every rendering is what golive.json gives; only the version that wrote them can tell."""
    yield from _unfounded(document)
    if not _same_version(document):
        return
    for name, render in RENDERINGS:
        if name in opened.files and opened.files[name] != render(document).encode("utf-8"):
            yield f"{name} does not say what golive.json says"


def _unfounded(document: Document) -> Iterator[str]:
    """A verdict that its own items do not carry, or an item that its scenarios do not."""
    good, bad = {"passed", "attested"}, {"failed", "not decided", "not verified"}
    for item in document.verdict.items:
        own = [record for record in document.scenarios if item.id in record.items]
        if item.state == "passed" and any(record.outcome in bad for record in own):
            yield f"golive.json calls item {item.id} passed, although a scenario of it did not pass"
    short = [item.id for item in document.verdict.items if item.state not in {*good, "waived"}]
    if document.verdict.word in ("READY", "READY WITH WAIVERS") and short:
        yield f"golive.json says {document.verdict.word}, although item {short[0]} is not passed"


def _same_version(document: Document) -> bool:
    return document.run.versions.get("pytest-flexprice") == __version__


def _facts(opened: Opened, document: Document, signed: bool, now: datetime) -> Iterator[str]:
    run = document.run
    yield f"Verdict      {document.verdict.label}: {document.verdict.headline}"
    named = f"{run.environment} ({run.environment_type}, {run.environment_id or 'no id told'}) at {run.base_url}"
    yield f"Environment  {named}{', a rehearsal' if run.rehearsal else ''}"
    yield f"Level        {run.level}"
    yield f"Run          {run.run_id} by {run.run_by or 'nobody known'} on {run.run_on}, ended {_ago(run.finished, now)}"
    if run.git_commit:
        yield f"Commit       {run.git_commit}{' with changes that were not committed' if run.git_dirty else ''}"
    if run.ci_url:
        yield f"CI           {run.ci_url}"
    left_out = (_json(opened, MANIFEST) or {}).get("left_out") or ()
    if left_out:
        yield f"Left out     {len(left_out)} files, to keep the zip small; the manifest has their sums"
    yield f"Signature    {_about_signature(opened, signed)}"
    if not _same_version(document):
        yield "Renderings   were written by another version, so that they agree with golive.json was not checked"


def _about_signature(opened: Opened, signed: bool) -> str:
    if signed:
        return "asked for with --key"
    if ENVELOPE in opened.files:
        return "present, not checked: give the public key with --key"
    return "none: sums prove that the files agree with each other, not who wrote them"


def _ago(moment: datetime, now: datetime) -> str:
    seconds = int((now - moment).total_seconds())
    hours, minutes = divmod(max(seconds, 0) // 60, 60)
    return f"{moment:%Y-%m-%d %H:%M} UTC ({hours} h {minutes:02} min ago)"


def _missed(document: Document, gate: Gate, now: datetime) -> Iterator[str]:
    run = document.run
    if run.finished > now + _CLOCKS_MAY_DIFFER:
        yield f"the run ended at {run.finished:%Y-%m-%d %H:%M} UTC, which is still to come"
    if not gate.asks:
        return
    if run.rehearsal and gate.environment != run.environment:
        yield "this is a rehearsal, which says nothing about a real environment"
    if gate.environment is not None and gate.environment not in (run.environment, run.environment_id):
        yield f"it is of environment '{run.environment}' ({run.environment_id or 'no id'}), not of '{gate.environment}'"
    if gate.level is not None and Level.parse(run.level) < gate.level:
        yield f"it ran at level {run.level}, {gate.level.word} is asked for"
    if gate.age is not None and now - run.finished > gate.age:
        yield f"it ended {_ago(run.finished, now)}, which is older than {_hours(gate.age)}"
    if document.verdict.exit_code:
        yield f"its verdict is {document.verdict.label}: {document.verdict.headline}"


def _hours(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:g} hours"
