"""Run the Flexprice Go-Live Checklist as pytest scenarios, with evidence for the release ticket."""

from pytest_flexprice.model.version import __version__

__all__ = ["__version__"]
