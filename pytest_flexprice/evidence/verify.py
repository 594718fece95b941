"""Whether evidence is whole, what it says, and whether it is good enough for a release.

Three questions, each with its own exit code: is it as the run left it (2 if not), is it of the wanted environment, level and age with
a verdict that holds (1 if not), and was it signed by the wanted key (2 if not). Without a key only agreement is proved, not authorship.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pytest_flexprice.evidence import attestation
from pytest_flexprice.evidence.attestation import ENVELOPE, STATEMENT
from pytest_flexprice.evidence.bundle import MANIFEST, RENDERINGS
from pytest_flexprice.evidence.companions import beside
from pytest_flexprice.evidence.consistency import contradictions, other_zones
from pytest_flexprice.evidence.document import Document
from pytest_flexprice.evidence.exchanges import MERGED
from pytest_flexprice.evidence.gate import ReleaseGate, ago, doubtful, missed, same_version
from pytest_flexprice.evidence.listing import listed, read_object, sha256, summed, with_own_line_ends
from pytest_flexprice.evidence.opened import Opened, open_evidence

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey

_NAMED = re.compile(r"golive-evidence-(.+)-(\d{8}T\d{6}Z-[0-9a-f]{8})( ?\(\d+\))?\.zip")
WHOLE, NOT_ENOUGH, NOT_WHOLE = 0, 1, 2
_TOLD = ("run_id", "environment", "environment_id", "level", "rehearsal", "verdict", "finished")


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


def examine(path: Path, gate: ReleaseGate, now: datetime) -> Examined:
    """Examine a zip or folder of evidence at ``now`` (aware, UTC).

    Raises:
        NoEvidence: it cannot be read at all.
        KeyRefused: the gate's key cannot be used.
    """
    key = attestation.public_key(gate.key) if gate.key is not None else None
    opened, converted = with_own_line_ends(open_evidence(path))
    found = Examined(list(converted))
    found.damage += listed(opened)
    found.damage += summed(opened)
    found.damage += _stated(opened)
    found.damage += _signed(opened, key)
    document = _document(opened, found)
    if document is not None:
        found.damage += _of_one_run(opened, document)
        found.damage += _agreeing(opened, document)
        found.damage += beside(opened, document) if same_version(document) else ()
        found.facts += _facts(opened, document, key is not None, now)
        found.misses += missed(document, gate, now)
        found.misses += doubtful(opened, document, gate)
    return found


def _stated(opened: Opened) -> Iterator[str]:
    """The in-toto Statement against the manifest."""
    stated = read_object(opened, STATEMENT)
    try:
        subject = stated["subject"][0] if stated else None
        digest = subject["digest"]["sha256"] if subject else None
    except (KeyError, IndexError, TypeError):
        digest = None
    if digest is None:
        yield f"{STATEMENT} is missing or names no digest"
    elif MANIFEST in opened.files and digest != sha256(opened.files[MANIFEST]):
        yield f"{STATEMENT} is about another manifest than the one that is here"


def _signed(opened: Opened, key: SSlibKey | None) -> Iterator[str]:
    envelope = read_object(opened, ENVELOPE)
    if envelope is None:
        yield from _unsigned(opened, key)
        return
    if not attestation.is_envelope(envelope):
        yield f"{ENVELOPE} holds something else than one signature on an in-toto Statement"
        return
    if key is None:
        return
    payload = attestation.signed_by(envelope, key)
    if payload is None:
        yield f"the signature in {ENVELOPE} was not made with the key that was given"
    elif payload != opened.files.get(STATEMENT):
        yield f"the signature in {ENVELOPE} is on another statement than the one that is here"


def _unsigned(opened: Opened, key: SSlibKey | None) -> Iterator[str]:
    if ENVELOPE in opened.files:
        yield f"{ENVELOPE} cannot be read"
    elif attestation.named_key(read_object(opened, STATEMENT) or {}):
        yield f"nobody signed this evidence as it is: {STATEMENT} says that the run did, and the signature ({ENVELOPE}) is gone"
    elif key is not None:
        yield f"nobody signed this evidence ({ENVELOPE} is missing), so whoever changed it could have computed all sums again"


def _document(opened: Opened, found: Examined) -> Document | None:
    content = read_object(opened, "golive.json")
    try:
        document = Document.model_validate(content)
    except ValidationError:
        found.damage.append("golive.json is missing or is no document of pytest-flexprice")
        return None
    other = list(other_zones(document))
    found.damage += other
    return None if other else document


def _of_one_run(opened: Opened, document: Document) -> Iterator[str]:
    """The manifest, the Statement and the zip's name speak of the run that golive.json is of."""
    manifest = read_object(opened, MANIFEST)
    expected = {
        "run_id": document.run.run_id,
        "environment": document.run.environment,
        "verdict": document.verdict.label,
        "finished": document.run.finished.isoformat(),
        "rehearsal": document.run.rehearsal,
    }
    for name, value in expected.items():
        if manifest is not None and manifest.get(name) != value:
            yield f"{MANIFEST} says {name} '{manifest.get(name)}', golive.json says '{value}'"
    content = opened.files.get(MANIFEST)
    stated = read_object(opened, STATEMENT)
    if content is not None and stated is not None:
        due = attestation.statement(document, MANIFEST, sha256(content), attestation.named_key(stated))
        if not _says(stated, json.loads(json.dumps(due)), exactly=same_version(document)):
            yield f"{STATEMENT} does not say what golive.json says"
    counted = document.exchanges.get("count")
    log = opened.files.get(MERGED)
    if counted is not None and log is not None and counted != sum(bool(line.strip()) for line in log.split(b"\n")):
        yield f"{MERGED} does not hold the {counted} exchanges that golive.json counts"
    named = _NAMED.fullmatch(opened.source.name)
    if named and (named[1], named[2]) != (document.run.environment, document.run.run_id):
        yield f"the zip is named for run {named[2]} of '{named[1]}', and holds run {document.run.run_id} of '{document.run.environment}'"


