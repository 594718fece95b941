"""One run of the checklist: options, profile, session, collector, gating, preflight, scheduling, fixtures."""
