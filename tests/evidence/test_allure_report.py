"""Allure's own report: made where its command is there, with the history of earlier runs, and never a reason to fail unless required."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from pytest_flexprice.evidence import allure_report

#: A stand-in that does what the real command was seen to do: an index.html from the results, and a line more in the history.
COMMAND = """#!/usr/bin/env python3
import json, pathlib, sys
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("{version}")
    sys.exit()
assert arguments[0] == "generate"
value = lambda name: arguments[arguments.index(name) + 1]
settings = json.loads(pathlib.Path(value("--config")).read_text())
assert settings["plugins"]["awesome"]["options"]["singleFile"]
results = sorted(path.name for path in pathlib.Path(arguments[1]).glob("*-result.json"))
if "{fails}":
    sys.exit(1)
pathlib.Path(value("--output"), "index.html").write_text("<p>" + " ".join(results))
with open(settings["historyPath"], "a") as file:
    file.write(json.dumps(results) + "\\n")
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "prod" / "run-1"
    (folder / "allure-results").mkdir(parents=True)
    (folder / "allure-results" / "a-result.json").write_text("{}")
    return folder


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str = "3.18.0", fails: str = "") -> None:
    program = tmp_path / "bin" / "allure"
    program.parent.mkdir()
    program.write_text(COMMAND.format(version=version, fails=fails))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def generate(run: Path, mode: allure_report.Mode = "auto") -> str:
    return allure_report.generate(run, run / "allure-results", run.parent / "history", "read", mode)


def test_the_report_is_one_file_and_its_history_is_kept(run, tmp_path, monkeypatch):
    install(tmp_path, monkeypatch)
    assert generate(run) == f"Allure:   {run / 'allure.html'}"
    assert "a-result.json" in (run / "allure.html").read_text()
    generate(run)
    lines = (run.parent / "history" / "allure-read.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [["a-result.json"]] * 2


def test_without_the_command_one_line_says_how_to_look(run, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "npx allure awesome" in generate(run)
    assert not (run / "allure.html").exists()
    with pytest.raises(allure_report.AllureMissing, match="npm install --global allure"):
        allure_report.require("require")


def test_an_older_command_is_none(run, tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, version="2.46.1")
    assert "npx allure awesome" in generate(run)


def test_a_command_that_fails_is_told_and_no_more(run, tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, fails="yes")
    assert "could not be made" in generate(run)


def test_off_is_off(run, tmp_path, monkeypatch):
    install(tmp_path, monkeypatch)
    assert generate(run, "off") == ""
