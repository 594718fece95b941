"""Checklist section 4: who is billed, as declared and as it is."""
