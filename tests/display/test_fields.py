from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain.instruments import Instrument
from common.domain.market import Book
from common.domain.orders import Side
from common.domain.robots import Status
from display.fields import (
    FieldError,
    check_bot,
    emi_choices,
    far_from_book,
    parse_decimal,
    parse_price,
    parse_quantity,
    second_thought,
    step_price,
    step_quantity,
)
from display.formats import quantity_text
from tests.display import support
from tests.display.support import ETHUSD, MARKET, SOLUSDT, XBTUSD, XBTUSDT


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("68412.5", "68412.5"),
        ("68412,5", "68412.5"),
        (" 68412.5\n", "68412.5"),
        ("68 412,5", "68412.5"),
        ("68\u00a0412.5", "68412.5"),
        ("68'412.5", "68412.5"),
        ("68,412.5", "68412.5"),
        ("68.412,5", "68412.5"),
        ("1,234,567", "1234567"),
        ("1.234.567", "1234567"),
        ("0,001", "0.001"),
        (".5", "0.5"),
        ("1.234", "1.234"),
        ("\u0661\u0662\u066b\u0665", "12.5"),  # Arabic digits and decimal separator
        ("\u0967\u0968", "12"),  # Devanagari
    ],
)
def test_u8_numbers_are_read_as_people_write_them(text: str, number: str) -> None:
    assert parse_decimal(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "-1", "\u22121", "1e5", "NaN", "inf", "1.2.3", "1,2,3", "12 x", "+5", "9" * 19],
)
def test_u8_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(FieldError):
        parse_decimal(text)


def test_u8_a_comma_that_could_mean_thousands_is_asked_about() -> None:
    with pytest.raises(FieldError, match=r"68,500 has two meanings: write 68500 or 68\.500"):
        parse_decimal("68,500")


def test_a_price_off_the_tick_names_its_neighbours() -> None:
    with pytest.raises(FieldError, match=r"not on the tick of 0\.5: 68411\.0 or 68411\.5"):
        parse_price("68411.3", XBTUSDT)
    assert parse_price("68411,5", XBTUSDT) == Decimal("68411.5")


@pytest.mark.parametrize("text", ["0", "0.00", "1000000.5"])
def test_prices_outside_the_limits_are_refused(text: str) -> None:
    with pytest.raises(FieldError):
        parse_price(text, XBTUSDT)


def test_m16_quantities_become_contracts_exactly() -> None:
    assert parse_quantity("0.001", XBTUSDT) == 1000
    assert parse_quantity("0,29", XBTUSDT) == 290_000
    assert parse_quantity("1.003", XBTUSDT) == 1_003_000  # times a million as floats: a lot less
    assert parse_quantity("300", XBTUSD) == 300


@pytest.mark.parametrize(("text", "figures"), [("0.0015", XBTUSDT), ("150", XBTUSD), ("0", ETHUSD)])
def test_quantities_off_the_lot_are_refused(text: str, figures: Instrument) -> None:
    with pytest.raises(FieldError):
        parse_quantity(text, figures)


def test_a_quantity_above_the_largest_order_is_refused() -> None:
    with pytest.raises(FieldError, match=r"above the largest order, 0\.002"):
        parse_quantity("0.003", replace(XBTUSDT, max_quantity=2000))


@given(st.integers(1, 10**7), st.sampled_from(support.INSTRUMENTS))
def test_m16_every_shown_quantity_reads_back_as_the_same_contracts(
    lots: int, figures: Instrument
) -> None:
    contracts = lots * figures.lot_size
    unlimited = replace(figures, max_quantity=None)
    assert parse_quantity(quantity_text(contracts, figures), unlimited) == contracts


@given(st.text(max_size=24) | st.from_regex(r"[0-9.,' ]{1,24}"))
def test_any_text_is_a_number_or_a_sentence(text: str) -> None:
    for figures in support.INSTRUMENTS:
        for read in (parse_price, parse_quantity):
            try:
                value = read(text, figures)
            except FieldError as error:
                assert str(error)
            else:
                assert value > 0
        assert step_quantity(text, figures, 1)
        step_price(text, figures, -1, None)


