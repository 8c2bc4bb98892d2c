"""What the sums of a bot say."""

from __future__ import annotations

from decimal import Decimal

from common.domain.books import Balance
from common.domain.instruments import Symbol
from common.domain.market import Ticker
from common.engine.state import MarketState
from tests.common.engine.support import (
    INVERSE,
    KEY,
    LINEAR,
    USDT,
    XBT,
    XBTUSD,
    XBTUSDT,
    FakeGateway,
    robot,
)


def state(*balances: Balance) -> MarketState:
    """Return a market in which these balances are booked."""
    made = MarketState("Venue", KEY.network, (XBTUSDT, XBTUSD))
    made.instruments = {XBTUSDT: LINEAR, XBTUSD: INVERSE}
    made.currencies = {"USDt": USDT, "XBt": XBT}
    made.balances = {(b.emi, b.symbol, b.currency): b for b in balances}
    return made


def held(symbol: Symbol, currency: str, **sums: int) -> Balance:
    return Balance("a", symbol, currency, **sums)


def test_a_fee_in_another_currency_is_not_added_to_the_result() -> None:
    market = state(
        held(XBTUSDT, "USDt", sum_real=7_000, commission=100, funding=-5),
        held(XBTUSDT, "XBt", commission=900_000),
    )
    assert market.pnl(robot("a", XBTUSDT), FakeGateway()) == 6_905


def test_what_a_bot_earned_with_another_symbol_counts_once_it_is_closed() -> None:
    other = Symbol("SOLUSDT", XBTUSDT.category)
    market = state(held(XBTUSDT, "USDt", sum_real=70), held(other, "USDt", sum_real=5))
    assert market.pnl(robot("a", XBTUSDT), FakeGateway()) == 75
    market.balances["a", other, "USDt"].position = 1  # its cost is no result
    assert market.pnl(robot("a", XBTUSDT), FakeGateway()) == 70


def test_an_open_position_is_valued_at_the_price_that_closes_it() -> None:
    gateway = FakeGateway()
    gateway.tickers[XBTUSDT] = Ticker(XBTUSDT, bid=Decimal(100), ask=Decimal(101))
    market = state(held(XBTUSDT, "USDt", position=100, sum_real=-9_000))
    assert market.pnl(robot("a", XBTUSDT), gateway) == 1_000


def test_a_result_in_a_symbol_that_is_not_known_is_not_told() -> None:
    gone = Symbol("ETHZ24", XBTUSDT.category)
    market = state(held(gone, "XBt", sum_real=70))
    assert market.pnl(robot("a", gone), FakeGateway()) is None


def test_l25_positions_and_volumes_of_two_symbols_are_not_added() -> None:
    market = state(
        held(XBTUSDT, "USDt", position=100, volume=500),
        held(XBTUSD, "XBt", position=-900, volume=3),
    )
    assert market.volume("a", XBTUSDT) == 500
    assert market.position("a", XBTUSDT) == 100
