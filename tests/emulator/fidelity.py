"""Writes ``docs/emulator-fidelity.md``: which route of the emulator is held to which recording, and what differs on purpose.

``python -m tests.emulator.fidelity`` rewrites the page.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from pytest_flexprice.emulator import FlexpriceServer
from pytest_flexprice.emulator.kernel.routing import ROUTER, Route
from pytest_flexprice.emulator.routes import unimplemented

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "emulator-fidelity.md"
RECORDINGS = ROOT / "tests" / "recordings"

HEAD = """# How faithful the emulator is

This page is written by `python -m tests.emulator.fidelity` from the recordings in `tests/recordings`: conversations with a real
Flexprice that `tests/emulator/test_recordings.py` plays against the emulator, on a fresh server and on one that served others,
and compares answer by answer. A route is **verified** when at least one recorded step calls it; the number is how many do.
Amounts and quantities are held to the vectors in `tests/vectors` besides, and the delivery service's own API (`/api/v1/…`) to the
conversations in `tests/svix` and the deliveries in `tests/deliveries`.
"""

DIFFERENCES = """## What differs on purpose

| Subject | The real server | The emulator |
|---|---|---|
| Answers by chance (contract 1.8) | one of several | always the one that was recorded |
| Order of line items, of a search without `sort` | any | newest first, the same every time |
| Processing of events | 0.08 to 4.6 s, later under load | `lag` (0.1 s by default), or held until released |
| A deleted key that was used | works for up to 2 minutes | `key_cache_seconds` (5 by default), from its first use |
| Meters by event name | cached for 10 minutes | `meter_cache_seconds` (600) of the emulator's clock |
| Clone of an environment | a workflow, there within seconds | done before the 202 is sent |
| Periodic jobs | by the real clock | by the emulator's clock, which can be moved forward |
| Times of creation | nanoseconds in the answer, microseconds later | microseconds always |
| Nested JSON | up to 10,000 levels | up to 200, then refused like broken JSON |
| Bodies | no limit except on events (32 MiB) | 128 MiB, then 413 |
| Numbers | doubles up to 1.8e308 | exponents beyond 400 digits are refused like broken JSON |
| One metered number above 1.7e23 | stops event reading for everybody | does the same where it can be shown, without ending the process |
| Settings of an area that nothing here uses | checked in depth | checked by the type of each field |
| A change of plan by a new subscription, commitments by time of day, grants by quota, deals and top-ups behind a checkout \
| there | 501, by name |
| Imports, exports, payment links | there | 501, by name |
| Alerts of spend and balance | watched | their settings are kept, nothing is watched |
| Credit notes, bought credits and refills of wallets, costs beside revenue, a change of plan in place and its schedules, \
replaced invoices, upcoming credits, \
costsheets, prices in custom units, overridden entitlements, credits that expire, \
commitments over several periods, `modify` of addons, coupons, taxes, trials | \
there, and not recorded | by the API's own description |
| Words of a refusal that no recording shows | its own | those of its neighbours; the status is the contract's |
| Payment gateways, e-mail, PDF, SAML | configurable | never there |
"""


def _requests() -> Iterator[tuple[str, str, str]]:
    """The conversation, method and path of every recorded step that goes to Flexprice itself."""
    for file in sorted(RECORDINGS.glob("*.json")):
        for step in json.loads(file.read_text(encoding="utf-8"))["steps"]:
            path = re.sub(r"\{[^}]*\}", "x", step["request"]["path"])
            if not path.startswith("x"):
                yield file.stem, step["request"]["method"], path


def _verified() -> dict[tuple[str, str], Counter[str]]:
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for conversation, method, path in _requests():
        match = ROUTER.match(method, path)
        if match is not None:
            found[match[0].method, match[0].pattern][conversation] += 1
    return found


def _api(routes: list[Route]) -> list[Route]:
    return [route for route in routes if not route.pattern.startswith(("/_emulator", "/api/v1/"))]


def page() -> str:
    """The page's text."""
    FlexpriceServer().application()
    verified = _verified()
    routes = _api(ROUTER.routes())
    made = [route for route in routes if route.handler is not unimplemented.refuse]
    missing = [route for route in routes if route.handler is unimplemented.refuse]
    rows = [HEAD, "## Verified routes", "", "| Route | Steps | Recordings |", "|---|---|---|"]
    unverified = []
    for route in made:
        known = verified.get((route.method, route.pattern))
        if known is None:
            unverified.append(route)
            continue
        names = ", ".join(name for name, _count in known.most_common(6))
        more = f" and {len(known) - 6} more" if len(known) > 6 else ""
        rows.append(f"| `{route.method} {route.pattern}` | {sum(known.values())} | {names}{more} |")
    rows += [
        "",
        "## Routes without a recording",
        "",
        "They follow the contract and their neighbours; nothing holds them to the real one.",
    ]
    rows += ["", *(f"- `{route.method} {route.pattern}`" for route in unverified), "", DIFFERENCES]
    rows += ["## Routes that the real server has and the emulator has not", "", "They answer 501 with their name.", ""]
    rows += [f"- `{route.method} {route.pattern}`" for route in missing]
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
