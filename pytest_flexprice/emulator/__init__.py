"""The embedded Flexprice: a stateful double held to recordings of the real server."""
