"""What all tests share."""

from __future__ import annotations

import os

try:
    from hypothesis import settings
except ImportError:  # pytest reads this file in a checkout's rehearsal too, which installs nothing of the tests
    settings = None

if settings is not None:
    # A busy machine is no defect; and what is tried is the same each time, so that a red run can be repeated. `TRIED=20000` tries as many
    # at random, in search of what nobody thought of.
    tried = int(os.environ.get("TRIED", "0"))
    settings.register_profile("same", deadline=None, derandomize=True)
    settings.register_profile("search", deadline=None, max_examples=tried or 100)
    settings.load_profile("search" if tried else "same")
