"""The company's own log, through Ibis, held against what Flexprice counted and will bill."""
