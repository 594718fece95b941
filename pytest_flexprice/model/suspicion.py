"""What a wrong value looks like, in the words of a finding: "as if" with the rules that would come to it.

Nothing is concluded from it: the value is wrong whatever explains it; the suspicion tells where to look.
"""

from __future__ import annotations

from collections.abc import Iterable

AS_IF = ", as if "
"""Begins a suspicion."""
_MOST_NAMED = 4


def as_if(rules: Iterable[str]) -> str:
    """Rules as words to append, the surest first and each once; empty where there is none."""
    found = list(dict.fromkeys(rules))
    return AS_IF + ", or as if ".join(found[:_MOST_NAMED]) if found else ""