def _says(stated: dict[str, Any], due: dict[str, Any], *, exactly: bool) -> bool:
    """Whether a Statement is what the run says; of another version the parts that all versions have."""
    if exactly:
        return stated == due
    try:
        told, own = stated["predicate"], due["predicate"]
        return (stated["_type"], stated["predicateType"], len(stated["subject"])) == (
            due["_type"],
            due["predicateType"],
            1,
        ) and all(told["annotations"].get(name) == own["annotations"][name] for name in _TOLD)
    except (KeyError, TypeError, AttributeError):
        return False


def _agreeing(opened: Opened, document: Document) -> Iterator[str]:
    """Every rendering is what golive.json gives; only the version that wrote them can tell to the byte."""
    yield from contradictions(document)
    for name, render in RENDERINGS:
        content = opened.files.get(name)
        if content is None:
            continue
        agrees = content == render(document).encode("utf-8") if same_version(document) else _names(content, document)
        if not agrees:
            yield f"{name} does not say what golive.json says"


def _names(content: bytes, document: Document) -> bool:
    """Whether a rendering of another version is at least about this run, its environment and its verdict."""
    told = (document.run.run_id, document.run.environment, document.verdict.label)
    return all(each.encode() in content for each in told)


def _facts(opened: Opened, document: Document, signed: bool, now: datetime) -> Iterator[str]:
    run = document.run
    yield f"Verdict      {document.verdict.label}: {document.verdict.headline}"
    named = f"{run.environment} ({run.environment_type}, {run.environment_id or 'no id told'}) at {run.base_url}"
    yield f"Environment  {named}{', a rehearsal' if run.rehearsal else ''}"
    yield f"Level        {run.level}"
    yield f"Run          {run.run_id} by {run.run_by or 'nobody known'} on {run.run_on}, ended {ago(run.finished, now)}"
    if run.git_commit:
        yield f"Commit       {run.git_commit}{' with changes that were not committed' if run.git_dirty else ''}"
    if run.ci_url:
        yield f"CI           {run.ci_url}"
    left_out = (read_object(opened, MANIFEST) or {}).get("left_out") or ()
    if left_out:
        yield f"Left out     {len(left_out)} files, to keep the zip small; the manifest has their sums"
    yield f"Signature    {_about_signature(opened, signed)}"
    if not same_version(document):
        yield "Renderings   were written by another version, so only run, environment and verdict in them were checked"


def _about_signature(opened: Opened, signed: bool) -> str:
    if signed:
        return "asked for with --key"
    if ENVELOPE in opened.files:
        return "present, not checked: give the public key with --key"
    return "none: sums prove that the files agree with each other, not who wrote them"
