"""Run the Flexprice Go-Live Checklist as pytest scenarios, with evidence for the release ticket."""

__version__ = "0.1.0"
