"""Mistakes that a language makes easy, in five more handlers that run as processes of their own: each is named, and none of the sound
ones is accused."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_flexprice.model.finding import NotVerified, RequirementNotMet
from pytest_flexprice.trial import webhook_probes

HERE = Path(__file__).parent / "languages"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Command = Callable[[str], Sequence[str]]

#: what must be said of each mistake; "" is the sound handler
WANTED = {
    "node": {
        "": "",
        "pieces": "piece by piece as it arrives",
        "stringify": "verifies a parsed and re-encoded body",
        "object": "[object Object]",
        "prefix": "decoded together with its prefix",
        "spelling": "names of headers in one spelling",
        "milliseconds": "a clock in milliseconds",
        "limit": "a message of 256 KiB",
        "lengths": "fails on a message with a malformed signature",
        "promise": "answers success to everything",
        "race": "at the same moment",
    },
    "go": {
        "": "",
        "map": "read the three svix-* headers as the framework names them",
        "limit": "a message of 256 KiB",
        "marshal": "verifies a parsed and re-encoded body",
        "error": "what can be decoded of the secret before its '_'",
        "fold": "in the other case of letters",
        "race": "at the same moment",
    },
    "java": {
        "": "",
        "charset": "letters beyond ASCII",
        "lines": "reads it line by line",
        "url": "decoded together with its prefix",
        "int": "refuses correctly signed messages",
        "ahead": "dated ten minutes ahead",
        "equals": "two signatures",
        "hash": "only begins and ends like the true one",
        "race": "at the same moment",
    },
    "php": {
        "": "",
        "hex": "in hexadecimal and encodes that in base64",
        "strict": "cannot be decoded",
        "lenient": "decoded together with its prefix",
        "encode": "verifies a parsed and re-encoded body",
        "post": "refuses correctly signed messages",
        "trim": "white space at its end",
        "spelling": "names of headers in one spelling",
        "empty": "without a signature",
        "position": "cut off",
        "race": "at the same moment",
    },
    "ruby": {
        "": "",
        "encode64": "end the base64 with no line break",
        "rack": "read the three svix-* headers as the framework names them",
        "encode": "letters beyond ASCII",
        "lenient": "decoded together with its prefix",
        "twice": "an empty body",
        "lengths": "fails on a message with a malformed signature",
        "race": "at the same moment",
    },
}


def _needs(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")


@pytest.fixture(scope="module")
def node() -> Command:
    _needs("node")
    return lambda mistake: ["node", str(HERE / "handler.mjs"), mistake]


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Command:
    _needs("go")
    program = tmp_path_factory.mktemp("go") / "handler"
    subprocess.run(["go", "build", "-o", str(program), "handler.go"], cwd=HERE, check=True, timeout=300)
    return lambda mistake: [str(program), mistake]


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Command:
    _needs("java", "javac")
    folder = str(tmp_path_factory.mktemp("java"))
    subprocess.run(["javac", "-d", folder, str(HERE / "Handler.java")], check=True, timeout=120)
    # The character set of a server in a container that sets none.
    return lambda mistake: ["java", "-Dfile.encoding=US-ASCII", "-cp", folder, "Handler", mistake]


@pytest.fixture(scope="module")
def php() -> Command:
    _needs("php")
    return lambda mistake: ["php", "-S", "127.0.0.1:0", str(HERE / "handler.php")]


@pytest.fixture(scope="module")
def ruby() -> Command:
    _needs("ruby")
    if subprocess.run(["ruby", "-e", 'require "webrick"'], capture_output=True, timeout=60, check=False).returncode:
        pytest.skip("WEBrick is not installed here")
    return lambda mistake: ["ruby", str(HERE / "handler.rb"), mistake]


@contextmanager
def running(command: Sequence[str], mistake: str, folder: Path) -> Iterator[str]:
    """A handler as a process of its own; it prints the port that it listens on."""
    own = {"ACME_WEBHOOK_SECRET": SECRET, "MISTAKE": mistake, "BOOKS": str(folder), "PHP_CLI_SERVER_WORKERS": "4"}
    with subprocess.Popen(
        command,
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            yield f"http://127.0.0.1:{re.findall(r'([0-9]+)', first.partition('127.0.0.1:')[2] or first)[0]}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # PHP's workers outlive it
            process.stdout.close()


def told(url: str) -> list[str]:
    try:
        findings = webhook_probes(f"{url}/flexprice", SECRET, processed=f"{url}/processed/{{invoice_id}}")
    except (RequirementNotMet, NotVerified) as error:
        findings = list(error.findings)
    return [finding.sentence for finding in findings]


@pytest.mark.parametrize(
    ("language", "mistake"), [(language, each) for language in WANTED for each in WANTED[language]]
)
def test_what_a_language_makes_easy_is_named(
    language: str, mistake: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    command: Command = request.getfixturevalue(language)
    wanted = WANTED[language][mistake]
    with running(command(mistake), mistake, tmp_path) as url:
        sentences = told(url)
    assert any(wanted in sentence for sentence in sentences) if wanted else sentences == [], sentences
