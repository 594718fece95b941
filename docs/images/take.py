"""Takes the pictures of the docs: ``python docs/images/take.py [GREEN|RED|WAIVED|CHANGED …]``.

Four rehearsals of the example company are made: green, red, red with a waiver, and one that is held against a green one before it. Of
each the first screen of ``golive.html`` and of Allure's report is taken with the system's Chromium, the latter where the ``allure``
command is on the PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
COMPANY = HERE.parents[1] / "examples" / "acme"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WAIVER = """
[[waivers]]
item = "6.2"
reason = "The new handler goes live with the next release."
owner = "Amara Okafor"
approved_by = "Priya Raman"
until = 2099-12-31
"""
RED = ("--flexprice-fault=F23", "--flexprice-fault=F41", "--flexprice-fault=F21")
UNSIGNED = ("--flexprice-fault=F118",)
RUNS: dict[str, list[tuple[str, ...]]] = {"green": [()], "red": [RED], "waived": [UNSIGNED], "changed": [(), RED]}
PAGES = {"golive": ("1200,1250", "golive.html"), "allure": ("1400,1000", "allure.html")}


def rehearse(company: Path, faults: tuple[str, ...]) -> Path:
    """One rehearsal of a company; gives the folder of its evidence."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("FLEXPRICE_", "PYTEST_"))}
    subprocess.run(
        [sys.executable, "-m", "pytest", "--flexprice-env=local", "-q", "-p", "no:cacheprovider", *faults],
        cwd=company,
        env=clean,
        capture_output=True,
        timeout=300,
        check=False,
    )
    return max(each for each in (company / "reports" / "local").iterdir() if each.name != "history")


def take(page: Path, target: Path, size: str) -> None:
    """A picture of the first screen of a page."""
    if CHROMIUM is None:
        raise SystemExit("no Chromium or Chrome on the PATH")
    quiet = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=15000"]
    with tempfile.TemporaryDirectory() as profile:
        command = [CHROMIUM, *quiet, f"--user-data-dir={profile}", f"--window-size={size}", f"--screenshot={target}"]
        subprocess.run([*command, page.as_uri()], capture_output=True, timeout=120, check=True)


def main(names: list[str]) -> None:
    """Take the pictures of these runs, or of all."""
    for name in names or RUNS:
        with tempfile.TemporaryDirectory() as folder:
            company = Path(folder) / "acme"
            shutil.copytree(COMPANY, company, ignore=shutil.ignore_patterns("reports", "__pycache__"))
            if name == "waived":
                with (company / "golive.toml").open("a", encoding="utf-8") as plan:
                    plan.write(WAIVER)
            evidence = [rehearse(company, faults) for faults in RUNS[name]][-1]
            for kind, (size, file) in PAGES.items():
                if (evidence / file).exists():
                    take(evidence / file, HERE / f"{kind}-{name}.png", size)
                    print(HERE / f"{kind}-{name}.png")


if __name__ == "__main__":
    main([name.lower() for name in sys.argv[1:]])
