"""What Flexprice should answer, computed without asking it: pure functions, no HTTP, no clock.

Usage: ``metering.expected_usage``; invoices: ``invoice.line_usages`` and ``invoice.expected_invoice``, then
``invoice_findings.compare_invoice``; readers of usage: ``usage.compare_usage``; one event's way: ``attribution.attribute``.
"""
