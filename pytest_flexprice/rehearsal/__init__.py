"""``local``: an embedded Flexprice, the demo company, its webhook handler and its faults."""
