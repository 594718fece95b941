"""From an empty folder and a key to a green rehearsal and a Sandbox run, for three unlike companies: ``python -m benchmarks.first_hour``.

An embedded Flexprice, reached over HTTP, stands in for their Sandbox. The commands are those of the tutorial, and each edit of a person is
one line of the first plan; both are counted. Writes ``docs/first-hour.md``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.first_hour_companies import COMPANIES, Company
from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.kernel.options import SANDBOX
from pytest_flexprice.emulator.seeding.seed import Seeder
from pytest_flexprice.rehearsal.handler import DemoHandler

PAGE = Path(__file__).parents[1] / "docs" / "first-hour.md"
TODAY = datetime.now(UTC).date()
SPOKEN = ("8.1", "8.2", "8.3", "8.4")
Edit = tuple[str, str]


@dataclass
class Sandbox:
    """A company's Sandbox, with its handler and what a newcomer holds of it: a key and a signing secret."""

    url: str
    key: str
    handler: DemoHandler


@dataclass
class Typed:
    """One command: what was typed, how it ended, how long it took."""

    command: str
    code: int
    seconds: float
    output: str


@dataclass
class Way:
    """A company's whole way."""

    company: Company
    commands: list[Typed] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """What the commands took in all."""
        return sum(one.seconds for one in self.commands)


@contextmanager
def sandbox(company: Company) -> Iterator[Sandbox]:
    """Flexprice with what the company set up there, and some days of usage."""
    handler = DemoHandler("whsec_" + "00" * 12)
    handler.start()
    with FlexpriceServer(EmulatorOptions(lag=0.2)) as server:
        seeder = Seeder(server, SANDBOX)
        seeder.older_than(company.customers)
        seeder.collection = "send_invoice"
        seeder.catalog(company.catalog)
        for name, value in company.settings.items():
            seeder.setting(name, value)
        if any(row.get("collection_method") == "charge_automatically" for row in company.customers):
            seeder.gateway()
        handler.secret = seeder.endpoint(handler.url, company.event_types)
        seeder.customers(company.customers)
        now = datetime.now(UTC)
        for number, event in enumerate(company.events):
            at = now - timedelta(minutes=30 * (number + 1))
            stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
            seeder.call("POST", "/v1/events", {**event, "event_id": f"{company.name}-{number}", "timestamp": stamp})
        seeder.settle()
        yield Sandbox(server.url, seeder.key("developer")[1], handler)
    handler.stop()


def walk(company: Company, folder: Path) -> Way:
    """Go the way, in an empty folder."""
    way = Way(company)
    with sandbox(company) as own:
        variables = {"FLEXPRICE_API_KEY": own.key, "FLEXPRICE_WEBHOOK_SECRET": own.handler.secret}
        start = ["--flexprice-env=sandbox", f"--flexprice-base-url={own.url}", "--flexprice-init"]
        way.commands.append(_type(start, folder, {**variables, "FLEXPRICE_SVIX_URL": own.url}))
        if way.commands[0].code:
            sys.exit(way.commands[0].output)
        plan = folder / "golive.toml"
        text = plan.read_text(encoding="utf-8")
        for edit in _edits(text, own, company):
            text = _edited(text, edit)
            way.edits.append(edit)
        plan.write_text(text, encoding="utf-8")
        way.commands.append(_type(["--flexprice-env=local"], folder, {}))
        way.commands.append(_type(["--flexprice-env=sandbox"], folder, {**variables, "FLEXPRICE_SVIX_URL": own.url}))
    return way


def _type(arguments: list[str], folder: Path, variables: Mapping[str, str]) -> Typed:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("FLEXPRICE_", "PYTEST_"))}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**clean, "COLUMNS": "140", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    shown = re.sub(r"http://127\.0\.0\.1:\d+", "https://flexprice.example", f"pytest {' '.join(arguments)}")
    return Typed(shown, done.returncode, time.monotonic() - begun, output)


