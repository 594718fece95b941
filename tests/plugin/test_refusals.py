"""A user's mistake ends in one clear sentence with exit code 4: no traceback, no secret, nothing left on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from tests.suite import run

KEY = "sk_01ARZ3NDEKTSV4RRFFQ69G5FAV"
PLAN = """
[company]
name = "Acme"

[environments.prod]
base_url = "{url}"
type = "production"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[FlexpriceServer]:
    with FlexpriceServer(EmulatorOptions()) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path, server: FlexpriceServer) -> Path:
    (tmp_path / "golive.toml").write_text(PLAN.format(url=server.url))
    return tmp_path


def refused(folder: Path, *arguments: str, key: str = KEY, **environ: str) -> str:
    outcome = run(folder, *arguments, environ={"FLEXPRICE_API_KEY": key, **environ} if key else environ)
    assert outcome.code == 4, outcome.output
    assert "Traceback" not in outcome.output
    assert KEY not in outcome.output
    assert list(outcome.reports.glob("*/*")) == []
    return next(line for line in outcome.output.splitlines() if line.startswith("ERROR: "))


def test_the_folder_that_somebody_stands_in_is_shown(folder: Path) -> None:
    here = folder / "billing-of-all-our-customers"
    here.mkdir()
    (here / "golive.toml").write_text("[company")
    outcome = run(here, "--flexprice-env=prod", environ={"PWD": str(here), "OLDPWD": str(folder)})
    assert f"ERROR: {here}/golive.toml" in outcome.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["--flexprice-env=prod"],
            "refuses the API key from environment variable FLEXPRICE_API_KEY (ending in AV) with 401",
        ),
        (["--flexprice-env=staging"], "environments.staging is missing"),
        (["--flexprice-env=prod", "--flexprice-plan=other.toml"], "other.toml: there is no such plan file"),
        (["--flexprice-env=prod", "--flexprice-base-url=http://127.0.0.1:9"], "no connection at http://127.0.0.1:9"),
        (["--flexprice-env=prod", "--flexprice-base-url=http://us.api.flexprice.io"], "plain http"),
        (["--flexprice-env=prod", "--flexprice-base-url=flexprice"], "is no URL of a server"),
        (["--flexprice-env=prod", "--flexprice-level=smoke"], "above the default for production = read"),
        (["--flexprice-env=prod", "--flexprice-level=drill"], "drill is never allowed where type is production"),
        (["--flexprice-env=prod", "--flexprice-level=everything"], "'everything' is no level"),
        (["--flexprice-env=prod", "--flexprice-fault=F23"], "breaks the embedded Flexprice only"),
        (["--flexprice-env=local", "--flexprice-fault=F999"], "there is no such fault"),
        (["--flexprice-init"], "--flexprice-init needs to know the environment; add --flexprice-env=NAME"),
        (["--flexprice-env="], "--flexprice-env is empty; write the name of an environment of the plan"),
        (["--flexprice-env= "], "--flexprice-env is empty; write the name of an environment of the plan"),
        (["--flexprice-env=local", "--flexprice-init=update"], "local is only filled from the plan; name yours"),
        (["--flexprice-env=other", "--flexprice-init"], "no base URL: add --flexprice-base-url"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_one_sentence_says_what_to_correct(folder: Path, arguments: list[str], says: str) -> None:
    assert says in refused(folder, *arguments)


def test_without_a_key_it_says_where_keys_come_from(folder: Path) -> None:
    assert "set FLEXPRICE_API_KEY in the environment or in .env.prod" in refused(folder, "--flexprice-env=prod", key="")


def test_a_base_url_and_a_key_that_are_wrong_are_told_together(folder: Path) -> None:
    said = refused(folder, "--flexprice-env=other", "--flexprice-init", key="")
    assert "no base URL: add --flexprice-base-url" in said
    assert "no API key: set FLEXPRICE_API_KEY in the environment or in .env.other" in said
    said = refused(folder, "--flexprice-env=prod", "--flexprice-base-url=flexprice", key="Bearer " + KEY)
    assert "is no URL of a server" in said
    assert "begins with the name of a header or scheme" in said


def test_white_space_around_the_key_is_told(folder: Path) -> None:
    said = refused(folder, "--flexprice-env=prod", key=KEY + " ")
    assert "has white space around it" in said


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("Bearer " + KEY, "begins with the name of a header or scheme"),
        (f"“{KEY}”", "has quotes, brackets or a sign around it"),
        (f"<{KEY}>", "has quotes, brackets or a sign around it"),
        (KEY + ";", "has quotes, brackets or a sign around it"),
        ("sk_…", "is cut or a placeholder"),
        ("sk_ab cd", "holds white space"),
    ],
)
def test_what_cannot_be_a_key_is_told_before_a_server_has_to(folder: Path, key: str, says: str) -> None:
    said = refused(folder, "--flexprice-env=prod", key=key)
    assert says in said
    assert KEY not in said


def test_a_key_under_a_name_that_is_nearly_right_is_told(folder: Path) -> None:
    (folder / ".env.prod").write_text(f"FLEXPRICE_APIKEY={KEY}\n")
    said = refused(folder, "--flexprice-env=prod", key="")
    assert ".env.prod, but 'FLEXPRICE_APIKEY' is there and differs only in its separators" in said
    assert KEY not in said


