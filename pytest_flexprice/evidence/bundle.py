"""The evidence folder of a run: every rendering, then the manifest and the Statement about it, and one zip to attach to a ticket."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import pytest

from pytest_flexprice.evidence import allure_report, attestation, exchanges, facts, history
from pytest_flexprice.evidence.allure_files import write_allure_files, write_configuration
from pytest_flexprice.evidence.context import RunContext
from pytest_flexprice.evidence.document import Document, Provenance
from pytest_flexprice.evidence.drift import Drift, compare
from pytest_flexprice.evidence.gathering import Gathering
from pytest_flexprice.evidence.judged import Verdict
from pytest_flexprice.evidence.junit import junit
from pytest_flexprice.evidence.provenance import provenance
from pytest_flexprice.evidence.records import ScenarioRecord
from pytest_flexprice.evidence.report import as_html, as_json, as_markdown
from pytest_flexprice.evidence.statements import last_days
from pytest_flexprice.evidence.verdict import with_attested

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
SEALS = (MANIFEST, SUMS, attestation.STATEMENT, attestation.ENVELOPE)
"""The files that are about all others, so no file lists them."""
LARGEST_ZIP = 10_000_000
_WITHHELD = "This file was withheld: it held a secret of the run. Please report that as a fault of pytest-flexprice.\n"
RENDERINGS: tuple[tuple[str, Callable[[Document], str]], ...] = (
    ("golive.json", as_json),
    ("golive.md", as_markdown),
    ("golive.html", as_html),
    ("junit.xml", junit),
)


class EvidenceLeak(Exception):
    """A secret got into the evidence; the message names the files, which are withheld, and no zip is made."""


class Bundle:
    """Writes the evidence of one run below ``context.folder``, signed where there is a key, compared with a baseline."""

    def __init__(
        self,
        config: pytest.Config,
        context: RunContext,
        key: CryptoSigner | None = None,
        baseline: history.Baseline | None = None,
    ) -> None:
        self.config = config
        self.context = context
        self.folder = context.folder
        self.key = key
        self.baseline = baseline
        self.allure_mode: allure_report.Mode = config.getoption("flexprice_allure", None) or "auto"
        self.allure = ""
        self.zip: Path | None = None
        self.document: Document | None = None
        self.written = False
        """Whether the report is there as a whole."""

    @property
    def html(self) -> Path:
        """The report to open first."""
        return self.folder / "golive.html"

    @property
    def results(self) -> Path:
        """Where Allure writes in this run; elsewhere only if somebody asked for it with ``--alluredir``."""
        return Path(getattr(self.config.option, "allure_report_dir", None) or self.context.results)

    def begin(self, verdict: Verdict) -> None:
        """Leave the verdict on a run that never ends; ``write`` replaces it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        run = provenance(self.config, self.context, self.context.started)
        document = self._clean(Document(run=run, verdict=verdict, scenarios=[], ended=False))
        history.replace_file(self.folder / "golive.json", as_json(document))

    def withdraw(self) -> None:
        """Take back what ``begin`` left: a refused run leaves nothing."""
        (self.folder / "golive.json").unlink(missing_ok=True)

    def _clean(self, document: Document) -> Document:
        return Document.model_validate(self.context.redactor.record(document.model_dump(mode="json")))

    def write(
        self, verdict: Verdict, scenarios: list[ScenarioRecord], gathering: Gathering, finished: datetime
    ) -> None:
        """Write everything.

        Raises:
            EvidenceLeak: a secret got through; the files that hold it are withheld.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        exchanged = list(exchanges.read(exchanges.merge(self.folder)))
        counts = exchanges.by_scenario(exchanged)
        scenarios = with_attested(verdict, scenarios)
        for record in scenarios:
            record.exchanges = counts[record.node_id]
        run = provenance(self.config, self.context, finished)
        document = Document(
            run=run,
            verdict=verdict,
            scenarios=scenarios,
            drift=self._since_last_time(run, verdict, scenarios),
            reconciliation=gathering.reconciliation(),
            exchanges=exchanges.summary(exchanged),
        )
        self.document = self._clean(document)
        for name, render in RENDERINGS:
            history.replace_file(self.folder / name, render(self.document))
        self.written = True
        write_allure_files(self.results, self.document, gathering.crashed())
        if self.results.is_dir() and self.results.parent == self.folder:
            write_configuration(self.folder, self.document)
        for waiting in self.folder.glob("waiting-*.json"):
            waiting.unlink()
        leaking = self._withhold()
        if not leaking:
            # Of files that were scanned: in its own base64 parts of a token would be found that are anybody's.
            known = self.folder.parent / history.FOLDER
            self.allure = allure_report.generate(self.folder, self.results, known, run.level, self.allure_mode)
        else:
            self._seal(())
            names = ", ".join(_name(path, self.folder) for path in leaking)
            raise EvidenceLeak(
                f"A secret got into the evidence, so no zip was made and these files were withheld: {names}."
            )
        run = self.document.run
        name = f"golive-evidence-{run.environment}-{run.run_id}.zip"
        self.zip = pack(self.folder, name, self._seal)

    def _since_last_time(self, run: Provenance, verdict: Verdict, scenarios: Sequence[ScenarioRecord]) -> Drift | None:
        """What changed since the newest run of this level, or since the baseline that was given; this run is remembered for the next."""
        folder = self.folder.parent / history.FOLDER
        seen, line = history.baseline_of(run, verdict, scenarios), history.line_of(run, verdict, scenarios)
        ends = {**last_days(self.context.plan, run.environment), **facts.ending(seen.facts)}
        if run.rehearsal:
            seen.facts = {}  # its Flexprice is made anew each time
        for observation in (each for record in scenarios for each in record.observations):
            observation.facts = {}
        before = self.baseline or history.read_baseline(folder, run.level)
        earlier = history.read_runs(folder, run.level)
        history.remember(folder, seen, line)
        if before is None:
            return None
        return compare(before, seen, runs=earlier, line=line, ends=ends, today=self.context.today)

    def _seal(self, left_out: Sequence[str]) -> None:
        """Write what is about all other files: the manifest, its sums, the Statement and, with a key, its signature."""
        assert self.document is not None
        write_manifest(self.folder, self.document, left_out)
        manifest = self.folder / MANIFEST
        attestation.write_statement(self.folder, self.document, MANIFEST, sha256(manifest), self.key)

    def _withhold(self) -> list[Path]:
        leaking = self.context.redactor.scan(self.folder)
        if not self.results.is_relative_to(self.folder):
            leaking += self.context.redactor.scan(self.results)
        for path in leaking:
            path.write_text(_WITHHELD, encoding="utf-8")
        return leaking


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def write_manifest(folder: Path, document: Document, left_out: Sequence[str] = ()) -> None:
    """List every file with its size and SHA-256, also those that the zip leaves out; about finished files only."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in SEALS]
    rows = [
        {"file": path.relative_to(folder).as_posix(), "size": path.stat().st_size, "sha256": sha256(path)}
        for path in files
        if path.suffix != ".zip"
    ]
    manifest = {
        "run_id": document.run.run_id,
        "environment": document.run.environment,
        "verdict": document.verdict.label,
        "rehearsal": document.run.rehearsal,
        "finished": document.run.finished.isoformat(),
        "left_out": list(left_out),
        "files": rows,
    }
    path = folder / MANIFEST
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    sums = [f"{row['sha256']}  {row['file']}\n" for row in rows] + [f"{sha256(path)}  {MANIFEST}\n"]
    (folder / SUMS).write_text("".join(sums), encoding="utf-8")


