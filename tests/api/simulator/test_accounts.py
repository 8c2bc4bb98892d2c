from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.simulator.accounts import Account, BooksDoNotBalance, Position, check_books
from api.simulator.contracts import BUY, SELL, Contract, perpetuals_and_spot
from api.simulator.margin import OpenOrders, maintenance_margin, order_margin
from api.simulator.orders import Order, average_price
from api.simulator.rows import entry_price

ALL = {contract.symbol: contract for contract in perpetuals_and_spot()}
XBTUSD, XBTUSDT = ALL["XBTUSD"], ALL["XBTUSDT"]

FILLS = st.lists(
    st.tuples(st.sampled_from((BUY, SELL)), st.integers(400_000, 900_000), st.integers(1, 40)),
    min_size=1,
    max_size=30,
)


def test_flat_round_trip_earns_minus_the_sum_of_its_costs() -> None:
    inverse, linear = Position(XBTUSD), Position(XBTUSDT)
    inverse.fill(100, XBTUSD.cost(BUY, 500_000, 100))
    assert inverse.fill(-100, XBTUSD.cost(SELL, 400_000, 100)) == -50_000
    linear.fill(100, XBTUSDT.cost(BUY, 500_000, 100))
    assert linear.fill(-100, XBTUSDT.cost(SELL, 400_000, 100)) == -1_000_000


@given(st.sampled_from((XBTUSD, XBTUSDT)), FILLS)
def test_profit_and_cost_always_sum_to_the_costs_of_all_fills(
    contract: Contract, fills: list[tuple[int, int, int]]
) -> None:
    position, profit, costs, held = Position(contract), 0, 0, 0
    for side, ticks, lots in fills:
        cost = contract.cost(side, ticks, lots * contract.lot)
        profit += position.fill(side * lots * contract.lot, cost)
        costs += cost
        held += side * lots * contract.lot
        assert position.quantity == held
        assert profit == position.cost - costs
        assert (position.cost == 0) == (held == 0)


def test_turning_a_position_starts_it_at_the_price_of_the_turn() -> None:
    position = Position(XBTUSDT)
    position.fill(200, XBTUSDT.cost(BUY, 500_000, 200))
    profit = position.fill(-300, XBTUSDT.cost(SELL, 510_000, 300))
    assert profit == 200 * 1_000
    assert (position.quantity, position.cost) == (-100, -5_100_000)
    assert entry_price(position) == 51_000.0


def test_entry_price_of_an_inverse_short_is_the_real_one() -> None:
    position = Position(XBTUSD, quantity=-1_438_000, cost=1_951_105_699)
    assert entry_price(position) == 73_701.7438


def test_entry_price_of_a_linear_long_is_the_real_one() -> None:
    assert entry_price(Position(XBTUSDT, quantity=100, cost=8_639_330)) == 86_393.3


@pytest.mark.parametrize(
    ("quantity", "cost", "rate_ppm", "margin"),
    [
        # A short pays a negative rate: 0.005 + 0.000024; a positive one it receives.
        (-1_438_000, 1_951_105_699, -24, 9_802_356),
        (-1_438_000, 1_951_105_699, 47, 9_755_529),
        (100, 8_639_330, 100, 44_061),
    ],
)
def test_maintenance_margin_loads_the_rate_on_the_paying_side(
    quantity: int, cost: int, rate_ppm: int, margin: int
) -> None:
    contract = XBTUSD if quantity < 0 else XBTUSDT
    assert maintenance_margin(Position(contract, quantity, cost), rate_ppm) == margin


def test_order_margin_is_the_real_one() -> None:
    position = Position(XBTUSD)
    assert order_margin(XBTUSD, position, 673_220_800) == 7_408_795
    assert order_margin(XBTUSD, position, 107_287) == 1_181


def test_orders_bind_margin_only_beyond_the_position_they_would_close() -> None:
    orders = OpenOrders(buy_quantity=2_480_000, buy_cost=-5_854_074_600)
    assert orders.excess_cost(-998_000) == 3_498_281_677
    assert orders.excess_cost(-2_480_000) == 0


def test_average_price_of_an_inverse_order_is_harmonic() -> None:
    order = Order(
        order_id="a",
        account=1,
        symbol="XBTUSD",
        side=BUY,
        quantity=200,
        leaves=200,
        ticks=None,
        kind="Market",
        time_in_force="ImmediateOrCancel",
    )
    order.fill(500_000, 100)
    assert average_price(order, XBTUSD) == 50_000.0
    order.fill(1_000_000, 100)
    assert average_price(order, XBTUSD) == 66_666.6667
    assert average_price(order, XBTUSDT) == 75_000.0


def test_books_that_do_not_balance_are_a_defect() -> None:
    one, two = Account(1, "one", house=True), Account(2, "two")
    one.credit("XBt", -50)
    two.credit("XBt", 150)
    check_books([one, two], {"XBt": 100})
    with pytest.raises(BooksDoNotBalance, match="deposited was"):
        check_books([one, two], {"XBt": 101})
    two.position(XBTUSD).quantity = 100
    with pytest.raises(BooksDoNotBalance, match="positions"):
        check_books([one, two], {"XBt": 100})
