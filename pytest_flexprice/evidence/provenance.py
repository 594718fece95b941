"""Where a run's evidence comes from: versions, commit, digests, who, where and when."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import shutil
import socket
import subprocess
from collections.abc import Iterable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from pytest_flexprice.evidence.context import RunContext
from pytest_flexprice.evidence.document import Digest, Provenance, ValueRow

PACKAGES = ("pytest-flexprice", "pytest", "pytest-bdd", "pytest-xdist", "allure-pytest", "requests", "pydantic")


def provenance(config: pytest.Config, context: RunContext, finished: datetime) -> Provenance:
    """The provenance of a run that ends now."""
    commit, dirty = git_state(config.rootpath)
    plan = digest(context.plan_file, config.rootpath) if context.plan_file and context.plan_file.exists() else None
    return Provenance(
        run_id=context.run_id,
        environment=context.environment,
        environment_type=context.environment_type,
        environment_id=context.environment_id,
        base_url=context.base_url,
        company=context.company or (context.plan.company.name if context.plan else ""),
        level=context.level.word,
        rehearsal=context.rehearsal,
        key_tail=context.key_tail[-2:],
        started=context.started,
        finished=finished,
        seconds=round((finished - context.started).total_seconds(), 1),
        versions={"python": platform.python_version(), **dict(_versions())},
        platform=platform.platform(terse=True),
        git_commit=commit,
        git_dirty=dirty,
        features=[digest(path, config.rootpath) for path in sorted(set(context.features)) if path.exists()],
        plan=plan,
        run_by=_user(),
        run_on=socket.gethostname(),
        ci_url=ci_url(os.environ),
        selection=_selection(config),
        pytest_args=[str(arg) for arg in config.invocation_params.args],
        header=[ValueRow(name=row.name, value=row.value, source=row.source) for row in context.header],
    )


def digest(path: Path, root: Path) -> Digest:
    """A file's name, relative to ``root`` where it lies below it, and its SHA-256."""
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return Digest(file=name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def git_state(root: Path) -> tuple[str, bool | None]:
    """The commit and whether the tree differs from it; ``("", None)`` where there is no repository or no git."""
    commit = _git(root, "rev-parse", "HEAD")
    if not commit:
        return "", None
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return commit, None if changed is None else bool(changed)


def ci_url(environ: os._Environ[str] | dict[str, str]) -> str:
    """The link to the CI run, for the CI systems that tell it."""
    if environ.get("GITHUB_RUN_ID"):
        return "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format_map(_Blank(environ))
    names = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL", "BITBUCKET_BUILD_URL")
    return next((environ[name] for name in names if environ.get(name)), "")


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def _git(root: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program with fixed arguments
            [git, "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _versions() -> Iterable[tuple[str, str]]:
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def _user() -> str:
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _selection(config: pytest.Config) -> str:
    options = {"-k": config.option.keyword, "-m": config.option.markexpr}
    return " ".join(f"{flag} {text!r}" for flag, text in options.items() if text)
