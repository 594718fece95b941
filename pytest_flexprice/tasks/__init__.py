"""What runs instead of a checklist: a first plan, a snapshot, a sweep."""
