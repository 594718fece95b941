"""Checklist section 2: what is sold, as signed off and as it is."""
