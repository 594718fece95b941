"""Checklist 3.1: the events that the application sends, as its sample files show them."""
