"""What a run is pointed at: which Flexprice, which key, which level, and where each value came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from pytest_flexprice.model import golive_plan as plans
from pytest_flexprice.model.budget import Budget
from pytest_flexprice.model.checklist import Level

LOCAL = "local"
USUAL_PREVIEWS = 200
#: What a price proof may send and let a line come to, where the plan does not say.
CAREFUL, GENEROUS, REHEARSED = (
    Budget(2_000, Decimal(10_000)),
    Budget(20_000, Decimal(1_000_000)),
    Budget(30_000, Decimal(1_000_000_000)),
)


@dataclass(frozen=True)
class Value:
    """One value of a run and where it came from, as the header shows them."""

    name: str
    value: str
    source: str

    @property
    def told(self) -> str:
        """The line of the header."""
        return f"flexprice {self.name}: {self.value} (from {self.source})"


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
        values: values with their sources, for the header; no secret among them.
        stands_for: the environment of the plan that a rehearsal stands for, else "".
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
    values: tuple[Value, ...] = ()
    stands_for: str = ""
    variables: Callable[[str], tuple[str, str] | None] = field(repr=False, default=lambda name: None)
    add_secret: Callable[[str], None] = field(repr=False, default=lambda value: None)

    @property
    def in_plan(self) -> str:
        """The environment's name in the plan as it is written, for sentences that say what to change there."""
        return self.stands_for or self.name

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
