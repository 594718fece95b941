"""Metering: from accepted events to billed quantities."""
