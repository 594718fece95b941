"""Before a run: is there a Flexprice at the base URL, and does it take the key? If not, one sentence and no scenario at all."""

from __future__ import annotations

import pytest

from pytest_flexprice.api import Answer, Flexprice, redirects
from pytest_flexprice.api.errors import read_refusal
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.run.run import Run

REGIONS = {"https://us.api.flexprice.io": "US", "https://api.cloud.flexprice.io": "India"}


def check(run: Run) -> None:
    """Ask who the key is, the cheapest question there is (contract 1.6).

    Raises:
        pytest.UsageError: nothing can be checked; the sentence says what to correct (exit code 4).
    """
    client = run.client(log=False)
    try:
        answer = client.request("GET", "/v1/users/me", headers=_no_environment(run))
    except NotVerified as error:
        raise pytest.UsageError(run.redactor.text(str(error))) from None
    problem = _problem(run, answer) or _environment_problem(run, client)
    if problem:
        raise pytest.UsageError(run.redactor.text(problem))


def _no_environment(run: Run) -> dict[str, str | None]:
    return {"x-environment-id": run.profile.environment_header or None}


def _problem(run: Run, answer: Answer) -> str:
    profile = run.profile
    where = f"{profile.base_url}"
    if answer.status == 401:
        tail = f" (ending in {profile.key_tail})" if profile.key_tail else ""
        return (
            f"Flexprice at {where} refuses the API key from {profile.key_source}{tail} with 401: it is mistyped, expired, deleted "
            f"or of the other region, which all look alike{_elsewhere(run)}; put a valid key there."
        )
    if 300 <= answer.status < 400:
        target = redirects.target(answer.headers.get("location"))
        return f"{where} redirects to {target}, where the key will not be sent; correct the base URL or the proxy in front of it."
    if not answer.is_json:
        kind = answer.headers.get("content-type", "no content type")
        return (
            f"{where} answers {answer.status} with {kind} instead of JSON, so it is not Flexprice (a proxy, or a wrong path); "
            "correct the base URL."
        )
    if answer.status == 403:
        reason = read_refusal(answer.body, answer.text).message or "no reason given"
        return (
            f"Flexprice at {where} knows the API key from {profile.key_source} and refuses it with 403 ({reason}): "
            "its role lacks a permission that this suite needs; use a key of a role that may read everything (item 1.2)."
        )
    if answer.status >= 400:
        return (
            f"Flexprice at {where} answers {answer.status} to the question who the key is; try again when it is well."
        )
    return ""


def _environment_problem(run: Run, client: Flexprice) -> str:
    """A server-config key belongs to no environment and has to name one (contract 1.3)."""
    answer = client.request("GET", "/v1/plans", query={"limit": 1})
    if answer.status != 403 or read_refusal(answer.body, answer.text).shape != "error and message":
        return ""
    header = run.profile.environment_header
    named = (
        f"refuses access to the environment '{header}'" if header else "wants to be told the environment with this key"
    )
    return (
        f"Flexprice at {run.profile.base_url} {named} (403); set FLEXPRICE_ENVIRONMENT_ID to the id of an environment of the "
        "key's tenant, or use an API key of the environment itself."
    )


def _elsewhere(run: Run) -> str:
    """Whether the key is one of the other region; asked only where the plan allows the key to be sent there."""
    if not run.profile.environment.probe_other_region:
        return ""
    for url, region in REGIONS.items():
        if url == run.profile.base_url:
            continue
        from pytest_flexprice.api import Transport, WriteGuard  # noqa: PLC0415 - a rare question

        other = Flexprice(
            Transport(url, {"x-api-key": run.profile.api_key}), WriteGuard(run.profile.level, run.profile.production)
        )
        try:
            if other.request("GET", "/v1/users/me").ok:
                return f" (it is valid at {url}, region {region})"
        except NotVerified:
            continue
        finally:
            other.close()
    return ""
