"""Subscriptions and money: billing periods, prices, allowances, invoices, wallets, and the jobs."""