def pack(folder: Path, name: str, seal: Callable[[Sequence[str]], None], limit: int = LARGEST_ZIP) -> Path:
    """One zip below ``limit`` bytes. When it would be larger, attachments and exchanges stay out, the largest first.

    ``seal`` is called with the names of what stays out before the zip is written, so that the manifest in it knows them.
    """
    target = folder / name
    left_out: list[Path] = []
    _pack(target, folder, left_out, seal)
    trimmable = [path for path in folder.rglob("*") if path.is_file() and may_stay_out(path)]
    trimmable = sorted(trimmable, key=lambda path: path.stat().st_size, reverse=True)
    while target.stat().st_size > limit and trimmable:
        excess = target.stat().st_size - limit
        while trimmable and excess > 0:
            path = trimmable.pop(0)
            left_out.append(path)
            excess -= _packed_size(target, path.relative_to(folder).as_posix())
        _pack(target, folder, left_out, seal)
    return target


def _pack(target: Path, folder: Path, left_out: list[Path], seal: Callable[[Sequence[str]], None]) -> None:
    seal(sorted(path.relative_to(folder).as_posix() for path in left_out))
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path != target and path not in left_out]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder).as_posix())


def sha256(path: Path) -> str:
    """A file's SHA-256, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def may_stay_out(path: PurePath) -> bool:
    """Whether a file may be left out of the zip: attachments of Allure and the exchanges."""
    return path.parent.name == "allure-results" or path.name == exchanges.MERGED


def _packed_size(archive: Path, name: str) -> int:
    with zipfile.ZipFile(archive) as opened:
        return opened.getinfo(name).compress_size
