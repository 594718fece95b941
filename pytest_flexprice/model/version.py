"""The version, which every request and every report names."""

__version__ = "0.1.0"
