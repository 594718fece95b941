"""Payment terms as people write them, in Flexprice's own words."""

from __future__ import annotations

import re

_NET = re.compile(r"\s*(?:net[\s_-]*(\d{1,3})|(\d{1,3})[\s_-]*net)\s*(?:days?)?\s*\Z", re.IGNORECASE)


def payment_terms(text: str) -> str:
    """``NET_30``, ``net 30`` and ``30 net`` are Flexprice's ``30 NET`` (contract 4.2); other words stay as they are."""
    found = _NET.match(text)
    return f"{int(found[1] or found[2])} NET" if found else text
