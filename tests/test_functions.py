"""Rounding to the tick, and the order calls."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions import Function, ticksize_rounding

TICKS = [Decimal(1).scaleb(-n) * m for n in range(13) for m in (1, 2, 5, 25)]
TICKS += [Decimal(n) for n in (1, 2, 5, 10, 25, 100, 500, 1000)]
ticks = st.sampled_from(sorted(set(TICKS)))
counts = st.integers(0, 10**11)
prices = st.floats(0, 1e7, allow_nan=False)


@given(ticks, counts)
def test_m15_a_price_on_the_tick_stays(tick: Decimal, count: int) -> None:
    price = float(tick * count)
    assert ticksize_rounding(price=price, ticksize=float(tick)) == price


@given(ticks, prices)
def test_the_result_is_the_nearest_tick(tick: Decimal, price: float) -> None:
    rounded = Decimal(str(ticksize_rounding(price=price, ticksize=float(tick))))
    exact = Decimal(str(price))
    # Beyond 15 digits a float cannot hold the grid itself.
    slack = exact * Decimal("1e-15")
    assert abs(rounded - exact) <= tick / 2 + slack
    assert abs(rounded - (rounded / tick).to_integral_value() * tick) <= slack


@given(ticks, st.integers(1, 10**8), st.floats(0, 1e4, allow_nan=False))
def test_rounding_never_crosses_the_quote_it_moves_away_from(
    tick: Decimal, count: int, indent: float
) -> None:
    quote = float(tick * count)
    assert ticksize_rounding(price=quote + indent, ticksize=float(tick)) >= quote
    assert ticksize_rounding(price=quote - indent, ticksize=float(tick)) <= quote


@pytest.mark.parametrize(
    ("price", "tick", "rounded"),
    [
        (50000.1 + 0.2, 0.1, 50000.3),
        (0.1 + 0.2, 0.1, 0.3),
        (100.25, 0.5, 100.5),  # halfway: upwards
        (100.75, 0.5, 101.0),
        (100.24, 0.5, 100.0),
        (1e-12, 1e-12, 1e-12),
        (1234.0, 1000.0, 1000.0),
        (7, 5, 5.0),
    ],
)
def test_known_roundings(price: float, tick: float, rounded: float) -> None:
    assert ticksize_rounding(price=price, ticksize=tick) == rounded


@pytest.mark.parametrize(
    ("price", "tick"), [(math.nan, 0.5), (math.inf, 0.5), (1.0, 0.0), (1.0, -1.0), (1.0, math.nan)]
)
def test_senseless_arguments_are_named(price: float, tick: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        ticksize_rounding(price=price, ticksize=tick)


class Recorder:
    """Takes order calls as an order desk does."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, object]]] = []

    def post_order(self, **named: object) -> str:
        self.calls.append(("post", named))
        return "1.bot"

    def put_order(self, **named: object) -> str:
        self.calls.append(("put", named))
        return "1.bot"

    def del_order(self, **named: object) -> str:
        self.calls.append(("del", named))
        return ""


def test_order_calls_reach_the_desk_they_name() -> None:
    desk = Recorder()
    order = {"name": "M", "symbol": "S", "emi": "bot", "side": "Buy", "price": 1.5, "qty": 2.0}
    assert Function.post_order(desk, **order) == "1.bot"  # type: ignore[arg-type]
    assert Function.put_order(desk, clOrdID="1.bot", price=2.0, qty=3) == "1.bot"
    assert Function.del_order(desk, clOrdID="1.bot") == ""
    assert desk.calls == [
        ("post", order),
        ("put", {"clOrdID": "1.bot", "price": 2.0, "qty": 3}),
        ("del", {"clOrdID": "1.bot"}),
    ]
