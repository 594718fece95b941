"""What the plan says about webhooks, as the steps need it: decided or not, allowed or not (checklist section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit

from pytest_flexprice.model.finding import Finding, Kind, Severity, not_decided, not_verified, require_none
from pytest_flexprice.model.golive_plan import Environment, GoLivePlan, Webhooks
from pytest_flexprice.webhooks import registration, signatures
from pytest_flexprice.webhooks.mint import Mint, shown


class RunProfile(Protocol):
    """What is needed of the run's profile."""

    @property
    def name(self) -> str:
        """The environment's name."""

    @property
    def in_plan(self) -> str:
        """The environment's name in the plan."""

    @property
    def run_id(self) -> str:
        """Unique per run."""

    @property
    def environment(self) -> Environment:
        """What the plan says of the environment."""

    @property
    def production(self) -> bool:
        """Whether real customers are billed there."""

    def variable(self, name: str) -> str | None:
        """A variable's value."""


@dataclass(frozen=True)
class Target:
    """The handler to probe. ``variable`` names where its signing secret comes from."""

    url: str
    webhooks: Webhooks
    mint: Mint
    variable: str

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the signing secret."""
        return signatures.fingerprint(self.mint.secret)


def declared_webhooks(plan: GoLivePlan) -> Webhooks:
    """What the plan says about webhooks.

    Raises:
        NotDecided: it says nothing.
    """
    if plan.webhooks is None:
        raise not_decided(
            "6.1",
            "golive.toml: webhooks",
            "the plan does not say where webhooks go",
            remedy="add a table [webhooks] with endpoint, handler and processed",
        )
    return plan.webhooks


def native_findings(webhooks: Webhooks) -> list[Finding]:
    """What cannot be verified where Flexprice delivers natively instead of through the delivery service (contract 6.1, 6.6)."""
    surprise = ", although the plan says transport = 'svix'" if webhooks.transport == "svix" else ""
    return [
        Finding(
            "",
            "GET /v1/webhooks/dashboard",
            f"this Flexprice sends webhooks natively{surprise}: the URL and its filters are server configuration that no call "
            "shows, one URL serves all environments, and deliveries carry no signature, id or time, so registration and the "
            "checking of signatures cannot be verified",
            consequence="whoever knows the handler's URL can forge webhooks",
            remedy="ask the operator to show the configured URL and its exclusions, protect the URL by the static header that "
            "the server sends, set transport = 'native' in the plan, and waive the item with that reason",
            kind=Kind.NOT_VERIFIED,
        )
    ]


def find_target(plan: GoLivePlan, profile: RunProfile) -> Target:
    """The handler that may be probed, with the means to sign for it.

    Raises:
        NotDecided: the plan names no handler.
        NotVerified: it must not or cannot be probed: production without the plan's leave, no secret, unsigned deliveries.
    """
    webhooks = declared_webhooks(plan)
    if webhooks.transport == "native":
        require_none(native_findings(webhooks))
    if webhooks.handler is None:
        raise not_decided(
            "6.2",
            "golive.toml: webhooks.handler",
            "the plan does not name the webhook handler",
            remedy="add handler = { url = …, secret = <name of the variable with the signing secret> }",
        )
    if profile.production and not profile.environment.probe_handler:
        raise not_verified(
            "6.2",
            f"golive.toml: environments.{profile.in_plan}.probe_handler",
            "the webhook handler was not tried, because the plan does not allow it in production",
            remedy="set probe_handler = true if the handler may get signed messages about invoices that do not exist (inv_golive_…)",
        )
    variable = webhooks.handler.secret
    return Target(_checked(webhooks.handler.url), webhooks, _mint(profile, variable), variable)


def address_findings(target: Target) -> list[Finding]:
    """A warning where the handler that is tried is not at the URL that webhooks go to (checklist 6.2)."""
    if registration.same_url(target.url, target.webhooks.endpoint):
        return []
    return [
        Finding(
            "6.2",
            "golive.toml: webhooks.handler.url",
            "the handler that was tried is not at the URL that webhooks go to",
            expected=target.webhooks.endpoint,
            observed=target.url,
            consequence="what is between the two, such as a gateway or another version, was not tried",
            remedy="name the same URL in webhooks.handler.url and webhooks.endpoint, or make sure that both are the same handler",
            severity=Severity.WARNING,
        )
    ]


def elsewhere(plan: GoLivePlan, name: str) -> dict[str, str]:
    """The webhook endpoints of the plan's other environments, by the environment's name."""
    others = {key: environment for key, environment in plan.environments.items() if key != name}
    return {key: environment.webhooks.endpoint for key, environment in others.items() if environment.webhooks}


def other_secrets(plan: GoLivePlan, profile: RunProfile, secret: str) -> dict[str, str]:
    """The signing secrets of the plan's other environments, as far as their variables are set, by ``name (variable)``."""
    found = {}
    for key, environment in plan.environments.items():
        handler = environment.webhooks.handler if environment.webhooks else None
        if key == profile.name or handler is None:
            continue
        value = profile.variable(handler.secret)
        if value and value != secret and _usable(value):
            found[f"{key} in {handler.secret}"] = value
    return found


def _mint(profile: RunProfile, variable: str) -> Mint:
    secret = profile.variable(variable)
    if not secret:
        raise not_verified(
            "6.2",
            f"variable {variable}",
            f"the variable {variable}, which the plan names for the handler's signing secret, is not set",
            remedy="set it to the endpoint's signing secret from the webhook portal (whsec_…)",
        )
    try:
        return Mint(secret, profile.run_id, datetime.now(UTC), variable)
    except signatures.SecretError as error:
        raise not_verified(
            "6.2",
            f"variable {variable}",
            f"the variable {variable} cannot be used ({shown(variable, secret)}): {error}",
        ) from None


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise not_decided(
            "", "golive.toml: webhooks.handler.url", f"'{url}' is no URL of a handler", remedy="write https://…"
        )
    return url


def _usable(secret: str) -> bool:
    try:
        signatures.check_secret(secret)
    except signatures.SecretError:
        return False
    return True
