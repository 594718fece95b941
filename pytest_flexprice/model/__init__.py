"""What everybody talks about, without I/O: findings, the checklist, the golive plan, decimals, times, names."""
