"""Test customers and test subscriptions: made by the run, written to the ledger first, billed by nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from faker import Faker

from pytest_flexprice.api import ApiError, Flexprice, path_of
from pytest_flexprice.model.finding import Finding, RequirementNotMet
from pytest_flexprice.model.times import instant
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.naming import MARK, external_id
from pytest_flexprice.testbed.ownership import NotOurs, Owner, foreign, owner_of, run_earliest

LIFETIME = timedelta(hours=6)
#: Room for events between the start of the subscription and now (contract 8.1, step 4).
HEAD_START = timedelta(minutes=10)


@dataclass(frozen=True)
class TestCustomer:
    """A customer that this run made."""

    __test__ = False
    id: str
    external_id: str
    name: str

    @property
    def owner(self) -> Owner:
        """What everything that belongs to it is compared with."""
        return Owner(self.id, self.external_id, earliest=run_earliest(self.external_id))


@dataclass(frozen=True)
class TestSubscription:
    """A subscription that this run made, as it was read back.

    ``lines`` are its line items as Flexprice gives them, ``row`` is all of it; ``start`` is its own start date, in UTC; ``findings``
    tell where it is another one than was asked for.
    """

    __test__ = False
    id: str
    customer: TestCustomer
    plan_id: str
    currency: str
    billing_period: str
    start: datetime
    lines: tuple[dict[str, Any], ...]
    findings: tuple[Finding, ...] = ()
    row: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass
class Testbed:
    """Makes objects for one worker of one run.

    Raises (all methods):
        RequirementNotMet: Flexprice refuses what a go-live needs.
        ApiError, NotVerified: as the client.
    """

    __test__ = False
    flexprice: Flexprice
    ledger: Ledger
    run_id: str
    worker: str = "main"

    def customer(self, role: str, now: datetime) -> TestCustomer:
        """A customer that never existed before; ``role`` says what for."""
        key = external_id(self.run_id, role, self.worker)
        faker = Faker()
        faker.seed_instance(key)
        name = f"{faker.company()} (go-live test {role})"
        self.ledger.intend("customer", key, role=role)
        body = {
            "external_id": key,
            "name": name,
            "metadata": {
                "managed_by": MARK,
                "run_id": self.run_id,
                "expires_at": (now + LIFETIME).astimezone(UTC).isoformat(),
            },
        }
        try:
            row = self.flexprice.post("/v1/customers", body)
        except ApiError as error:
            raise _refused("7.1", "the test customer could not be created", error) from error
        owner = owner_of(row, key, "POST /v1/customers")
        # Read back before anything hangs on it: an answer that names somebody else's id would have that one subscribed and billed.
        path = path_of("customers", owner.id)
        owner_of(self.flexprice.get(path), key, f"GET {path}", owner.id)
        self.ledger.created("customer", key, owner.id)
        return TestCustomer(owner.id, key, name)

    def subscription(
        self,
        customer: TestCustomer,
        plan: tuple[str, str, str],
        now: datetime,
        head_start: timedelta = HEAD_START,
        *,
        read_back: bool = True,
    ) -> TestSubscription:
        """A subscription of that customer that sends its invoices and charges nobody.

        Args:
            plan: the plan's id, the currency and the billing period.
            head_start: how long before now it starts, so that usage may have happened since.
            read_back: whether to read it once more; the answer that made it is all that is asked for otherwise, if it has lines.
        """
        plan_id, currency, billing_period = plan
        key = f"{customer.external_id}/{plan_id}"
        self.ledger.intend("subscription", key, customer=customer.external_id)
        body = {
            "customer_id": customer.id,
            "plan_id": plan_id,
            "currency": currency,
            "billing_period": billing_period,
            "billing_period_count": 1,
            "collection_method": "send_invoice",
            "start_date": rfc3339(now - head_start),
            "metadata": {"managed_by": MARK, "run_id": self.run_id},
        }
        try:
            made = self.flexprice.post("/v1/subscriptions", body)
        except ApiError as error:
            raise _refused("7.1", "the test customer could not be subscribed to the test plan", error) from error
        self._refuse_foreign(made, customer, "POST /v1/subscriptions")
        path = path_of("subscriptions", made["id"])
        row = made
        if read_back or not made.get("line_items"):
            row = self.flexprice.get(path)
            self._refuse_foreign(row, customer, f"GET {path}", id=made["id"])
            self.ledger.created("subscription", key, made["id"])
        else:
            self.ledger.told("subscription", key, made["id"], "POST /v1/subscriptions")
        row = {
            "latest_invoice": made.get("latest_invoice"),
            **row,
        }  # only the answer that made it shows the opening one
        return TestSubscription(
            row["id"],
            customer,
            plan_id,
            str(row["currency"]),
            billing_period,
            instant(row["start_date"]),
            tuple(row.get("line_items") or ()),
            tuple(_differences(body, made) or _differences(body, row)),
            row,
        )

    @staticmethod
    def _refuse_foreign(row: Mapping[str, Any], customer: TestCustomer, where: str, **same: Any) -> None:
        problem = foreign(row, customer.owner, **same)
        if problem:
            raise NotOurs(where, f"answered a subscription {problem}")


#: What a subscription must come back with as it was asked for (contract 4.2).
_KEPT = {
    "plan_id": "plan",
    "currency": "currency",
    "billing_period": "billing period",
    "billing_period_count": "number of billing periods",
    "collection_method": "collection method",
    "start_date": "start",
}


def _differences(asked: Mapping[str, Any], row: Mapping[str, Any]) -> list[Finding]:
    """Where a subscription is another one than was asked for (checklist 7.1)."""
    return [
        Finding(
            "7.1",
            f"subscriptions.{row.get('id')}.{key}",
            f"the test subscription was made with another {word} than was asked for",
            asked[key],
            row.get(key),
            consequence="customers are billed otherwise than they were sold to",
            remedy="see what changes subscriptions on their way to Flexprice, or report it to whoever operates it",
        )
        for key, word in _KEPT.items()
        if not _is_kept(key, asked[key], row.get(key))
    ]


def _is_kept(key: str, asked: Any, found: Any) -> bool:
    if key == "start_date":  # cut to milliseconds, and shown in more or fewer digits (contract 4.2)
        return abs(instant(str(found)) - instant(str(asked))) < timedelta(seconds=1)
    return str(found).lower() == str(asked).lower()


def rfc3339(moment: datetime) -> str:
    """A time as Flexprice keeps it: UTC, milliseconds."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _refused(item: str, problem: str, error: ApiError) -> RequirementNotMet:
    return RequirementNotMet(
        [Finding(item, f"{error.method} {error.path}", f"{problem}: {error.message or error.status}")]
    )
