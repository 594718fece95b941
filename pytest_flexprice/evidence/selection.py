"""What somebody left out of a run on purpose: said on the command line, where whoever starts the run sees it.

A selection that stands in ``PYTEST_ADDOPTS`` or an ini file, or that a hook made up, would let a CI be green with next to nothing done.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def left_out(option: argparse.Namespace, arguments: Sequence[str]) -> tuple[bool, str]:
    """Whether what is deselected was left out on purpose, given pytest's options and the arguments of the command line; if not, why."""
    wanted = [each for each in (option.keyword, option.markexpr, *(option.deselect or ())) if each]
    hidden = next((each for each in wanted if not any(said.endswith(each) for said in arguments)), "")
    if hidden:
        return False, (
            f"The selection '{hidden}' left it out, which does not stand on the command line; "
            "give it there, or take it out of PYTEST_ADDOPTS, the ini file or the plugin it comes from."
        )
    return bool(wanted), "" if wanted else "A plugin or a conftest.py left it out."
