"""What evidence costs: ``python -m benchmarks.evidence [EXCHANGES] [DIFFERENCES]`` (5,000 and 50,000).

Seconds of each part, the sizes of report and zip, and how long the system's Chromium takes until the report is painted, beside an
empty page.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_flexprice.evidence import exchanges
from pytest_flexprice.evidence.bundle import RENDERINGS, pack, write_manifest
from pytest_flexprice.evidence.records import MOST_FINDINGS, FindingRecord, ObservationRecord, trimmed
from pytest_flexprice.evidence.redaction import Redactor
from pytest_flexprice.model.finding import Finding
from tests.evidence import samples

BEGAN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SECRET = "sk_01K8ZQ4T5M6N7P8R9S0TAVWX42"


@contextmanager
def told(what: str) -> Iterator[None]:
    began, worked = time.perf_counter(), time.process_time()
    yield
    print(f"{what:58}{time.perf_counter() - began:8.2f} s{time.process_time() - worked:8.2f} s of a processor")


def exchange(number: int, chance: random.Random) -> dict[str, object]:
    """One exchange as the client keeps it: a list of twenty rows with ids that do not compress away."""
    rows = [
        {
            "id": f"sub_{chance.getrandbits(120):030X}",
            "customer_id": f"cust_{chance.getrandbits(120):030X}",
            "status": "active",
            "amount": str(chance.randint(0, 10**7) / 100),
            "created_at": (BEGAN - timedelta(seconds=chance.randint(0, 10**7))).isoformat(),
        }
        for _ in range(20)
    ]
    return {
        "at": (BEGAN + timedelta(milliseconds=7 * number)).isoformat(),
        "method": "POST",
        "path": "/v1/subscriptions/search",
        "query": {},
        "request": {"limit": 20, "offset": number},
        "status": 200,
        "seconds": 0.02,
        "retries": 0,
        "response": {"items": rows},
        "scenario": "04.feature::test_customers",
    }


def catalog(differences: int) -> tuple[list[Finding], dict[str, str], dict[str, str]]:
    """So many differences of two catalogs."""
    paths = [f"plans.plan-{number // 10}.prices.event.{number % 10}.amount" for number in range(differences)]
    findings = [
        Finding(
            "2.1",
            path,
            f"amount of price '{path}' differs from what was signed off",
            "1",
            "2",
            "it is billed wrongly",
            "correct it",
        )
        for path in paths
    ]
    return findings, dict.fromkeys(paths, "1"), dict.fromkeys(paths, "2")


def painted(page: Path) -> float:
    """Seconds until a page is painted and its picture taken."""
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory() as profile:
        quiet = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={profile}",
            "--window-size=1200,900",
        ]
        command = [CHROMIUM, *quiet, f"--screenshot={profile}/picture.png", page.as_uri()]
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, timeout=300, check=True)
        return time.perf_counter() - began


def main(wanted: int, differences: int) -> None:
    """Write the evidence of one large run, and print what it took."""
    redactor, chance = Redactor([SECRET]), random.Random(7)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        log = exchanges.ExchangeLog(folder / exchanges.log_name("gw0"), redactor)
        rows = [exchange(number, chance) for number in range(wanted)]
        with told(f"{wanted:,} exchanges redacted and kept while the run goes on"):
            for row in rows:
                log.append(row)
        findings, expected, observed = catalog(differences)
        with told(f"{differences:,} differences recorded"):
            kept = [FindingRecord.of(finding, "2.1") for finding in findings[:MOST_FINDINGS]]
            seen = ObservationRecord(
                title="catalog",
                at=BEGAN,
                step=1,
                expected=trimmed(expected),
                observed=trimmed(observed),
                findings=list(range(len(kept))),
            )
        document = samples.run(
            samples.scenario(
                "2.1", outcome="failed", findings=kept, findings_total=differences, observations=[seen], message="x"
            )
        )
        at_the_end(folder, document, redactor, wanted)
        if CHROMIUM is not None:
            empty = folder / "empty.html"
            empty.write_text("<p>x")
            page = painted(folder / "golive.html") - painted(empty)
            print(f"{'report painted, beside an empty page':58}{page:8.2f} s")


def at_the_end(folder: Path, document: samples.Document, redactor: Redactor, wanted: int) -> None:
    """What happens once the run is over."""
    began, worked = time.perf_counter(), time.process_time()
    with told("exchanges of all processes merged, counted"):
        merged = exchanges.merge(folder)
        document = document.model_copy(update={"exchanges": exchanges.summary(merged)})
        exchanges.by_scenario(merged)
    with told("renderings"):
        for name, render in RENDERINGS:
            (folder / name).write_text(render(document), encoding="utf-8")
    with told("scan for secrets"):
        assert redactor.scan(folder) == []
    seal: Callable[[object], None] = lambda left_out: write_manifest(folder, document, left_out)  # noqa: E731
    with told("manifest and zip"):
        archive = pack(folder, "golive-evidence.zip", seal)
    seconds, each = time.perf_counter() - began, (time.process_time() - worked) / max(wanted, 1) * 1000
    print(f"{'in all at the end':58}{seconds:8.2f} s, {each:.2f} s of a processor per 1,000 exchanges")
    left_out = json.loads((folder / "manifest.json").read_text())["left_out"]
    for name in ("exchanges.ndjson", "golive.html", "golive.json", archive.name):
        print(f"{name:58}{(folder / name).stat().st_size / 1e6:8.2f} MB{', left out' if name in left_out else ''}")


if __name__ == "__main__":
    main(*([int(each) for each in sys.argv[1:]] or [5_000, 50_000]))
