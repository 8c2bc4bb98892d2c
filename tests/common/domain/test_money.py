"""Values of contracts against figures of the real exchange."""

from __future__ import annotations

from decimal import Decimal

import pytest

from common.domain.instruments import Category, Instrument, Symbol
from common.domain.money import amount, closing_value, on_tick, trade_value


def instrument(category: Category, multiplier: int, lot: int, per_unit: int = 1) -> Instrument:
    return Instrument(
        symbol=Symbol("X", category),
        tradable=True,
        state="Open",
        tick_size=Decimal("0.1"),
        lot_size=lot,
        multiplier=multiplier,
        contracts_per_unit=per_unit,
        quote_currency="USD",
        settlement_currency="XBt",
        base_currency="XBT",
    )


INVERSE = instrument(Category.INVERSE, -100_000_000, 100)
LINEAR = instrument(Category.LINEAR, 1, 100, 1_000_000)
QUANTO = instrument(Category.QUANTO, 100, 1)
SPOT = instrument(Category.SPOT, 1, 1000, 100_000_000)


@pytest.mark.parametrize(
    ("traded", "price", "quantity", "scale", "value"),
    [
        (INVERSE, "78175.02", 182_340_800, 8, 233_246_704_544),
        (INVERSE, "78173.24", 1_438_000, 8, 1_839_503_980),
        (INVERSE, "93208", 100, 8, 107_287),
        (LINEAR, "78190.32", 226_895_000, 6, -17_740_992_656_400),
        (QUANTO, "2302.23", 106_520, 8, -24_523_353_960),
        (SPOT, "94952", 10_000, 6, -9_495_200),
    ],
)
def test_a_trade_is_worth_what_the_exchange_counted(
    traded: Instrument, price: str, quantity: int, scale: int, value: int
) -> None:
    assert trade_value(traded, Decimal(price), quantity, scale) == value
    assert trade_value(traded, Decimal(price), -quantity, scale) == -value


def test_a_round_trip_of_an_inverse_contract_loses_when_the_price_falls() -> None:
    bought = trade_value(INVERSE, Decimal(50_000), 100, 8)
    assert bought + closing_value(INVERSE, Decimal(40_000), 100, 8) == -50_000


def test_a_flat_position_is_worth_nothing() -> None:
    assert closing_value(LINEAR, Decimal(1), 0, 6) == 0


def test_units_become_exact_decimals() -> None:
    assert str(amount(123, 8)) == "0.00000123"
    assert str(amount(-(10**20) - 1, 8)) == "-1000000000000.00000001"


def test_the_tick_grid() -> None:
    assert on_tick(Decimal("100.5"), Decimal("0.1"))
    assert not on_tick(Decimal("100.55"), Decimal("0.1"))
    assert on_tick(Decimal("1e-9"), Decimal("1e-9"))
