"""Every fault that the emulator can show: a mistake of a company, or of Flexprice, by its name.

Importing this module registers the rules, those of every module beside it; :data:`FAULTS` holds them all.
"""

from __future__ import annotations

import importlib
import pkgutil

from . import __path__ as _folder
from .registry import FAULTS, Fault, after, before, declare, fault, front

__all__ = ["FAULTS", "Fault", "after", "before", "declare", "fault", "front"]

for _module in pkgutil.iter_modules(_folder):
    importlib.import_module(f"{__package__}.{_module.name}")
