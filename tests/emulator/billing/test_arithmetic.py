"""Prices, allowances, commitments, coupons and rounding, by their rules and at their edges (contract 2.4, 2.5, 5.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.emulator.billing import allowance, commitment, coupon, tax
from pytest_flexprice.emulator.billing.allowance import Allowance, Window
from pytest_flexprice.emulator.billing.commitment import Charge, LineCommitment
from pytest_flexprice.emulator.billing.pricing import Tariff, Tier, bucketed_cost
from pytest_flexprice.emulator.billing.rounding import ZERO, exact, places, stored, to_currency

D = Decimal
QUANTITIES = st.decimals(min_value=0, max_value=10**9, places=6)
AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=4)
CURRENCIES = st.sampled_from(["usd", "eur", "jpy", "kwd", "clf", "bhd", "zzz"])
TIERS = (Tier(D(10), D(1), D(5)), Tier(D(20), D("0.5"), D(2)), Tier(None, D("0.1")))


def tiered(mode: str | None, tiers: tuple[Tier, ...] = TIERS) -> Tariff:
    return Tariff("TIERED", tiers=tiers, tier_mode=mode)


class TestTiers:
    @pytest.mark.parametrize(
        ("quantity", "volume", "slab"),
        [("0", "0", "0"), ("1", "6", "6"), ("10", "15", "15"), ("10.5", "7.25", "17.25"), ("11", "7.5", "17.5"),
         ("20", "12", "22"), ("21", "2.1", "22.1"), ("25", "2.5", "22.5")],
    )  # fmt: skip
    def test_bounds_are_inclusive(self, quantity: str, volume: str, slab: str) -> None:
        assert tiered("VOLUME").cost(D(quantity)) == D(volume)
        assert tiered("SLAB").cost(D(quantity)) == D(slab)

    def test_without_a_mode_everything_is_free(self) -> None:
        assert tiered(None).cost(D(15)) == 0

    def test_beyond_a_bounded_last_tier_volume_charges_and_slab_does_not(self) -> None:
        capped = TIERS[:2]
        assert tiered("VOLUME", capped).cost(D(50)) == D(27)
        assert tiered("SLAB", capped).cost(D(50)) == tiered("SLAB", capped).cost(D(20))

    @given(QUANTITIES, st.sampled_from(["VOLUME", "SLAB"]), st.permutations(list(range(3))))
    def test_the_order_of_tiers_does_not_matter(self, quantity: Decimal, mode: str, order: list[int]) -> None:
        given_tiers = [
            {"up_to": None if t.up_to is None else int(t.up_to), "unit_amount": str(t.unit_amount),
             "flat_amount": str(t.flat_amount)}
            for t in (TIERS[index] for index in order)
        ]  # fmt: skip
        price = {"billing_model": "TIERED", "tiers": given_tiers, "tier_mode": mode}
        assert Tariff.of(price).cost(quantity) == tiered(mode).cost(quantity)

    @given(QUANTITIES, QUANTITIES)
    def test_slabs_never_fall(self, one: Decimal, other: Decimal) -> None:
        low, high = sorted((one, other))
        assert tiered("SLAB").cost(low) <= tiered("SLAB").cost(high)

    @given(QUANTITIES.filter(lambda q: q > 0))
    def test_one_open_tier_is_a_flat_price(self, quantity: Decimal) -> None:
        tiers = (Tier(None, D("0.25")),)
        flat = Tariff("FLAT_FEE", D("0.25")).cost(quantity)
        assert tiered("VOLUME", tiers).cost(quantity) == tiered("SLAB", tiers).cost(quantity) == flat


class TestPackages:
    @given(QUANTITIES, st.integers(1, 1000))
    def test_whole_packages_up_and_down(self, quantity: Decimal, size: int) -> None:
        up = Tariff("PACKAGE", D(3), divide_by=D(size)).cost(quantity) / 3
        down = Tariff("PACKAGE", D(3), divide_by=D(size), round_down=True).cost(quantity) / 3
        assert up - down in (0, 1)
        assert down * size <= quantity <= up * size

    def test_rounding_up_is_the_default(self) -> None:
        price = {"billing_model": "PACKAGE", "amount": "2.5", "transform_quantity": {"divide_by": 100}}
        assert Tariff.of(price).cost(D(101)) == 5

    def test_buckets_are_priced_one_by_one(self) -> None:
        tariff = Tariff("PACKAGE", D(1), divide_by=D(10))
        assert bucketed_cost(tariff, [D(8), D(12)]) == 3


class TestRounding:
    @pytest.mark.parametrize(
        ("amount", "currency", "rounded"),
        [("1.005", "usd", "1.01"), ("-1.005", "usd", "-1.01"), ("0.0049999", "usd", "0"), ("0.5", "jpy", "1"),
         ("0.4999", "jpy", "0"), ("0.0005", "kwd", "0.001"), ("0.0005", "bhd", "0"), ("0.00005", "clf", "0.0001"),
         ("0.125", "EUR", "0.13")],
    )  # fmt: skip
    def test_half_away_from_zero_at_the_currency(self, amount: str, currency: str, rounded: str) -> None:
        assert to_currency(D(amount), currency) == D(rounded)

    @given(AMOUNTS, CURRENCIES)
    def test_it_is_never_off_by_more_than_half_a_unit_and_stays(self, amount: Decimal, currency: str) -> None:
        once = to_currency(amount, currency)
        assert abs(once - amount) <= D(1).scaleb(-places(currency)) / 2
        assert to_currency(once, currency) == once

    def test_stored_quantities_have_eight_decimals(self) -> None:
        assert stored(D("1.24691367802469")) == D("1.24691368")

    def test_no_digit_of_a_long_product_is_lost(self) -> None:
        quantity, amount = D("12345678901234567890.123456789012345"), D("0.333333333333")
        cost = Tariff("FLAT_FEE", amount).cost(quantity)

        @exact
        def product() -> Decimal:
            return quantity * amount

        assert cost == product()
        assert len(cost.as_tuple().digits) > 40


START = datetime(2026, 5, 1, tzinfo=UTC)


def window(daily: list[str], period: str = "MONTHLY", before: str = "0") -> Window:
    """A window whose days have these quantities."""

    def usage(start: datetime, end: datetime) -> Decimal:
        earlier = D(before) if start < START else ZERO
        first, last = max((start - START).days, 0), -(-(end - START) // timedelta(days=1))
        return earlier + sum((D(value) for value in daily[first:last]), ZERO)

    return Window(START, START + timedelta(days=len(daily)), period, START - timedelta(days=60), START, usage)


class TestAllowances:
    @pytest.mark.parametrize(
        ("limit", "used", "payable"),
        [
            ("10", "5", "0"),
            ("10", "10", "0"),
            ("10", "11", "1"),
            ("10", "25.5", "15.5"),
            ("0", "25", "25"),
            (None, "25", "0"),
        ],
    )
    def test_it_comes_off_the_usage(self, limit: str | None, used: str, payable: str) -> None:
        granted = Allowance(None if limit is None else D(limit), "MONTHLY")
        assert allowance.billable(granted, D(used), window([used])) == D(payable)

    def test_a_daily_one_is_not_carried_over(self) -> None:
        assert allowance.billable(Allowance(D(10), "DAILY"), D(31), window(["15", "4", "12"])) == 7

    def test_a_monthly_one_in_a_longer_period_counts_by_month(self) -> None:
        months = ["30"] + ["0"] * 30 + ["5"] + ["0"] * 29
        assert allowance.billable(Allowance(D(10), "MONTHLY"), D(35), window(months, "QUARTERLY")) == 20

    def test_one_that_never_resets_is_whole_in_every_period(self) -> None:
        granted = Allowance(D(10), "NEVER")
        assert allowance.billable(granted, D(5), window(["5"], before="8")) == 0
        assert allowance.billable(granted, D(15), window(["15"], before="80")) == 5

    def test_two_add_up_and_one_without_limit_frees_everything(self) -> None:
        assert allowance.combine([Allowance(D(1), "MONTHLY"), Allowance(D(2), "MONTHLY")]) == Allowance(D(3), "MONTHLY")
        assert allowance.combine([Allowance(D(1), "MONTHLY"), Allowance(None, "MONTHLY")]) == Allowance(None, "MONTHLY")
        assert allowance.combine([]) is None

    @given(QUANTITIES, QUANTITIES)
    def test_free_and_payable_are_all_there_is(self, limit: Decimal, used: Decimal) -> None:
        payable = allowance.billable(Allowance(limit, "MONTHLY"), used, window([str(used)]))
        assert 0 <= payable <= used
        assert used - payable <= limit


class TestCommitments:
    def charge(self, quantity: str) -> Charge:
        return Charge(D(quantity), D(quantity) / 2, D("0.5"))

    def test_usage_above_it_costs_more(self) -> None:
        (part,) = commitment.split([self.charge("50")], D(10), D("1.5"))
        assert part.within == Charge(D(20), D(10), D("0.5"))
        assert part.overage == Charge(D(30), D("22.5"), D("0.5"))

    def test_it_is_filled_in_order(self) -> None:
        first, second, third = commitment.split([self.charge(q) for q in ("12", "12", "2")], D(10), D(2))
        assert (first.overage, third.within) == (None, None)
        assert second.within == Charge(D(8), D(4), D("0.5"))
        assert second.overage == Charge(D(4), D(4), D("0.5"))
        assert third.overage == Charge(D(2), D(2), D("0.5"))

    def test_the_crossing_charge_is_cut_at_a_whole_unit_and_what_is_left_goes_on(self) -> None:
        crossing, small = Charge(D(5), D(15), D(3)), Charge(D(1), D(1), D(1))
        first, second = commitment.split([crossing, small], D(10), D(2))
        assert first.within == Charge(D(3), D(9), D(3))
        assert first.overage == Charge(D(2), D(12), D(3))
        assert (second.within, second.overage) == (small, None)

    @given(st.lists(st.decimals(min_value=0, max_value=1000, places=2), max_size=5), AMOUNTS)
    def test_with_factor_one_nothing_changes(self, quantities: list[Decimal], committed: Decimal) -> None:
        charges = [Charge(q, q * 3, D(3)) for q in quantities]
        parts = commitment.split(charges, committed, D(1))
        pieces = [piece for part in parts for piece in (part.within, part.overage) if piece is not None]
        assert sum((piece.cost for piece in pieces), ZERO) == sum((charge.cost for charge in charges), ZERO)
        assert sum((part.within.cost for part in parts if part.within), ZERO) <= committed

    @pytest.mark.parametrize(
        ("cost", "true_up", "amount", "missing", "overage", "utilized"),
        [("2", True, "10", "8", "0", "2"), ("2", False, "2", "0", "0", "2"), ("25", True, "40", "0", "30", "10")],
    )
    def test_of_one_line(
        self, cost: str, true_up: bool, amount: str, missing: str, overage: str, utilized: str
    ) -> None:
        agreed = LineCommitment(amount=D(10), overage_factor=D(2), true_up=true_up)
        outcome = commitment.of_line(agreed, D(cost), D(10))
        assert outcome == commitment.LineOutcome(D(amount), D(missing), D(overage), D(utilized))

    def test_of_each_bucket(self) -> None:
        agreed = LineCommitment(amount=D(10), overage_factor=D(2), true_up=True, windowed=True)
        assert commitment.of_windows(agreed, [D(2), D(25)], D(10)).amount == 50

    def test_a_committed_quantity_is_priced_by_the_line(self) -> None:
        agreed = LineCommitment(kind="quantity", quantity=D(20))
        assert agreed.committed(Tariff("FLAT_FEE", D("0.5"))) == 10


class TestDeductions:
    def test_coupons_never_exceed_the_price(self) -> None:
        assert coupon.discount({"type": "fixed", "amount_off": "50"}, D("16.5"), "usd") == D("16.5")
        assert coupon.discount({"type": "percentage", "percentage_off": "10"}, D("16.5"), "usd") == D("1.65")
        assert coupon.discount({"type": "fixed", "amount_off": "5"}, D(-3), "usd") == 0

    @given(st.lists(st.decimals(min_value=0, max_value=1000, places=2), max_size=6), st.integers(0, 100))
    def test_a_discount_is_spread_without_a_rest(self, amounts: list[Decimal], percent: int) -> None:
        total = sum(amounts, ZERO)
        off = coupon.discount({"type": "percentage", "percentage_off": percent}, total, "usd")
        shares = coupon.spread(off, amounts, "usd")
        assert sum(shares, ZERO) == off
        assert all(share >= 0 for share in shares)

    @pytest.mark.parametrize(
        ("cadence", "used", "applies"), [("once", 1, True), ("once", 2, False), ("forever", 99, True),
                                         ("repeated", 2, True), ("repeated", 3, False)],
    )  # fmt: skip
    def test_how_often_a_coupon_applies(self, cadence: str, used: int, applies: bool) -> None:
        assert coupon.applies({"cadence": cadence, "duration_in_periods": 3}, used) is applies

    def test_tax_is_rounded_and_never_negative(self) -> None:
        rate = {"tax_rate_type": "percentage", "percentage_value": "8.25"}
        assert tax.amount(rate, D("16.5"), "usd") == D("1.36")
        assert tax.amount(rate, D(0), "usd") == 0
        assert tax.amount({"tax_rate_type": "fixed", "fixed_value": "2"}, D(9), "usd") == 2
