"""Filling an embedded Flexprice through its own API, from a description or from a plan."""