def test_steps_move_along_the_tick_grid() -> None:
    assert step_price("68411.0", XBTUSDT, 1, None) == "68411.5"
    assert step_price("68411.3", XBTUSDT, 1, None) == "68411.5"
    assert step_price("68411.3", XBTUSDT, -1, None) == "68411.0"
    assert step_price("0.5", XBTUSDT, -1, None) == "0.5"
    assert step_price("", XBTUSDT, 1, Decimal("68412.5")) == "68412.5"


def test_steps_of_quantity_are_lots() -> None:
    assert step_quantity("0.001", XBTUSDT, 1) == "0.002"
    assert step_quantity("0.001", XBTUSDT, -1) == "0.001"
    assert step_quantity("", XBTUSDT, 1) == "0.001"
    assert step_quantity("250", XBTUSD, -1) == "200"


def test_bots_that_can_trade_a_symbol_are_offered() -> None:
    names = [robot.emi for robot in emi_choices(support.robots(), MARKET, XBTUSDT.symbol)]
    assert names == ["myBot", "leftover", "grid00", "grid06", "XBTUSDT.linear"]
    names = [robot.emi for robot in emi_choices(support.robots(), MARKET, SOLUSDT.symbol)]
    assert "forgotten" not in names
    assert emi_choices(support.robots(), "Other", XBTUSDT.symbol) == []


@pytest.mark.parametrize("status", [Status.NOT_DEFINED, Status.ERROR])
def test_a_bot_that_nobody_runs_is_offered_only_with_a_position(status: Status) -> None:
    flat = support.robot_row("left", XBTUSDT, status, 0)
    assert emi_choices([flat], MARKET, XBTUSDT.symbol) == []
    long = support.robot_row("left", XBTUSDT, status, 5000)
    assert emi_choices([long], MARKET, XBTUSDT.symbol) == [long]


@pytest.mark.parametrize("status", [Status.NOT_DEFINED, Status.ERROR])
def test_a_bot_that_nobody_runs_can_only_be_closed(status: Status) -> None:
    long = support.robot_row("left", XBTUSDT, status, 5000)
    check_bot(long, Side.SELL, 5000)
    for side, contracts in ((Side.BUY, 1000), (Side.SELL, 6000)):
        with pytest.raises(FieldError, match=r"only Sell up to 0\.005 closes it"):
            check_bot(long, side, contracts)
    short = support.robot_row("left", XBTUSDT, status, -5000)
    check_bot(short, Side.BUY, 1000)
    check_bot(support.robot_row("bot", XBTUSDT, Status.OFF), Side.BUY, 10**9)


def test_a_price_far_through_the_book_is_asked_about() -> None:
    book = Book(bids=((Decimal(100), 1),), asks=((Decimal(101), 1),))
    assert far_from_book(Side.BUY, Decimal(106), book) is None
    assert "5.9 % above the best ask" in (far_from_book(Side.BUY, Decimal(107), book) or "")
    assert "6.0 % below the best bid" in (far_from_book(Side.SELL, Decimal(94), book) or "")
    assert far_from_book(Side.SELL, Decimal(1000), book) is None
    assert far_from_book(Side.BUY, Decimal(1000), Book()) is None


def test_u10_a_slip_of_the_hand_names_its_cost_in_money() -> None:
    book = Book(((Decimal(100), 1),), ((Decimal(101), 1),))
    robot = support.robot_row("myBot")
    asked = second_thought(Side.BUY, Decimal(110), 1000, book, XBTUSDT, robot)
    # 1000 contracts x 9 USDT x multiplier 1, in millionths of a USDt
    assert asked == (
        "8.9 % above the best ask, 101: up to 0.009000 USDt worse. Press again to send."
    )
    assert second_thought(Side.BUY, Decimal(102), 1000, book, XBTUSDT, robot) is None


@pytest.mark.parametrize(
    ("position", "side", "asked"),
    [
        (1000, Side.SELL, True),
        (-1000, Side.BUY, True),
        (2000, Side.SELL, False),
        (3000, Side.SELL, False),
        (1000, Side.BUY, False),
        (0, Side.SELL, False),
    ],
)
def test_u10_an_order_that_turns_a_bots_position_is_asked_about(
    position: int, side: Side, asked: bool
) -> None:
    robot = support.robot_row("myBot", position=position)
    question = second_thought(side, Decimal(100), 2000, Book(), XBTUSDT, robot)
    assert (question is not None) is asked
    if question:
        assert "this turns myBot from" in question
