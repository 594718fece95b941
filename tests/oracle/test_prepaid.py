"""What prepaid credits pay: what is left of the lines that they may pay, and no more than there is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pytest_flexprice.oracle.invoicing.prepaid import Wallet, prepaid_findings

LINES = [
    {"price_type": "USAGE", "amount": "25", "invoice_level_discount": "2.5"},
    {"price_type": "FIXED", "amount": "10", "line_item_discount": "1"},
]


def said(paid: str, *wallets: Wallet, tax: str = "4") -> str:
    invoice = {"currency": "usd", "line_items": LINES, "total_tax": tax, "total_prepaid_credits_applied": paid}
    return "\n".join(finding.sentence for finding in prepaid_findings(invoice, wallets))


def wallet(balance: str, **more: str | tuple[str, ...]) -> Wallet:
    return Wallet(**{"balance": Decimal(balance), "currency": "usd", **more})


@pytest.mark.parametrize(
    ("paid", "wallets"),
    [
        ("0", ()),
        ("4", (wallet("4"),)),
        ("22.5", (wallet("100"),)),
        ("7", (wallet("4"), wallet("3"))),
        ("31.5", (wallet("100", kinds=("ALL",)),)),
        ("0", (wallet("4", currency="eur"),)),
        ("1", (wallet("4"), wallet("4", kinds=("FIXED",)))),
    ],
)
def test_what_they_may_pay_is_no_finding(paid: str, wallets: tuple[Wallet, ...]) -> None:
    assert said(paid, *wallets) == ""


@pytest.mark.parametrize(
    ("paid", "rule"),
    [("0", "there are none"), ("31.5", "they pay fees too"), ("26.5", "they pay tax too"), ("100", "all of them are")],
)
def test_a_wrong_payment_names_both_figures_and_the_rule(paid: str, rule: str) -> None:
    assert f"as if {rule}" in said(paid, wallet("100"))
    assert f"(expected 22.5, found {paid})" in said(paid, wallet("100"))


def test_credits_that_nobody_has_are_told() -> None:
    assert "prepaid credits pay 4 usd of the invoice, where the customer has 0" in said("4")


@pytest.mark.parametrize("row", [{"wallet_type": "POST_PAID"}, {"wallet_status": "closed"}])
def test_other_wallets_pay_nothing(row: dict[str, str]) -> None:
    assert Wallet.from_api({"balance": "5", "currency": "usd", **row}) is None
