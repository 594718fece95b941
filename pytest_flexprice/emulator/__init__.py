"""An embedded Flexprice, faithful to what was seen of the real one: for rehearsals and tests of the suite itself."""

from __future__ import annotations

from .options import EmulatorOptions
from .server import FlexpriceServer

__all__ = ["EmulatorOptions", "FlexpriceServer"]
