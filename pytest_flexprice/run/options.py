"""Every ``--flexprice-*`` option and every ``flexprice_*`` ini key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

DESTINATION = "flexprice_"
LISTINGS = {
    "help": ("-h", "--help"),
    "version": ("-V", "-VV", "--version"),
    "markers": ("--markers",),
    "showfixtures": ("--fixtures", "--funcargs"),
    "show_fixtures_per_test": ("--fixtures-per-test",),
    "cacheshow": ("--cache-show",),
}
"""What pytest lists instead of running anything: the name in its configuration, and how it is said on the command line."""
TASKS = ("flexprice_sweep", "flexprice_snapshot", "flexprice_init", "flexprice_missing")


def add_options(parser: pytest.Parser) -> None:
    """Declare the options and ini keys."""
    group = parser.getgroup("flexprice", "Flexprice Go-Live Checklist")
    add = group.addoption
    add("--flexprice-env", metavar="NAME", help="environment of the plan to check; 'local' is an embedded Flexprice")
    add("--flexprice-plan", metavar="FILE", help="the plan (default: golive.toml in the rootdir)")
    add("--flexprice-level", metavar="LEVEL", help="how far to go: lint, read, probe, smoke or drill")
    add("--flexprice-base-url", metavar="URL", help="base URL of Flexprice, without /v1")
    add("--flexprice-reports", metavar="DIR", help="folder for the evidence (default: reports)")
    add("--flexprice-deadline", metavar="TIME", help="how long the whole run may take: 90s, 60m, 2h (default: 60m)")
    add(
        "--flexprice-previews",
        metavar="N|all",
        help="how many active subscriptions have their next invoice previewed (default: 200, rotating from day to day)",
    )
    add(
        "--flexprice-baseline",
        metavar="FILE",
        help="compare with this golive.json, zip of evidence or history file (default: the newest run of the environment and level)",
    )
    add(
        "--flexprice-allure",
        choices=["auto", "off", "require"],
        help="Allure's own report beside ours: where its command is there (auto, the default), never, or refuse to run without",
    )
    add("--flexprice-sweep", action="store_true", help="remove what killed runs left behind, and do nothing else")
    add("--flexprice-snapshot", action="store_true", help="write the environment's catalog as the plan's snapshot")
    add(
        "--flexprice-init",
        nargs="?",
        const="write",
        choices=["write", "update"],
        metavar="update",
        help="write a first golive.toml from what the environment holds; with =update add it to the plan that is there",
    )
    add(
        "--flexprice-missing",
        action="store_true",
        help="list what only people can say and nobody said, what ends soon, and who is asked; and do nothing else",
    )
    add("--flexprice-explain", metavar="ITEM", help="explain a checklist item, such as 4.2, and do nothing else")
    add(
        "--flexprice-fault",
        metavar="NAME",
        action="append",
        default=[],
        help="break the rehearsal in a named way, to see the checklist fail (local only; 'list' shows the names)",
    )
    parser.addini("flexprice_plan", "the plan (default: golive.toml in the rootdir)")
    parser.addini("flexprice_deadline", "how long the whole run may take: 90s, 60m, 2h (default: 60m)")
    parser.addini("flexprice_sensitive_names", "more names of fields whose values are secrets", type="linelist")
    parser.addini("flexprice_level", "how far runs go unless told otherwise")
    parser.addini("flexprice_reports", "folder for the evidence (default: reports)")


@dataclass(frozen=True)
class Sources:
    """Where values are looked up: command line > environment > ``.env.<name>`` > plan > ini > default."""

    config: pytest.Config
    environ: Mapping[str, str]
    dotenv: Mapping[str, str | None]
    dotenv_name: str = ""

    def option(self, name: str) -> Any:
        """The command line's value of ``--flexprice-<name>``, or None."""
        return self.config.getoption(DESTINATION + name.replace("-", "_"), None)

    def variable(self, name: str) -> tuple[str, str] | None:
        """The value of an environment variable and its source, or None where it is not set (an empty one is not)."""
        if self.environ.get(name):
            return self.environ[name], f"environment variable {name}"
        value = self.dotenv.get(name)
        return (value, f"{self.dotenv_name}: {name}") if value else None

    def near(self, name: str) -> str:
        """A clause on a variable of the file whose name is nearly that one, or that has no value; or nothing."""
        from pytest_flexprice.model.near_miss import NearMisses  # noqa: PLC0415 - where something is missing only

        return ", where it has no value" if name in self.dotenv else NearMisses(self.dotenv).hint(name)

    def first(self, option: str, variable: str, *others: tuple[Any, str]) -> tuple[str, str] | None:
        """The first value there is: option, variable, then the given (value, source) pairs."""
        given = self.option(option) if option else None
        if given:
            return str(given), f"--flexprice-{option}"
        found = self.variable(variable)
        if found:
            return found
        return next(((str(value), source) for value, source in others if value not in (None, "")), None)


def environment_name(config: pytest.Config) -> tuple[str, str] | None:
    """The environment this run is for and where that was said, or None: then the plugin is inert."""
    return Sources(config, os.environ, {}).first("env", "FLEXPRICE_ENV")


def only_lists(config: pytest.Config) -> bool:
    """Whether pytest is asked for something to read instead of a run, such as ``--fixtures``: nothing is sent then, and nothing written."""
    return any(config.getoption(listing, None) for listing in LISTINGS)


def environment_to_run(config: pytest.Config) -> str | None:
    """The environment that a run is for, or None where there is none, or where pytest only lists something."""
    named = None if only_lists(config) else environment_name(config)
    return named and named[0]


def refuse_blank(config: pytest.Config) -> None:
    """An environment without a name is a slip, such as a CI variable that is not set: nothing would be checked, and all be green.

    Raises:
        pytest.UsageError: ``--flexprice-env`` is given and blank.
    """
    given = config.getoption("flexprice_env")
    if given is not None and not given.strip():
        raise pytest.UsageError(
            "--flexprice-env is empty; write the name of an environment of the plan, such as sandbox,"
            " or look whether the variable that it is taken from is set"
        )


def refuse_tasks(config: pytest.Config) -> None:
    """Without an environment there is nothing to do a task for.

    Raises:
        pytest.UsageError: the command line names a task.
    """
    for task in TASKS:
        if config.getoption(task):
            option = "--" + task.replace("_", "-")
            raise pytest.UsageError(
                f"{option} needs to know the environment; add --flexprice-env=NAME, where NAME is what the plan calls it, such as sandbox"
            )
