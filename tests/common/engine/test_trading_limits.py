"""Limits of the settings: size, value, price and position of an order, and a bot's pace."""

from __future__ import annotations

from decimal import Decimal

import pytest

from common.domain.market import Ticker
from common.domain.orders import Side
from common.domain.trading_limits import TradingLimits
from common.engine.desk import INTENT_LIFE
from common.engine.orders import Change
from common.engine.requests import SendAmend, SendCancel, SendOrder
from common.errors import OrderRefused, Overloaded
from tests.common.engine.support import XBTUSDT, accepted, order
from tests.common.engine.test_desk import Bench

BOOK = Ticker(XBTUSDT, bid=Decimal(100), ask=Decimal(101))


def bench_with(**limits: object) -> Bench:
    bench = Bench(TradingLimits(**limits))  # type: ignore[arg-type]
    bench.gateway.tickers[XBTUSDT] = BOOK
    bench.state.robots["bot1"] = bench.rich()
    return bench


@pytest.mark.parametrize(
    ("side", "price"), [(Side.BUY, "106.1"), (Side.SELL, "94.9"), (Side.BUY, "1000")]
)
def test_m8_a_bots_price_far_through_the_book_is_refused(side: Side, price: str) -> None:
    bench = bench_with()
    with pytest.raises(OrderRefused, match="PRICE_BAND_PERCENT, 5"):
        bench.desk.place(bench.ask(side=side, price=price, event=None))
    assert bench.ledger.of("intent") == []


@pytest.mark.parametrize(
    ("side", "price"),
    [(Side.BUY, "106"), (Side.SELL, "95"), (Side.BUY, "1"), (Side.SELL, "5000")],
)
def test_a_price_within_the_band_or_far_from_the_market_is_taken(side: Side, price: str) -> None:
    bench = bench_with()
    bench.desk.place(bench.ask(side=side, price=price, event=None))


def test_the_band_is_no_matter_where_it_is_0() -> None:
    bench = bench_with(price_band=Decimal(0))
    bench.desk.place(bench.ask(price="1000", event=None))


def test_without_a_book_the_last_price_is_the_measure() -> None:
    bench = bench_with()
    bench.gateway.tickers[XBTUSDT] = Ticker(XBTUSDT, last=Decimal(100))
    with pytest.raises(OrderRefused, match="worse than 100"):
        bench.desk.place(bench.ask(price="106", event=None))


def test_a_person_decides_about_the_price_alone() -> None:
    bench = bench_with()
    bench.desk.place(bench.ask(price="1000", event=5))


@pytest.mark.parametrize("event", [None, 5])
def test_m8_an_order_of_too_many_lots_is_refused(event: int | None) -> None:
    bench = bench_with(order_lots=3)
    bench.desk.place(bench.ask(quantity=300, event=event))
    with pytest.raises(OrderRefused, match="MAX_ORDER_LOTS, 3 lots"):
        bench.desk.place(bench.ask(quantity=400, event=event))


@pytest.mark.parametrize("event", [None, 5])
def test_m8_an_order_of_too_great_a_value_is_refused(event: int | None) -> None:
    # 100 contracts of 0.000001 XBT at 100.5 are worth 0.01005 USDT.
    bench = bench_with(order_value=Decimal("0.0201"))
    bench.desk.place(bench.ask(quantity=200, event=event))
    with pytest.raises(OrderRefused, match=r"worth 0\.030150 USDt is more than MAX_ORDER_VALUE"):
        bench.desk.place(bench.ask(quantity=300, event=event))


def test_an_amendment_is_measured_like_an_order() -> None:
    bench = bench_with(order_lots=3)
    key = bench.open_order(event=None)
    with pytest.raises(OrderRefused, match="MAX_ORDER_LOTS"):
        bench.desk.amend(key, Change(None, 400, bot=True))
    with pytest.raises(OrderRefused, match="PRICE_BAND_PERCENT"):
        bench.desk.amend(key, Change(Decimal(500), None, bot=True))


@pytest.mark.parametrize("event", [None, 5])
def test_m8_no_order_carries_a_bot_beyond_the_positions_limit(event: int | None) -> None:
    bench = bench_with(position_lots=2)
    bench.desk.place(bench.ask(quantity=200, event=event))
    with pytest.raises(OrderRefused, match="MAX_POSITION_LOTS, 2 lots"):
        bench.desk.place(bench.ask(quantity=100, event=event))
    bench.desk.place(bench.ask(side=Side.SELL, quantity=200, event=event))


