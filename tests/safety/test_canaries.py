"""Canaries in every secret of a run, spilled in every place: none reaches the terminal or a file. Each is a process of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.suite import Outcome, run

CANARIES = {
    "FLEXPRICE_API_KEY": "sk_01C4NARYKEY8ZQ4T5M6N7P8R9S",
    "FLEXPRICE_OLD_KEY": "sk_01C4NARYOLD8ZQ4T5M6N7P8R9S",
    "FLEXPRICE_WEBHOOK_SECRET": "whsec_C4n4ryS3cretValue0123456789",
    "ACME_LEDGER_PASSWORD": "C4n4ryP4ssw0rdOf4nother5ystem",  # of which the plan knows nothing
}
PLAN = """
[company]
name = "Acme"

[environments.prod]
base_url = "https://us.api.flexprice.io"
environment_id = "env_01K8ZQ4T5M6N7P8R9S0TAVWX7F"
type = "production"
old_keys = ["FLEXPRICE_OLD_KEY"]

[webhooks]
endpoint = "https://billing.acme.example/flexprice"
handler = { url = "https://billing.acme.example/flexprice", secret = "FLEXPRICE_WEBHOOK_SECRET" }
"""
FEATURE = """Feature: Our own
  @item_8_1 @lint
  Scenario: Somebody of ours reads it too
    Given a reader
"""
CONFTEST = """
import base64, json, logging, os, sys, textwrap, warnings
from pathlib import Path
import pytest
from pytest_bdd import given
VALUES = dict(line.split("=", 1) for line in Path(__file__).with_name(".env.prod").read_text().split())
ALL = " and ".join(VALUES.values())

@pytest.fixture
def everything(): return ALL

@given("a reader")
def reader(request, observe, profile, plan, everything):
    {step}

