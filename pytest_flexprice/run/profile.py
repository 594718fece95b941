"""Which Flexprice, which key, which level, and where each value came from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pytest_flexprice.api.transport import is_loopback
from pytest_flexprice.model import golive_plan as plans
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.oracle.proving.budget import Budget
from pytest_flexprice.run import variables
from pytest_flexprice.run.options import Setting, Sources

LOCAL = "local"
USUAL_PREVIEWS = 200
#: What a price proof may send and let a line come to, where the plan does not say.
CAREFUL, GENEROUS, REHEARSED = (
    Budget(2_000, Decimal(10_000)),
    Budget(20_000, Decimal(1_000_000)),
    Budget(30_000, Decimal(1_000_000_000)),
)
DEMO_PLAN = Path(__file__).parents[1] / "rehearsal" / "demo" / plans.PLAN_NAME


class ProfileError(Exception):
    """The run cannot start; the message is one sentence that says what to correct."""


@dataclass(frozen=True)
class Profile:
    """One run's target.

    Attributes:
        name: the environment's name in the plan; ``local`` is the embedded Flexprice.
        environment: what the plan says of it.
        level: the requested level, never above the plan's ``allow``.
        base_url: where Flexprice answers, without a trailing slash and without ``/v1``.
        declared_base_url: the base URL as it was given.
        environment_id: the environment that the key must belong to.
        environment_header: the environment id to send with a self-hosted server-config key, else "" (contract 1.3).
        svix_url: the delivery service's API, or "" to go by its token.
        rehearsal: whether this is the embedded Flexprice: such a run is never evidence.
        run_id: unique per run, part of every id the run makes.
        previews: how many next invoices are previewed; ``None``: those of all active subscriptions.
        settings: values with their sources, for the header; no secret among them.
    """

    name: str
    environment: plans.Environment
    level: Level
    base_url: str
    declared_base_url: str
    environment_id: str
    environment_header: str
    svix_url: str
    rehearsal: bool
    run_id: str
    api_key: str = field(repr=False, default="")
    key_source: str = ""
    previews: int | None = USUAL_PREVIEWS
    settings: tuple[Setting, ...] = ()
    variables: Callable[[str], tuple[str, str] | None] = field(repr=False, default=lambda name: None)
    add_secret: Callable[[str], None] = field(repr=False, default=lambda value: None)

    @property
    def production(self) -> bool:
        """Whether real customers are billed there."""
        return self.environment.production and not self.rehearsal

    @property
    def patience(self) -> float:
        """The factor on deadlines: what takes a minute in a real deployment takes seconds in the embedded one."""
        return 0.1 if self.rehearsal else 1.0

    @property
    def budget(self) -> Budget:
        """How far the price proof may go: careful in production, generous elsewhere, and never less than that in a rehearsal."""
        own = self.environment
        usual = REHEARSED if self.rehearsal else CAREFUL if own.production else GENEROUS
        events, amount = own.test_events or usual.events, own.test_amount or usual.amount
        return (
            Budget(max(events, usual.events), max(amount, usual.amount)) if self.rehearsal else Budget(events, amount)
        )

    @property
    def preview_minutes(self) -> float:
        """How long previews may take in all."""
        return self.environment.preview_minutes

    @property
    def key_tail(self) -> str:
        """The key's last two characters, all that may be shown of it (as Flexprice's own display id)."""
        return self.api_key[-2:] if len(self.api_key) > 8 else ""

    def variable(self, name: str) -> str | None:
        """The value of a variable that the plan names (a key, a signing secret); redacted everywhere from now on."""
        found = self.variables(name)
        if found is None:
            return None
        self.add_secret(found[0])
        return found[0]


def find_plan(config: pytest.Config, name: str) -> tuple[Path, str]:
    """The plan's file and where that was said; ``local`` falls back to the demo company's plan.

    Raises:
        ProfileError: there is no plan.
    """
    given = Sources(config, os.environ, {}).first(
        "plan", "FLEXPRICE_PLAN", (config.getini("flexprice_plan"), "ini: flexprice_plan")
    )
    if given:
        path = Path(given[0])
        return (path if path.is_absolute() else config.invocation_params.dir / path), given[1]
    usual = config.rootpath / plans.PLAN_NAME
    if usual.exists():
        return usual, "rootdir"
    if name == LOCAL:
        return DEMO_PLAN, "demo company"
    raise ProfileError(
        f"{usual}: there is no such plan file; write a first one with --flexprice-init, or name yours with --flexprice-plan"
    )


def sources(config: pytest.Config, name: str, environ: Mapping[str, str] | None = None) -> Sources:
    """Where this run's values are looked up; ``.env.<name>`` lies in the rootdir.

    Raises:
        Unreadable: that file is beyond its bounds.
    """
    file = config.rootpath / f".env.{name}"
    return Sources(config, os.environ if environ is None else environ, variables.read(file), file.name)


def resolve(
    look: Sources,
    name: str,
    plan: plans.GoLivePlan,
    run_id: str,
    *,
    key_needed: bool = True,
    rehearsal: bool = False,
    add_secret: Callable[[str], None] = lambda value: None,
) -> Profile:
    """Put a run's profile together.

    Raises:
        ProfileError: a value is missing or not as expected.
    """
    own = plan.environments.get(name)
    if own is None:
        known = ", ".join(sorted({*plan.environments, LOCAL}))
        raise ProfileError(
            f"{plan.path}: environments.{name} is missing; add that table or use one of {known} with --flexprice-env"
        )
    level, level_source = _level(look, own, name, rehearsal)
    base = look.first("base-url", "FLEXPRICE_BASE_URL", (own.base_url, "plan"))
    if base is None:
        raise ProfileError(
            f"{plan.path}: environments.{name}.base_url is empty; write https://us.api.flexprice.io or yours"
        )
    base_url = _checked_url(base[0], base[1])
    key = look.variable("FLEXPRICE_API_KEY")
    if key is None and key_needed and level > Level.LINT:
        raise ProfileError(
            f"no API key: set FLEXPRICE_API_KEY in the environment or in {look.dotenv_name} (it is never read from the plan)"
        )
    if key and key[0] != key[0].strip():
        raise ProfileError(
            f"the API key from {key[1]} has white space around it, and Flexprice compares it byte for byte; remove the white space"
        )
    if key and not (key[0].isascii() and key[0].isprintable()):
        raise ProfileError(
            f"the API key from {key[1]} holds a character that no header can carry; put the key there as Flexprice showed it"
        )
    header = look.variable("FLEXPRICE_ENVIRONMENT_ID")
    previews, previews_source = _previews(look, own)
    svix = look.first("", "FLEXPRICE_SVIX_URL", (own.svix_url, "plan"))
    if key:
        add_secret(key[0])
    settings = [
        Setting("environment", f"{name} ({own.type})" + (" — rehearsal" if rehearsal else ""), "--flexprice-env"),
        Setting("level", level.word, level_source),
        Setting("base URL", base_url, base[1]),
    ]
    if level > Level.LINT:
        settings.append(Setting("previews", "all" if previews is None else str(previews), previews_source))
    if key:
        settings.append(Setting("API key", f"…{key[0][-2:]}" if len(key[0]) > 8 else "set", key[1]))
    if header:
        settings.append(Setting("environment header", header[0], header[1]))
    if svix:
        settings.append(Setting("delivery service", svix[0], svix[1]))
    profile = Profile(
        name=name,
        environment=own,
        level=level,
        base_url=base_url,
        declared_base_url=base[0],
        environment_id=own.environment_id,
        environment_header=header[0] if header else "",
        svix_url=svix[0].rstrip("/") if svix else "",
        rehearsal=rehearsal,
        run_id=run_id,
        api_key=key[0] if key else "",
        key_source=key[1] if key else "",
        previews=previews,
        settings=tuple(settings),
        variables=look.variable,
        add_secret=add_secret,
    )
    return (
        replace(profile, settings=(*profile.settings, *_budget_setting(profile))) if level >= Level.SMOKE else profile
    )


def _budget_setting(profile: Profile) -> list[Setting]:
    own, budget = profile.environment, profile.budget
    said = "plan" if (own.test_events or own.test_amount) and not profile.rehearsal else "default"
    text = f"{budget.events:,} events, at most {budget.amount:,} for one line"
    return [Setting("price proof", text, said)]


def _level(look: Sources, own: plans.Environment, name: str, rehearsal: bool) -> tuple[Level, str]:
    usual = Level.DRILL if rehearsal else Level.READ if own.production else Level.SMOKE
    ceiling = Level.parse(own.allow) if own.allow else (Level.READ if own.production else Level.DRILL)
    given = look.first("level", "FLEXPRICE_LEVEL", (look.config.getini("flexprice_level"), "ini: flexprice_level"))
    if given is None:
        return (usual, "default") if rehearsal else (min(usual, ceiling), "default")
    try:
        level = Level.parse(given[0])
    except ValueError as error:
        raise ProfileError(f"{given[1]}: {error}") from None
    if rehearsal:
        return level, given[1]
    if level is Level.DRILL and own.production:
        raise ProfileError(f"{given[1]}: drill is never allowed where type is production; use smoke at most")
    if level > ceiling:
        source = f"environments.{name}.allow" if own.allow else "the default for production"
        raise ProfileError(
            f"{given[1]}: level {level.word} is above {source} = {ceiling.word}; raise allow in the plan or run at {ceiling.word}"
        )
    return level, given[1]


def _previews(look: Sources, own: plans.Environment) -> tuple[int | None, str]:
    found = look.first("previews", "FLEXPRICE_PREVIEWS", (own.previews, "plan"))
    if found is None:
        return USUAL_PREVIEWS, "default"
    text = found[0].strip()
    if text.casefold() == "all":
        return None, found[1]
    if not (text.isascii() and text.isdecimal() and len(text) < 8 and 0 < int(text) <= plans.MOST_PREVIEWS):
        raise ProfileError(
            f"{found[1]}: previews is '{text}'; write a number from 1 to {plans.MOST_PREVIEWS:,}, or all for every subscription"
        )
    return int(text), found[1]


def _checked_url(url: str, source: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
        raise ProfileError(
            f"base URL '{url}' ({source}) is no URL of a server; expected https://us.api.flexprice.io or yours"
        )
    if parts.scheme == "http" and not is_loopback(url):
        raise ProfileError(
            f"base URL '{url}' ({source}) is plain http, so the key would travel unencrypted and was not sent; use https"
        )
    return normalised(url)


def normalised(url: str) -> str:
    """A base URL without a slash or ``/v1`` at its end (contract 1.1)."""
    parts = urlsplit(url.strip())
    path = parts.path.rstrip("/")
    while path.endswith("/v1"):
        path = path[: -len("/v1")].rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"
