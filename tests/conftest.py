"""What all tests share."""

from __future__ import annotations

import os

try:
    from hypothesis import settings
except ImportError:  # pytest reads this file in a checkout's rehearsal too, which installs nothing of the tests
    settings = None

if settings is not None:
    # A busy machine is no defect; and what CI tries is the same each time, so that a red run can be repeated.
    settings.register_profile("default", deadline=None)
    settings.register_profile("ci", deadline=None, derandomize=True)
    settings.load_profile("ci" if os.environ.get("CI") else "default")