def test_m8_a_bots_pace_is_limited_and_a_persons_is_not() -> None:
    bench = bench_with(bot_requests=3)
    for _ in range(3):
        bench.desk.place(bench.ask(event=None))
    with pytest.raises(OrderRefused, match="more than 3 order requests in a minute"):
        bench.desk.place(bench.ask(event=None))
    bench.desk.place(bench.ask(event=7))
    bench.clock.seconds += 61
    bench.desk.place(bench.ask(event=None))


@pytest.mark.parametrize("event", [None, 7])
def test_what_waits_too_long_behind_other_requests_does_not_leave(event: int | None) -> None:
    """A click of ten seconds ago is a wish of ten seconds ago."""
    bench = bench_with()
    key = bench.open_order(event=event)
    placed = bench.gateway.last(SendOrder)[1]
    bench.clock.seconds += INTENT_LIFE - 1
    bench.desk.amend(key, Change(Decimal("100.6"), None, event, bot=event is None))
    bench.durable()
    moved = bench.gateway.last(SendAmend)[1]
    assert isinstance(placed, SendOrder)
    assert isinstance(moved, SendAmend)
    assert placed.permit is not None
    assert moved.permit is not None
    assert (placed.permit.refusal(), moved.permit.refusal()) == ("", "")
    bench.clock.seconds += 1.1
    assert "waited too long" in placed.permit.refusal()
    assert moved.permit.refusal() == ""
    bench.clock.seconds += INTENT_LIFE
    assert "waited too long" in moved.permit.refusal()


def test_i23_a_change_under_way_counts_as_if_it_stood() -> None:
    bench = bench_with(position_lots=3)
    key = bench.open_order(event=None)
    bench.desk.amend(key, Change(None, 300, bot=True))
    with pytest.raises(OrderRefused, match="MAX_POSITION_LOTS, 3 lots"):
        bench.desk.place(bench.ask(event=None))
    bench.desk.amend(key, Change(None, 200, bot=True))  # waits for the answer; 300 may stand still
    with pytest.raises(OrderRefused, match="MAX_POSITION_LOTS, 3 lots"):
        bench.desk.place(bench.ask(event=None))


def test_m8_changes_that_wait_count_once_and_when_one_of_them_leaves() -> None:
    bench = bench_with(bot_requests=3)
    key = bench.open_order(event=None)
    bench.desk.amend(key, Change(Decimal("100.6"), None, bot=True))
    for tenth in range(5):  # each takes the place of the one before
        bench.desk.amend(key, Change(Decimal(f"100.{tenth}"), None, bot=True))
    bench.durable()
    number, request = bench.gateway.last(SendAmend)
    moved = order(key, f"o-{key}", price="100.6", seconds=3)
    bench.desk.wire.replied(accepted(number, request, moved))
    bench.durable()
    assert bench.gateway.count(SendAmend) == 2
    with pytest.raises(OrderRefused, match="more than 3 order requests in a minute"):
        bench.desk.place(bench.ask(event=None))


def test_n13_bots_wait_half_a_second_after_an_overload_and_a_person_need_not() -> None:
    bench = bench_with()
    resting = bench.open_order()
    bench.place(event=None)
    waiting = bench.desk.place(bench.ask(event=None))  # for its intent, when the answer comes
    bench.fail(SendOrder, Overloaded("The system is currently overloaded."))
    bench.durable()
    assert bench.ledger.of("settle")[-1] == (waiting.key, "NOT_PLACED")
    sent = bench.gateway.count(SendOrder)
    with pytest.raises(Overloaded):
        bench.desk.place(bench.ask(event=None))
    with pytest.raises(Overloaded):
        bench.desk.amend(resting, Change(Decimal("100.7"), None, bot=True))
    bench.clock.seconds += 0.4
    with pytest.raises(Overloaded):
        bench.desk.place(bench.ask(event=None))
    assert bench.gateway.count(SendOrder) == sent
    bench.place()
    assert bench.gateway.count(SendOrder) == sent + 1
    bench.desk.cancel(resting)
    assert bench.gateway.count(SendCancel) == 1
    bench.clock.seconds += 0.1
    bench.place(event=None)
    assert bench.gateway.count(SendOrder) == sent + 2


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-100.5", "0", "100.55"])
def test_m8_a_price_that_is_none_is_refused_with_a_sentence(price: str) -> None:
    bench = bench_with()
    with pytest.raises(OrderRefused, match="price"):
        bench.desk.place(bench.ask(price=price))


@pytest.mark.parametrize("quantity", [0, -100, 150, 10**18])
def test_m8_a_quantity_that_is_none_is_refused_with_a_sentence(quantity: int) -> None:
    bench = bench_with()
    with pytest.raises(OrderRefused, match="quantity"):
        bench.desk.place(bench.ask(quantity=quantity))
