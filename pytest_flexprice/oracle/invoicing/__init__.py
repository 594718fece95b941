"""Checklist section 5: the invoice that should be, and the settings that decide about it."""
