"""What a case of the table is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.safety.proxy import Attack


@dataclass(frozen=True)
class Case:
    """One attack: ``name`` says what is answered, ``says`` is a pattern of what must be told, ``leaves`` whether objects may stay."""

    name: str
    attack: Callable[[], Attack]
    says: str = ""
    leaves: bool = False
