"""The pytest plugin: hooks only; everything else is imported when a run asks for it."""
