"""The CI files to copy: well-formed, with options and extras that exist, secrets by name, and the gate at the end."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_flexprice.evidence.__main__ import _parser

PROJECT = Path(__file__).parents[2]
FILES = sorted((PROJECT / "docs" / "ci").glob("*.yml"))
OPTION = re.compile(r"--flexprice-[a-z-]+")


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def text(request: pytest.FixtureRequest) -> str:
    return request.param.read_text(encoding="utf-8")


def load(text: str) -> dict[str, Any]:
    return yaml.safe_load(text)


def test_there_are_two() -> None:
    assert [path.stem for path in FILES] == ["github-actions", "gitlab-ci"]


def test_every_option_exists(text: str) -> None:
    known = set(OPTION.findall((PROJECT / "pytest_flexprice" / "run" / "options.py").read_text(encoding="utf-8")))
    assert set(OPTION.findall(text)) <= known


def test_every_extra_exists(text: str) -> None:
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {extra for group in re.findall(r"pytest-flexprice\[([a-z,]+)\]", text) for extra in group.split(",")}
    assert named
    assert named <= set(extras)


def test_the_gate_asks_what_the_command_understands(text: str) -> None:
    commands = re.findall(r"pytest_flexprice\.evidence (verify (?:[^\n\\]|\\\n)+)", text)
    sha = {'"$GITHUB_SHA"': "0" * 40, '"$CI_COMMIT_SHA"': "0" * 40}
    words = [[sha.get(word, word) for word in command.replace("\\\n", " ").split()] for command in commands]
    nightly, release = (_parser().parse_args(each) for each in words)
    assert {given.environment for given in (nightly, release)} == {"prod"}
    assert all(given.commit for given in (nightly, release))
    assert (nightly.level.word, nightly.age.total_seconds()) == ("read", 2 * 3600)
    assert (release.level.word, release.age.total_seconds(), bool(release.key)) == ("smoke", 24 * 3600, True)


def test_secrets_stand_there_by_name_only(text: str) -> None:
    assert "sk_" not in text
    assert "whsec_" not in text


def test_jobs_have_an_end_and_little_leave() -> None:
    workflow = load((PROJECT / "docs" / "ci" / "github-actions.yml").read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())
    assert workflow["jobs"]["gate"]["needs"] == "smoke"


def test_actions_are_pinned_to_one_commit_each_and_say_which_version_it_is() -> None:
    text = (PROJECT / "docs" / "ci" / "github-actions.yml").read_text(encoding="utf-8")
    used = re.findall(r"uses: (.+)", text)
    pinned = {re.fullmatch(r"(actions/[a-z-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+", each) for each in used}
    assert None not in pinned
    commits = {match[1]: match[2] for match in pinned if match}
    assert len(commits) == len(set(used)) == 5


def test_actionlint_has_nothing_to_say() -> None:
    program = shutil.which("actionlint")
    if program is None:
        pytest.skip("no actionlint; install it with: go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.7")
    workflow = PROJECT / "docs" / "ci" / "github-actions.yml"
    done = subprocess.run(
        [program, "-shellcheck=", str(workflow)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_gitlab_jobs_have_stages() -> None:
    jobs = load((PROJECT / "docs" / "ci" / "gitlab-ci.yml").read_text(encoding="utf-8"))
    stages = jobs["stages"]
    assert all(job["stage"] in stages for name, job in jobs.items() if name not in ("stages", "default"))