def _edits(text: str, own: Sandbox, company: Company) -> Iterator[Edit]:
    """What a person changes in the first plan: the line as it is, and as it shall be."""
    lines = {line.lstrip("# ").split(" = ")[0]: line for line in reversed(text.splitlines())}
    yield lines["probe_handler"], "probe_handler = true"
    yield lines["decided_by"], f'decided_by = "{company.head}"'
    yield lines["decided_on"], f"decided_on = {TODAY}"
    if lines["grace_period_days"].startswith("#"):
        yield lines["grace_period_days"], "grace_period_days = 14"
        yield lines["auto_cancel"], "auto_cancel = false"
    yield lines["handler"], lines["handler"].removeprefix("# ")
    yield lines["processed"], f'processed = "{own.handler.processed_url}"'
    for item in SPOKEN:
        yield "", _statement(item, company)


def _statement(item: str, company: Company) -> str:
    rows = {"item": item, "statement": company.statement, "by": company.head, "role": "Billing lead"}
    table = "".join(f'{name} = "{value}"\n' for name, value in rows.items())
    return f'\n[[attestations]]\n{table}on = {TODAY}\nenvironment = "sandbox"\n'


def _edited(text: str, edit: Edit) -> str:
    before, after = edit
    return text.replace(before, after, 1) if before else text + after


def page(ways: list[Way]) -> str:
    """The page: a table of all ways, then each with its commands."""
    lines = [
        "# The first hour",
        "",
        "The way from an empty folder and a key to a green rehearsal and a run against a Sandbox, gone by a script for three",
        "made-up companies. An embedded Flexprice over HTTP stands in for their Sandbox. `python -m benchmarks.first_hour` goes",
        "it again and writes this page. An edit is a line of the first plan that a person fills in, or a statement that a person",
        "adds. The minutes are those of the commands, on two busy cores: reading what `--flexprice-init` wrote is not in them.",
        "",
        "| Company | Sells | Edits | Commands | Minutes of commands | Rehearsal | Sandbox run |",
        "|---|---|---|---|---|---|---|",
        *map(_row, ways),
    ]
    for way in ways:
        lines += ["", f"## {way.company.name}", "", way.company.about, ""]
        for one in way.commands:
            lines += ["```", f"$ {one.command}", *_told(one.output), f"(exit code {one.code})", "```", ""]
            if one is way.commands[0]:
                lines += ["What a person changed in `golive.toml`:", "", "```toml"]
                lines += [_portable(after.strip()) for _, after in way.edits if not after.startswith("\n")]
                lines += ["```", "", f"and one `[[attestations]]` each for {', '.join(SPOKEN)}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _row(way: Way) -> str:
    _, rehearsed, real = way.commands
    minutes = f"{way.seconds / 60:.1f}"
    name, sells = way.company.name, way.company.sells
    return (
        f"| {name} | {sells} | {len(way.edits)} | {len(way.commands)} | {minutes} | {_end(rehearsed)} | {_end(real)} |"
    )


def _end(one: Typed) -> str:
    found = re.search(r"^(REHEARSAL|READY|NOT READY|INCOMPLETE)[^:]*: .*", one.output, re.MULTILINE)
    return f"exit {one.code}: {found[0].split('. A rehearsal')[0] if found else 'no verdict'}"


def _told(output: str) -> list[str]:
    """What is worth reading of an output: what was written and is left, or items that do not simply hold, with the verdict."""
    kept, on = [], False
    for line in output.splitlines():
        if re.match(r"\d\.\d[\d.,– ]* (passed|attested) ", line):
            on = True
            continue
        on = (
            on
            or line.endswith("written; review it")
            or "go-live checklist" in line
            or line.startswith(("NOTE", "ERROR"))
        )
        if line.startswith(("Report:", "Allure:", "Evidence:", "====")) and "go-live" not in line:
            on = False
        if on and line and "go-live checklist" not in line:
            kept.append(_portable(line))
    return kept


def _portable(line: str) -> str:
    line = re.sub(r"http://127\.0\.0\.1:\d+", "https://company.example", line)
    return re.sub(r"\S*/(golive(?:/\S+|\.toml))", r"\1", line)


def main() -> int:
    """Go all ways; the exit code says whether each of them ended green."""
    ways = []
    for company in COMPANIES:
        with tempfile.TemporaryDirectory(prefix="first-hour-") as folder:
            ways.append(walk(company, Path(folder)))
        sys.stdout.write(_row(ways[-1]) + "\n")
    PAGE.write_text(page(ways), encoding="utf-8")
    return max(one.code for way in ways for one in way.commands)


if __name__ == "__main__":
    sys.exit(main())
