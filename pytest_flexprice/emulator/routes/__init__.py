"""The routes, one module per resource. Importing a module registers its handlers, importing this package those of all."""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
