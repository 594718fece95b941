"""How fast and how big the emulator is; run one with ``python -m benchmarks.emulator_events``."""