{hooks}
"""

STEPS = {
    "printed": "print(ALL); sys.stderr.write(ALL); assert False",
    "asserted": "assert ALL == 'nothing'",
    "asserted in a list": "assert VALUES == {'none': 1}",
    "raised": "raise RuntimeError(ALL)",
    "raised in upper case": "raise RuntimeError(ALL.upper())",
    "raised and wrapped": "raise RuntimeError('\\n'.join(textwrap.wrap(ALL, 17)))",
    "raised letter by letter": "raise RuntimeError(chr(10).join(ALL) + ' '.join(ALL) + chr(0x2028).join(ALL))",
    "raised in base 64": "raise RuntimeError(base64.b64encode(ALL.encode()).decode())",
    "raised in escapes": "raise RuntimeError(''.join(f'\\\\u{ord(c):04x}' for c in ALL))",
    "raised as bytes": "raise RuntimeError(ALL.encode().hex())",
    "logged": "logging.getLogger('a').error('%s', ALL); assert False",
    "warned": "warnings.warn(ALL)",
    "observed": "observe(ALL, expected={ALL: ALL}, observed=[ALL, ALL.swapcase()])",
    "a property": "request.node.user_properties.append((ALL, ALL))",
    "an attachment": (
        "import allure; allure.attach(ALL, name=ALL, extension=ALL.split()[0]); allure.dynamic.parameter(ALL, ALL); "
        "allure.dynamic.title(ALL)"
    ),
    "skipped": "pytest.skip(ALL)",
    "exited": "pytest.exit(ALL)",
    "in a file's name": "observe('file', observed=ALL.replace(' ', '_') + '.txt'); assert False, ALL[:40]",
}
HOOKS = {
    "imported": "raise RuntimeError(ALL)",
    "refused": "def pytest_configure(config): raise pytest.UsageError(ALL)",
    "refused at collection": "def pytest_collection_modifyitems(items): raise pytest.UsageError(ALL)",
    "crashed at configure": "def pytest_configure(config): raise RuntimeError(ALL)",
    "crashed at start": "def pytest_sessionstart(session): raise RuntimeError(ALL)",
    "crashed at collection": "def pytest_collection_modifyitems(items): raise RuntimeError(ALL)",
    "crashed at a report": "def pytest_runtest_logreport(report): raise RuntimeError(ALL)",
    "crashed at the end": "def pytest_sessionfinish(session): raise RuntimeError(ALL)",
    "crashed after the end": "def pytest_unconfigure(config): raise RuntimeError(ALL)",
    "written by a plugin": "def pytest_terminal_summary(terminalreporter): terminalreporter.write_line(ALL)",
    "in the header": "def pytest_report_header(config): return ALL",
    "in a fixture": "@pytest.fixture(autouse=True)\ndef broken(): raise RuntimeError(ALL)",
    "printed when all is over": "import atexit\natexit.register(print, ALL)",
    "exited at import": "sys.exit(ALL)",
    "logged by a handler of its own": (
        "logging.getLogger().addHandler(logging.FileHandler('own.log'))\nlogging.error(ALL)\n"
        "def pytest_sessionstart(): logging.error(ALL)"
    ),
    "a property of the suite": (
        "@pytest.fixture(scope='session', autouse=True)\ndef told(record_testsuite_property): record_testsuite_property(ALL, ALL)"
    ),
    "in a name": (
        "def pytest_generate_tests(metafunc):\n    metafunc.fixturenames.append('of')\n"
        "    metafunc.parametrize('of', [ALL], ids=[ALL])"
    ),
}
ARGUMENTS = {
    "plain": (),
    "long": ("-vv", "--showlocals", "-rA", "--tb=long"),
    "native": ("--tb=native", "--showlocals"),
    "debug": ("--debug",),
    "uncaptured": ("-s",),
    "workers": ("-n", "2", "--debug"),
    "reports": ("--junitxml=mine.xml", "--alluredir=mine", "--log-cli-level=DEBUG", "--log-file=mine.log"),
}
WRITTEN_BY_US = {"conftest.py", ".env.prod", "golive.toml"}


def spilled(folder: Path, step: str = "pass", hooks: str = "", arguments: tuple[str, ...] = ()) -> Outcome:
    (folder / "golive.toml").write_text(PLAN)
    (folder / ".env.prod").write_text("".join(f"{name}={value}\n" for name, value in CANARIES.items()))
    (folder / ".env.prod").chmod(0o600)
    (folder / "conftest.py").write_text(CONFTEST.replace("{step}", step).replace("{hooks}", hooks))
    (folder / "golive").mkdir()
    (folder / "golive" / "own.feature").write_text(FEATURE)
    (folder / "pytest.ini").touch()
    environ = {"PYTHONDONTWRITEBYTECODE": "1"}
    return run(
        folder, "--flexprice-env=prod", "--flexprice-level=lint", "-p", "no:randomly", *arguments, environ=environ
    )


def leaks(folder: Path, output: str) -> list[str]:
    """Where a canary is, whole or a good part of it, whatever its case and whatever line breaks are in it."""
    texts = {"terminal": output, **dict(_files(folder))}
    return [f"{name}: {canary}" for name, text in texts.items() for canary in CANARIES.values() if _holds(text, canary)]


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in WRITTEN_BY_US:
            yield path.name, path.name + "\n" + path.read_bytes().decode("utf-8", "replace")


def _holds(text: str, canary: str) -> bool:
    joined = re.sub(r"(\\n|[\s|>])+(E\s+)?", "", text).lower()
    parts = [canary[at : at + 14].lower() for at in range(len(canary) - 13)]
    forms = [canary.encode().hex(), "".join(f"\\u{ord(each):04x}" for each in canary)]
    return any(part in joined for part in (*parts, *forms))


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_what_a_step_spills_is_nowhere(tmp_path: Path, step: str) -> None:
    outcome = spilled(tmp_path, step, arguments=ARGUMENTS["long"])
    assert leaks(tmp_path, outcome.output) == [], outcome.output
    assert "golive.json" in {path.name for path in outcome.folder.iterdir()}


@pytest.mark.parametrize("hooks", HOOKS.values(), ids=HOOKS)
def test_what_a_hook_spills_is_nowhere(tmp_path: Path, hooks: str) -> None:
    outcome = spilled(tmp_path, "assert True", hooks, ("--junitxml=mine.xml",))
    assert leaks(tmp_path, outcome.output) == [], outcome.output


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
@pytest.mark.parametrize(
    "step",
    ["print(ALL); assert ALL == 'nothing'", "request.node.user_properties.append((ALL, ALL))"],
    ids=["red", "green"],
)
def test_however_it_is_run(tmp_path: Path, arguments: tuple[str, ...], step: str) -> None:
    outcome = spilled(tmp_path, step, arguments=arguments)
    assert leaks(tmp_path, outcome.output) == [], outcome.output


def test_a_file_of_keys_that_others_may_read_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env.prod").touch()
    outcome = spilled(tmp_path)
    assert "others on this machine may" not in outcome.output
    (tmp_path / ".env.prod").chmod(0o666)
    again = run(tmp_path, "--flexprice-env=prod", "--flexprice-level=lint")
    assert "others on this machine may change it (mode 0666); run chmod 600 .env.prod" in " ".join(again.output.split())


@pytest.mark.parametrize(
    "url", ["https://user:C4n4ryPassw0rd@us.api.flexprice.io", "https://:C4n4ryPassw0rd@us.api.flexprice.io"]
)
def test_a_password_in_the_base_url_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    (tmp_path / "golive.toml").write_text(PLAN.replace("https://us.api.flexprice.io", url))
    outcome = run(tmp_path, "--flexprice-env=prod", "--flexprice-level=lint", environ=CANARIES)
    assert outcome.code == 4
    assert "C4n4ry" not in outcome.output
    assert "is no URL of a server" in outcome.output


def test_shown_data_does_not_steer_the_terminal(tmp_path: Path) -> None:
    hostile = "'\\x1b]0;x\\x07 \\x1b]52;c;QUFB\\x07 \\x00 \\udc80 ![x](http://evil.example) <script>'"
    outcome = spilled(tmp_path, f"observe({hostile}, observed={hostile}); raise AssertionError({hostile})")
    assert not {"\x07", "\x00"} & set(outcome.output)
    assert "\x1b]" not in outcome.output
    for path in outcome.folder.glob("golive.*"):
        content = path.read_bytes()
        assert not set(content) & {0, 7, 27}, path
        content.decode("utf-8")
    assert "![x](" not in (outcome.folder / "golive.md").read_text()


def test_the_canaries_would_be_seen() -> None:
    """A check that finds nothing must be able to find something."""
    key = CANARIES["FLEXPRICE_API_KEY"]
    for text in (
        key,
        key.upper(),
        key[:9] + "\nE     " + key[9:],
        key[3:20],
        key.encode().hex(),
        os.path.join("a", key),
    ):
        assert _holds(text, key)
