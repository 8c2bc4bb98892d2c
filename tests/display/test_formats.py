from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain.instruments import Instrument
from display.formats import (
    average_text,
    leverage_text,
    money_text,
    price_text,
    quantity_text,
    rate_text,
    time_text,
)
from tests.display.support import ETHUSD, NOW, SOLUSDT, XBT_USDT, XBTUSD, XBTUSDT


@pytest.mark.parametrize(
    ("price", "figures", "text"),
    [
        ("68412", XBTUSDT, "68412.0"),
        ("68412.5", XBTUSDT, "68412.5"),
        ("171.3", SOLUSDT, "171.30"),
        ("2731.05", ETHUSD, "2731.05"),
        ("1E+5", XBTUSD, "100000.0"),
        ("68412.123", XBTUSDT, "68412.123"),
    ],
)
def test_prices_have_the_decimals_of_the_tick_and_hide_no_digit(
    price: str, figures: Instrument, text: str
) -> None:
    assert price_text(Decimal(price), figures) == text


def test_an_average_price_is_rounded_to_the_tick_decimals() -> None:
    assert average_text(Decimal("68409.166667"), XBTUSDT) == "68409.2"
    assert average_text(None, XBTUSDT) == "-"


def test_a_price_without_its_instrument_is_shown_as_it_is() -> None:
    assert price_text(Decimal("1E-7"), None) == "0.0000001"
    assert price_text(None, None) == "-"


def test_contracts_are_shown_in_the_unit_of_the_screen() -> None:
    assert quantity_text(1000, XBTUSDT) == "0.001"
    assert quantity_text(-250_000, XBTUSDT) == "-0.250"
    assert quantity_text(98_765_432_100, XBTUSD) == "98765432100"
    assert quantity_text(0, XBT_USDT) == "0.00000"
    assert quantity_text(None, XBTUSD) == "-"
    assert quantity_text(1234, None) == "1234"


def test_a_quantity_that_is_no_multiple_of_the_lot_keeps_all_its_digits() -> None:
    assert quantity_text(1001, XBTUSDT) == "0.001001"


def test_no_quantity_is_shown_with_an_exponent() -> None:
    tiny = replace(XBTUSDT, lot_size=1, contracts_per_unit=10**8)
    assert quantity_text(1, tiny) == "0.00000001"
    assert quantity_text(10**20, tiny) == "1000000000000.00000000"


def test_v6_money_shows_every_smallest_unit_and_no_figure_becomes_a_word() -> None:
    assert money_text(100_000_000, 8) == "1.00000000"
    assert money_text(100_000_000, 0) == "100000000"
    assert money_text(1, 8) == "0.00000001"
    assert money_text(-123_456_789_012, 8) == "-1234.56789012"
    assert money_text(12_345_678, 6, signed=True) == "+12.345678"
    assert money_text(0, 6, signed=True) == "0.000000"
    assert money_text(7, 0) == "7"
    assert money_text(None, 8) == "-"


@given(st.integers(-(10**30), 10**30), st.integers(0, 18))
def test_money_texts_read_back_as_the_same_integer(amount: int, scale: int) -> None:
    text = money_text(amount, scale)
    assert int(text.replace(".", "")) == amount
    assert len(text.partition(".")[2]) == scale
    assert "E" not in text


def test_funding_rates_are_per_cent_with_a_sign() -> None:
    assert rate_text(Decimal("0.0001")) == "+0.0100%"
    assert rate_text(Decimal("-0.000127")) == "-0.0127%"
    assert rate_text(None) == "-"
    assert leverage_text(Decimal("2.5")) == "2.50"


def test_times_are_shown_to_the_second() -> None:
    assert time_text(NOW) == "2026-11-23 04:05:06"
