"""What can go wrong on purpose: every fault by its name."""
