"""Put a run's profile together from the command line, the environment, ``.env.<name>`` and the plan."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pytest_flexprice.api.transport import is_loopback
from pytest_flexprice.model import golive_plan as plans
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.profile import LOCAL, USUAL_PREVIEWS, Profile, ProfileError, Value
from pytest_flexprice.rehearsal import demo
from pytest_flexprice.run import variables
from pytest_flexprice.run.options import Sources


def find_plan(config: pytest.Config, name: str) -> tuple[Path, str]:
    """The plan's file and where that was said; ``local`` falls back to the demo company's plan.

    Raises:
        ProfileError: there is no plan.
    """
    given = Sources(config, os.environ, {}).first(
        "plan", "FLEXPRICE_PLAN", (config.getini("flexprice_plan"), "ini: flexprice_plan")
    )
    if given:
        path = Path(os.path.expanduser(given[0]))
        return (path if path.is_absolute() else config.invocation_params.dir / path), given[1]
    usual = config.rootpath / plans.PLAN_NAME
    if usual.exists():
        return usual, "rootdir"
    here = config.invocation_params.dir / plans.PLAN_NAME
    if here.exists():
        raise ProfileError(
            f"{here}: this plan would not be looked at, because pytest takes {config.rootpath} for the rootdir; "
            "put a pytest.ini with the line [pytest] beside it, or add --rootdir=."
        )
    if name == LOCAL:
        return demo.PLAN, "demo company"
    raise ProfileError(
        f"{usual}: there is no such plan file; name yours with --flexprice-plan, or put your key into FLEXPRICE_API_KEY and write a "
        f"first one: pytest --flexprice-env={name} --flexprice-base-url=https://us.api.flexprice.io --flexprice-init"
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
    key = look.variable("FLEXPRICE_API_KEY")
    wrong = (
        _wrong_url(*base) if base else _no_url(plan, name),
        _wrong_key(*key) if key else _no_key(look) if level > Level.LINT else "",
    )
    if base is None or any(wrong):
        raise ProfileError("; and ".join(filter(None, wrong)))
    base_url = normalised(base[0])
    header = look.variable("FLEXPRICE_ENVIRONMENT_ID")
    previews, previews_source = _previews(look, own)
    svix = look.first("", "FLEXPRICE_SVIX_URL", (own.svix_url, "plan"))
    if key:
        add_secret(key[0])
    values = [
        Value("environment", f"{name} ({own.type})" + (" — rehearsal" if rehearsal else ""), "--flexprice-env"),
        Value("level", level.word, level_source),
        Value("base URL", base_url, base[1]),
    ]
    if level > Level.LINT:
        values.append(Value("previews", "all" if previews is None else str(previews), previews_source))
    if key:
        values.append(Value("API key", f"…{key[0][-2:]}" if len(key[0]) > 8 else "set", key[1]))
    if header:
        values.append(Value("environment header", header[0], header[1]))
    if svix:
        values.append(Value("delivery service", svix[0], svix[1]))
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
        values=tuple(values),
        variables=look.variable,
        add_secret=add_secret,
    )
    return replace(profile, values=(*profile.values, *_budget_value(profile))) if level >= Level.SMOKE else profile


def _no_key(look: Sources) -> str:
    return (
        f"no API key: set FLEXPRICE_API_KEY in the environment or in {look.dotenv_name}{look.near('FLEXPRICE_API_KEY')} "
        f"(it is never read from the plan){_other_file(look)}"
    )


def _other_file(look: Sources) -> str:
    """A file of variables under a name that is not read."""
    name = look.dotenv_name.removeprefix(".env.")
    found = [other for other in (".env", f"{name}.env") if (look.config.rootpath / other).is_file()]
    return f"; {found[0]} is there, and not read: call it {look.dotenv_name}" if found else ""


def _wrong_key(key: str, source: str) -> str:
    """Why this cannot be a key as Flexprice shows it, or nothing, so that no server has to say only that it does not know it."""
    if key != key.strip():
        return f"the API key from {source} has white space around it, and Flexprice compares it byte for byte; remove the white space"
    wrong = next((words for pattern, words in _NO_KEY if pattern.search(key)), "")
    if wrong or not (key.isascii() and key.isprintable()):
        wrong = wrong or "holds a character that no header can carry"
        return f"the API key from {source} {wrong}; put the key there as Flexprice showed it"
    return ""


_NO_KEY = (
    (
        re.compile(r"^(bearer|basic|x-api-key|authorization)\b", re.IGNORECASE),
        "begins with the name of a header or scheme",
    ),
    (
        re.compile("^[\"'`<\u2018-\u201f]|[\"'`>,;\u2018-\u201f]$"),
        "has quotes, brackets or a sign around it that do not belong to it",
    ),
    (re.compile(r"\s"), "holds white space"),
    (re.compile(r"\.\.\.|\u2026|^(sk_)?x{3,}$|\*{3}"), "is cut or a placeholder"),
)


def _budget_value(profile: Profile) -> list[Value]:
    own, budget = profile.environment, profile.budget
    said = "plan" if (own.test_events or own.test_amount) and not profile.rehearsal else "default"
    text = f"{budget.events:,} events, at most {budget.amount:,} for one line"
    return [Value("price proof", text, said)]


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


def _no_url(plan: plans.GoLivePlan, name: str) -> str:
    return (
        "no base URL: add --flexprice-base-url, such as https://us.api.flexprice.io, or write "
        f"environments.{name}.base_url in {plan.path}"
    )


def _wrong_url(url: str, source: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
        return f"base URL '{url}' ({source}) is no URL of a server; expected https://us.api.flexprice.io or yours"
    if parts.scheme == "http" and not is_loopback(url):
        return f"base URL '{url}' ({source}) is plain http, so the key would travel unencrypted and was not sent; use https"
    return ""


def normalised(url: str) -> str:
    """A base URL without a slash or ``/v1`` at its end (contract 1.1)."""
    parts = urlsplit(url.strip())
    path = parts.path.rstrip("/")
    while path.endswith("/v1"):
        path = path[: -len("/v1")].rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"
