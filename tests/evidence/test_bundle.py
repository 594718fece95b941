"""The zip stays attachable, exchanges are merged in order, provenance tells the truth."""

import json
import os
import random
import subprocess
import zipfile

import pytest

from pytest_flexprice.evidence import bundle, exchanges, provenance
from pytest_flexprice.evidence.redaction import Redactor

KEY = "sk_01K8ZQ4T5M6N7P8R9S0TAVWX7F"


def test_a_zip_that_would_be_too_large_leaves_attachments_out_and_says_so(tmp_path):
    noise = random.Random(1)
    (tmp_path / "allure-results").mkdir()
    for number, size in enumerate((60_000, 40_000, 500)):
        (tmp_path / "allure-results" / f"{number}-attachment.txt").write_bytes(noise.randbytes(size))
    (tmp_path / "golive.html").write_bytes(noise.randbytes(30_000))

    def seal(left_out):
        (tmp_path / "manifest.json").write_text(json.dumps(list(left_out)))

    target = bundle.pack(tmp_path, "evidence.zip", seal, limit=50_000)
    assert target.stat().st_size <= 50_000
    with zipfile.ZipFile(target) as archive:
        names = set(archive.namelist())
        left_out = json.loads(archive.read("manifest.json"))
    assert names == {"golive.html", "allure-results/2-attachment.txt", "manifest.json"}
    assert left_out == ["allure-results/0-attachment.txt", "allure-results/1-attachment.txt"]


def test_a_small_zip_holds_everything(tmp_path):
    (tmp_path / "golive.md").write_text("x")
    with zipfile.ZipFile(bundle.pack(tmp_path, "evidence.zip", lambda left_out: None)) as archive:
        assert archive.namelist() == ["golive.md"]


def test_exchanges_of_all_processes_become_one_file_in_the_order_of_time(tmp_path):
    redactor = Redactor([KEY])
    for worker, at in (
        ("gw0", "2026-11-22T14:00:02Z"),
        ("gw1", "2026-11-22T14:00:01Z"),
        ("gw0", "2026-11-22T14:00:03Z"),
    ):
        log = exchanges.ExchangeLog(tmp_path / exchanges.log_name(worker), redactor)
        log.append(
            {
                "at": at,
                "method": "GET",
                "path": f"/v1/plans?api_key={KEY}",
                "status": 200 if worker == "gw0" else None,
                "seconds": 0.25,
                "request": {"headers": {"x-api-key": KEY}},
            }
        )
    with (tmp_path / "exchanges-gw1.ndjson").open("a") as file:
        file.write('{"at": "2026-')  # a killed worker
    merged = exchanges.merge(tmp_path)
    rows = list(exchanges.read(merged))
    assert [row["at"][-3:-1] for row in rows] == ["01", "02", "03"]
    assert KEY not in merged.read_text()
    assert rows[0]["request"]["headers"]["x-api-key"] == "[redacted …7F]"
    assert list(tmp_path.glob("exchanges-*")) == []
    summary = exchanges.summary(exchanges.read(merged))
    assert (summary["count"], summary["statuses"]) == (3, {"200": 2, "no answer": 1})
    assert (summary["slowest"][:13], summary["slowest_seconds"]) == ("GET /v1/plans", 0.25)
    node = os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0]
    assert exchanges.by_scenario(exchanges.read(merged)) == {node: 3}


def test_no_exchange_is_an_empty_file(tmp_path):
    assert exchanges.summary(exchanges.read(exchanges.merge(tmp_path)))["count"] == 0


@pytest.fixture
def repository(tmp_path):
    def git(*arguments):
        identity = {
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@x",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@x",
        }
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True, capture_output=True, env=os.environ | identity)

    git("init", "-q")
    (tmp_path / "golive.toml").write_text("a = 1\n")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    return tmp_path


def test_the_commit_and_whether_the_tree_differs_from_it(repository):
    commit, dirty = provenance.git_state(repository)
    assert len(commit) == 40
    assert dirty is False
    (repository / "golive.toml").write_text("a = 2\n")
    assert provenance.git_state(repository) == (commit, True)


def test_without_a_repository_nothing_is_claimed(tmp_path):
    assert provenance.git_state(tmp_path) == ("", None)


@pytest.mark.parametrize(
    ("environ", "link"),
    [
        (
            {"GITHUB_RUN_ID": "7", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/billing"},
            "https://github.com/acme/billing/actions/runs/7",
        ),
        ({"CI_JOB_URL": "https://gitlab.example/j/1"}, "https://gitlab.example/j/1"),
        ({}, ""),
    ],
)
def test_the_link_to_the_ci_run(environ, link):
    assert provenance.ci_url(environ) == link


def test_digests_name_files_relative_to_the_root(tmp_path):
    path = tmp_path / "golive" / "a.feature"
    path.parent.mkdir()
    path.write_text("Feature: A\n")
    assert provenance.digest(path, tmp_path).file == "golive/a.feature"
    assert provenance.digest(path, tmp_path / "elsewhere").file == "a.feature"
    assert json.loads(provenance.digest(path, tmp_path).model_dump_json())["sha256"] == bundle.sha256(path)
