"""Whether evidence that is whole is good enough for a release: of the wanted environment, level and age, with a verdict that holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from pytest_flexprice import __version__
from pytest_flexprice.evidence import attestation
from pytest_flexprice.evidence.attestation import ENVELOPE, STATEMENT
from pytest_flexprice.evidence.document import Document
from pytest_flexprice.evidence.listing import read_object, sha256
from pytest_flexprice.evidence.opened import Opened
from pytest_flexprice.evidence.written import expected, features_folder, never_collected, read_scenarios
from pytest_flexprice.model.checklist import BY_ID, Level

_CLOCKS_MAY_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class ReleaseGate:
    """What a release asks of evidence; what is ``None`` is not asked. ``age`` is the greatest age, counted from the run's end.

    ``commit`` is the one of the company's repository that is going to be released, whole or its beginning.
    """

    environment: str | None = None
    level: Level | None = None
    age: timedelta | None = None
    commit: str | None = None
    key: Path | None = None

    @property
    def asks(self) -> bool:
        """Whether anything but wholeness and signature is asked."""
        return any(each is not None for each in (self.environment, self.level, self.age, self.commit))


def missed(document: Document, gate: ReleaseGate, now: datetime) -> Iterator[str]:
    """What a gate asks for and the run is not, as sentences."""
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
        yield f"it ended {ago(run.finished, now)}, which is older than {_hours(gate.age)}"
    if gate.commit is not None:
        yield from _other_commit(document, gate.commit)
    if document.verdict.exit_code or _open(document, gate.level):
        yield f"its verdict is {document.verdict.label}: {document.verdict.headline}"


def _other_commit(document: Document, wanted: str) -> Iterator[str]:
    run = document.run
    if not run.git_commit.startswith(wanted.lower()):
        yield f"it is of commit {run.git_commit or 'none that is known'}, not of {wanted}"
    elif run.git_dirty is not False:
        yield f"it is of commit {run.git_commit} with changes that were not committed"


def doubtful(opened: Opened, document: Document, gate: ReleaseGate) -> Iterator[str]:
    """What cannot be told without the key."""
    if gate.key is not None:
        return
    envelope = read_object(opened, ENVELOPE)
    if envelope is not None and attestation.payload(envelope) != opened.files.get(STATEMENT):
        yield f"the signature in {ENVELOPE} is on another statement than the one that is here"
    if same_version(document):
        yield from _other_suite(document)
    else:
        wrote = document.run.versions.get("pytest-flexprice") or "of no version"
        yield (
            f"pytest-flexprice {wrote} wrote it and this is {__version__}, which cannot tell whether its pages say what golive.json "
            "says; verify it with that version, or give the key that signed it"
        )


def _other_suite(document: Document) -> Iterator[str]:
    """Whether it rests on the scenarios that this version has, each of which every run tells of."""
    folder = features_folder()
    files = sorted(folder.glob("*.feature"))
    told = {PurePosixPath(each.file).name: each.sha256 for each in document.run.features}
    if told != {path.name: sha256(path.read_bytes()) for path in files}:
        yield f"it was made with other feature files than those of pytest-flexprice {__version__} that are here"
        return
    missing = never_collected(expected(files, folder.parent, folder), document.scenarios)
    if missing:
        yield f"it does not tell of '{missing[0].name}', a scenario that every run of this version tells of"
    written = {(path.name, one.name): one.steps for path in files for one in read_scenarios(path) if one.rows is None}
    for record in document.scenarios:
        steps = written.get((record.feature_file, record.name))
        if (
            record.outcome == "passed"
            and record.packaged
            and steps not in (None, tuple(one.name for one in record.steps))
        ):
            yield f"it tells of other steps of '{record.name}' than this version has"
            return


def _open(document: Document, level: Level | None) -> bool:
    """Whether an item is not proved that the gate asks for: every one, or those up to a level where a lower one is enough."""
    if document.verdict.word != "INCOMPLETE":
        return False
    short = [item for item in document.verdict.items if item.state not in ("passed", "attested", "waived")]
    return not short or any(level is None or BY_ID[item.id].level <= level for item in short if item.id in BY_ID)


def _hours(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:g} hours"


def ago(moment: datetime, now: datetime) -> str:
    """A moment and how long ago it is, as a person reads it."""
    seconds = int((now - moment).total_seconds())
    hours, minutes = divmod(max(seconds, 0) // 60, 60)
    return f"{moment:%Y-%m-%d %H:%M} UTC ({hours} h {minutes:02} min ago)"


def same_version(document: Document) -> bool:
    """Whether the program that wrote it is this one."""
    return document.run.versions.get("pytest-flexprice") == __version__
