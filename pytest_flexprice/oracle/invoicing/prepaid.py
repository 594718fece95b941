"""What prepaid credits pay of a finalized invoice (checklist 7.3; contract 5.4, 7.2; recording invoice_coupon_tax_wallet)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import ZERO, decimal, difference, product, tidy, total, words
from pytest_flexprice.model.finding import Finding
from pytest_flexprice.model.parsing import parses
from pytest_flexprice.model.suspicion import as_if
from pytest_flexprice.oracle.pricing.factors import factor

USAGE_ONLY = ("USAGE",)
ALL = "ALL"


@dataclass(frozen=True)
class Wallet:
    """A customer's prepaid credits: what they are worth in the wallet's currency, and which kinds of lines they may pay."""

    balance: Decimal
    currency: str
    kinds: tuple[str, ...] = USAGE_ONLY

    @classmethod
    @parses("wallet")
    def from_api(cls, data: Mapping[str, Any]) -> Wallet | None:
        """The wallet in a row of a customer's wallets; none where it is not prepaid or not active."""
        if data.get("wallet_type", "PRE_PAID") != "PRE_PAID" or data.get("wallet_status", "active") != "active":
            return None
        kinds = (data.get("config") or {}).get("allowed_price_types") or USAGE_ONLY
        return cls(decimal(data.get("balance"), ZERO), str(data.get("currency") or "").lower(), tuple(map(str, kinds)))


def granted_findings(
    grants: Iterable[Mapping[str, Any]], wallets: Sequence[Wallet], currency: str, item: str = ""
) -> list[Finding]:
    """Whether a new customer of a plan has the credits that it grants (recording credit_grants).

    Nothing is said of grants that come again or expire, of those at another rate, and of more wallets than one.
    """
    given, mine = list(grants), [wallet for wallet in wallets if wallet.currency == currency]
    known = all(
        (each.get("cadence"), each.get("expiration_type") or "NEVER") == ("ONETIME", "NEVER")
        and decimal(each.get("conversion_rate") or 1) == 1
        for each in given
    )
    wanted = total(decimal(each.get("credits"), ZERO) for each in given)
    found = total(wallet.balance for wallet in mine)
    if not given or not known or len(mine) > 1 or wanted == found:
        return []
    return [
        Finding(
            item,
            "wallets.balance",
            f"a new customer has {words(found)} {currency} of prepaid credits, and the plan grants {words(wanted)}"
            f"{as_if(factor([(wanted, found)], currency))}",
            expected=tidy(wanted),
            observed=tidy(found),
            consequence="every customer of the plan is given another amount than was sold",
            remedy="look at the plan's credit grants and the customer's wallets, and report it to Flexprice",
        )
    ]


def prepaid_findings(invoice: Mapping[str, Any], wallets: Iterable[Wallet], item: str = "") -> list[Finding]:
    """Whether the credits that a customer had right before finalization pay what they may of it, and nothing else.

    Credits pay what is left of a line after its discounts, of usage lines only where the wallet says nothing else, and never tax.
    """
    currency = str(invoice.get("currency") or "").lower()
    mine = [wallet for wallet in wallets if wallet.currency == currency]
    kinds = {wallet.kinds for wallet in mine} or {USAGE_ONLY}
    if len(kinds) > 1:
        return []  # which of them pays first is not known
    balance, payable = total(wallet.balance for wallet in mine), _payable(invoice, *kinds)
    wanted, paid = min(balance, payable), decimal(invoice.get("total_prepaid_credits_applied"), ZERO)
    if wanted == paid:
        return []
    rules = {
        "there are none": ZERO,
        "they pay fees too": min(balance, _payable(invoice, (ALL,))),
        "they pay tax too": min(balance, total((payable, decimal(invoice.get("total_tax"), ZERO)))),
        "they are taken twice": product(wanted, Decimal(2)),
        "all of them are taken": balance,
    }
    hint = as_if(text for text, wrong in rules.items() if wrong == paid and (paid or wanted))
    return [
        Finding(
            item,
            "invoice.prepaid_credits",
            f"prepaid credits pay {words(paid)} {currency} of the invoice, where the customer has {words(balance)} and"
            f" {words(payable)} may be paid by them{hint}",
            expected=tidy(wanted),
            observed=tidy(paid),
            consequence="customers pay what they have paid already"
            if paid < wanted
            else "credits are spent on what they are not for",
            remedy="look at the customer's wallets and their allowed_price_types, and report it to Flexprice",
        )
    ]


def _payable(invoice: Mapping[str, Any], kinds: Collection[str]) -> Decimal:
    return total(
        _left(line)
        for line in invoice.get("line_items") or ()
        if ALL in kinds or str(line.get("price_type") or "") in kinds
    )


def _left(line: Mapping[str, Any]) -> Decimal:
    off = total(decimal(line.get(key), ZERO) for key in ("line_item_discount", "invoice_level_discount"))
    return max(difference(decimal(line.get("amount"), ZERO), off), ZERO)
