"""The call of a strategy as it goes through the pipe: plain values, quick to read.

At one close a hundred processes read their calls at once, with cold caches: what is the same at
every call (robot, instrument, currency) is therefore read once and then recognised by its bytes.
"""

from __future__ import annotations

import marshal
import pickle
from collections.abc import Sequence
from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any

from common.domain.instruments import Category, Currency, Instrument, Symbol
from common.domain.market import Candle, Ticker
from common.domain.robots import Robot
from common.engine.bot_items import RobotView

KNOWN = 512  # bots whose unchanging part is remembered

_Fixed = tuple[Robot, Instrument, Currency]


def pack_call(view: RobotView, candles: Sequence[Candle], ticker: Ticker, orders: bytes) -> bytes:
    """Return a call as bytes; `orders` as `pack_orders` made them."""
    return marshal.dumps(
        (
            _pack_fixed(view.robot, view.instrument, view.currency),
            (view.position, view.volume, view.pnl),
            [_candle_row(candle) for candle in candles],
            _ticker_row(ticker),
            orders,
        )
    )


def unpack_call(packed: bytes) -> tuple[RobotView, tuple[Candle, ...], Ticker, bytes]:
    """Return what `pack_call` was given."""
    fixed, (position, volume, pnl), candles, ticker, orders = marshal.loads(packed)
    robot, instrument, currency = _read_fixed(fixed)
    view = RobotView(robot, instrument, position, volume, pnl, currency)
    return view, tuple(_candle(row) for row in candles), _ticker(ticker), orders


@lru_cache(KNOWN)
def _pack_fixed(robot: Robot, instrument: Instrument, currency: Currency) -> bytes:
    return pickle.dumps((robot, instrument, currency), protocol=pickle.HIGHEST_PROTOCOL)


@lru_cache(4)
def _read_fixed(packed: bytes) -> _Fixed:
    fixed: _Fixed = pickle.loads(packed)
    return fixed


def _candle_row(candle: Candle) -> tuple[Any, ...]:
    return (
        candle.start.timestamp(),
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume,
        candle.bid,
        candle.ask,
    )


def _candle(row: tuple[Any, ...]) -> Candle:
    at, *values = row
    return Candle(datetime.fromtimestamp(at, timezone.utc), *values)


def _ticker_row(ticker: Ticker) -> tuple[Any, ...]:
    prices = (ticker.bid, ticker.ask, ticker.last, ticker.mark, ticker.funding_rate)
    return (
        (ticker.symbol.ticker, ticker.symbol.category.value),
        [None if price is None else str(price) for price in (*prices, ticker.settled_price)],
        ticker.volume24h,
        None if ticker.funding_at is None else ticker.funding_at.timestamp(),
        ticker.state,
    )


@lru_cache(4)
def _symbol(ticker: str, category: str) -> Symbol:
    return Symbol(ticker, Category(category))


def _ticker(row: tuple[Any, ...]) -> Ticker:
    symbol, prices, volume, funding_at, state = row
    bid, ask, last, mark, rate, settled = (None if p is None else Decimal(p) for p in prices)
    return Ticker(
        symbol=_symbol(*symbol),
        bid=bid,
        ask=ask,
        last=last,
        mark=mark,
        volume24h=volume,
        funding_rate=rate,
        funding_at=None if funding_at is None else datetime.fromtimestamp(funding_at, timezone.utc),
        state=state,
        settled_price=settled,
    )
