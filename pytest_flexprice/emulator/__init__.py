"""An embedded Flexprice, faithful to what was seen of the real one: for rehearsals and tests of the suite itself."""

from __future__ import annotations

from .kernel.options import EmulatorOptions
from .kernel.server import FlexpriceServer

__all__ = ["EmulatorOptions", "FlexpriceServer"]
