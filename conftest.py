"""Where a company binds the suite to its own systems, by overriding fixtures; here, what this project's own tests share."""

from __future__ import annotations

pytest_plugins = ["pytester"]
