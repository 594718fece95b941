"""How somebody may try to be green without having been carried out."""

from __future__ import annotations

from dataclasses import dataclass

OWN = """Feature: Our own
  @item_8_1 @lint
  Scenario: Somebody of ours reads it too
    Given a reader
    When the reader looks
    Then the reader has read
"""
FAILS = "assert False, 'nobody read it'"
OURS = '"somebody_of_ours" in item.nodeid'


@dataclass(frozen=True)
class Way:
    """How somebody tries: code in ``conftest.py``, arguments, variables, how the own scenario ends, what its file is called."""

    name: str
    code: str = ""
    arguments: tuple[str, ...] = ()
    ending: str = FAILS
    feature: str = "own.feature"
    text: str = OWN
    ini: str = ""
    environ: tuple[tuple[str, str], ...] = ()
    codes: tuple[int, ...] = (6,)
    says: str = ""
    verdict: bool = True
    item: str = "8.1"
