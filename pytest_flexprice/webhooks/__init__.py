"""Webhooks: signatures, the delivery service's endpoints, probes of the company's handler, a receiver."""
