"""The handlers in other languages that the how-to pages show, written out as they stand and run as real processes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_flexprice.model.finding import RequirementNotMet
from pytest_flexprice.trial import webhook_probes

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def written(page: str, folder: Path, replaced: tuple[str, str] = ("", "")) -> Path:
    ((name, text),) = BLOCK.findall((HOW_TO / page).read_text(encoding="utf-8"))
    assert replaced[0] in text
    (folder / name).write_text(text.replace(*replaced) if replaced[0] else text, encoding="utf-8")
    return folder / name


@contextmanager
def running(*command: str, folder: Path) -> Iterator[str]:
    """A handler as a process of its own; it prints the port that it listens on."""
    environ = {**os.environ, "ACME_WEBHOOK_SECRET": SECRET, "GOFLAGS": "-mod=mod", "GOWORK": "off"}
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def told(url: str) -> list[str]:
    findings = webhook_probes(f"{url}/flexprice", SECRET, processed=f"{url}/processed/{{invoice_id}}")
    return [finding.sentence for finding in findings]


@pytest.fixture(scope="module")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None:
        pytest.skip("Go is not installed here")
    folder = tmp_path_factory.mktemp("go")
    return built(written("webhook-handler-go.md", folder))


def built(source: Path) -> Path:
    program = source.with_suffix("")
    subprocess.run(["go", "build", "-o", str(program), source.name], cwd=source.parent, check=True, timeout=300)
    return program


def test_the_go_handler_is_ready_for_launch(go_program: Path) -> None:
    with running(str(go_program), folder=go_program.parent) as url:
        assert told(url) == []


def test_a_go_handler_that_verifies_invoices_only_is_named(go_program: Path, tmp_path: Path) -> None:
    change = ("if !signed {", 'if !signed && strings.Contains(string(body), "invoice.") {')
    with (
        running(str(built(written("webhook-handler-go.md", tmp_path, change))), folder=tmp_path) as url,
        pytest.raises(
            RequirementNotMet, match=r"verifies only some messages: an unsigned `subscription\.\w+` is answered 204"
        ),
    ):
        told(url)


@pytest.fixture(scope="module")
def express(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js is not installed here")
    folder = tmp_path_factory.mktemp("express")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "express@5"]
    if subprocess.run(command, capture_output=True, timeout=300, check=False).returncode:
        pytest.skip("Express cannot be installed here")
    return folder


def test_the_express_handler_is_ready_for_launch(express: Path) -> None:
    with running("node", str(written("webhook-handler-express.md", express)), folder=express) as url:
        assert told(url) == []


def test_an_express_handler_that_parses_before_it_verifies_is_named(express: Path) -> None:
    change = (".update(body).digest()", ".update(JSON.stringify(JSON.parse(body), null, 1)).digest()")
    handler = str(written("webhook-handler-express.md", express, change))
    refusing = pytest.raises(RequirementNotMet, match="refuses correctly signed messages")
    with running("node", handler, folder=express) as url, refusing:
        told(url)
