"""Whether a handler takes no ids but such as Flexprice makes, so that no probe says anything of it; pure."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_flexprice.model.finding import Finding, Kind
from pytest_flexprice.webhooks.probes import CONTROL
from pytest_flexprice.webhooks.results import ProbeResult


def takes_only_real_ids(results: Sequence[ProbeResult]) -> bool:
    """Whether the control was not accepted, and the same with ids of Flexprice's own form was."""
    accepted = {result.probe.kind for result in results if result.accepted}
    return "ids of real form" in accepted and CONTROL not in accepted


def only_real_ids(item: str) -> Finding:
    """What is said then."""
    return Finding(
        item,
        "webhook handler",
        "the webhook handler takes only ids in the form of Flexprice's own (inv_ and 26 letters and digits), so the probes, whose ids say "
        "that they are nobody's (inv_golive_…), tell nothing of it",
        expected="2xx for a correctly signed message, whatever its ids look like",
        observed="2xx only for ids of at most 30 characters",
        remedy="make room for ids of 100 characters in any form, at least where the handler is tried",
        kind=Kind.NOT_VERIFIED,
    )