@pytest.mark.parametrize("name", ["prod", "local"])
def test_a_plan_that_lies_beside_and_not_in_the_rootdir_is_not_passed_over(folder: Path, name: str) -> None:
    inner = folder / "billing"
    inner.mkdir()
    (folder / "golive.toml").rename(inner / "golive.toml")
    (folder / "pytest.ini").write_text("[pytest]\n")
    outcome = run(folder, f"--flexprice-env={name}", cwd=inner)
    assert outcome.code == 4
    assert "billing/golive.toml: this plan would not be looked at" in outcome.output, outcome.output
    assert "add --rootdir=." in outcome.output


def test_a_server_config_key_must_name_an_environment(folder: Path, server: FlexpriceServer) -> None:
    assert "set FLEXPRICE_ENVIRONMENT_ID" in refused(folder, "--flexprice-env=prod", key=server.api_key)


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ("company = [", "this is not TOML"),
        ("", "company is missing"),
        ('[company]\nname = "TODO"', "company.name = 'TODO'"),
        (PLAN.format(url="x") + 'allow = "everything"', "environments.prod.allow = 'everything'"),
        (PLAN.format(url="x") + "colour = 1", "environments.prod.colour is not a key of the plan"),
    ],
    ids=["toml", "missing", "placeholder", "value", "unknown"],
)
def test_a_plan_that_cannot_be_used_names_its_place(folder: Path, plan: str, says: str) -> None:
    (folder / "golive.toml").write_text(plan)
    said = refused(folder, "--flexprice-env=prod")
    assert says in said
    assert "golive.toml" in said


def test_a_reports_folder_that_cannot_be_written_is_told(folder: Path) -> None:
    (folder / "file").write_text("")
    said = refused(folder, "--flexprice-env=prod", f"--flexprice-reports={folder / 'file'}")
    assert "the evidence folder cannot be written" in said


def test_reruns_are_refused_where_the_run_writes(folder: Path) -> None:
    (folder / "conftest.py").write_text("def pytest_addoption(parser):\n    parser.addoption('--reruns', type=int)\n")
    assert "--reruns is refused at level drill" in refused(folder, "--flexprice-env=local", "--reruns=1")


@pytest.fixture
def gateway() -> Iterator[Callable[[int, dict[str, str], bytes], str]]:
    """Something that is not Flexprice: answers every request with one status, headers and body."""
    servers: list[ThreadingHTTPServer] = []

    def make(status: int, headers: dict[str, str], body: bytes) -> str:
        class Gateway(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Gateway))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_address[1]}"

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            (200, {"content-type": "text/html"}, b"<html>Sign in</html>"),
            "text/html instead of JSON, so it is not Flexprice",
        ),
        ((302, {"location": "https://login.example/x"}, b""), "redirects to https://login.example/x"),
        ((500, {"content-type": "application/json"}, b"{}"), "answers 500"),
        (
            (403, {"content-type": "application/json"}, b'{"message": "no user:read"}'),
            "refuses it with 403 (no user:read): its role lacks a permission",
        ),
    ],
    ids=["html", "redirect", "error", "permission"],
)
def test_what_is_not_flexprice_gets_its_own_sentence(
    folder: Path, gateway: Callable[..., str], answer: tuple[int, dict[str, str], bytes], says: str
) -> None:
    assert says in refused(folder, "--flexprice-env=prod", f"--flexprice-base-url={gateway(*answer)}")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('old_keys = ["whsec_C4n4ryS3cretValue0123456789"]', "expected the name of an environment variable"),
        ('old_keys = ["sk-C4n4ryS3cretValue"]', "expected the name of an environment variable"),
        ('old_keys = ["c4n4rys3cretvalue"]', "expected the name of an environment variable"),
        ('environment_id = ""', "environments.prod.environment_id = '': it is empty"),
        ('webhooks = { endpoint = "https://a.example", event_types = [] }', "environments.prod.webhooks.event_types"),
        ("a = " + "[" * 10_000 + "]" * 10_000, "nested deeper than 64 levels"),
        ("a" + ".a" * 50_000 + " = 1", "a key of more than 32 parts"),
        ("a = " + "9" * 100_000, "a number of more than 100 digits"),
    ],
    ids=["secret", "dashes", "plain", "environment", "event types", "deep", "dots", "digits"],
)
def test_a_plan_beyond_its_bounds_is_refused_and_no_secret_is_shown(folder: Path, lines: str, says: str) -> None:
    (folder / "golive.toml").write_text(PLAN.format(url="x") + lines)
    said = refused(folder, "--flexprice-env=prod")
    assert says in said
    assert "c4n4ry" not in said.lower()
    assert len(said) < 500


@pytest.mark.parametrize("file", ["golive.toml", ".env.prod"])
def test_a_file_that_never_ends_is_refused_at_once(folder: Path, file: str) -> None:
    (folder / file).unlink(missing_ok=True)
    (folder / file).symlink_to("/dev/zero")
    assert "is a device; name a regular file" in refused(folder, "--flexprice-env=prod")
    (folder / file).unlink()
    os.mkfifo(folder / file)
    assert "is a named pipe; name a regular file" in refused(folder, "--flexprice-env=prod")


def test_variables_that_are_no_utf8_are_told_with_their_line(folder: Path) -> None:
    (folder / ".env.prod").write_bytes(b"A=1\nB=\xfc\n")
    assert ".env.prod:2: the file of variables is not UTF-8" in refused(folder, "--flexprice-env=prod")


def test_a_key_that_no_header_can_carry_is_refused(folder: Path) -> None:
    assert "holds a character that no header can carry" in refused(folder, "--flexprice-env=prod", key="sk_€uro12345")
