"""Public market data. Floats are allowed here: it is shown, never booked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from common.domain.instruments import Symbol

Level = tuple[Decimal, int]  # price, contracts


@dataclass(frozen=True, slots=True)
class Book:
    """The best levels of an order book: bids downwards, asks upwards, best first."""

    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()


@dataclass(frozen=True, slots=True)
class Ticker:
    """What an instrument does now. None: the exchange has not said or there is none."""

    symbol: Symbol
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    mark: Decimal | None = None
    volume24h: int | None = None  # contracts
    funding_rate: Decimal | None = None  # share of the value; > 0: longs pay shorts
    funding_at: datetime | None = None  # aware UTC
    state: str = ""  # the exchange's own word: Open, Settled, ...
    settled_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Trade:
    """A public trade."""

    symbol: Symbol
    price: Decimal
    quantity: int  # contracts
    at: datetime  # aware UTC


@dataclass(frozen=True, slots=True)
class Candle:
    """One bar. `start` is the beginning of the bar (exchanges may report its end)."""

    start: datetime  # aware UTC
    open: float
    high: float
    low: float
    close: float
    volume: int  # contracts
    bid: float | None = None  # at the close, where it was seen; else the close stands for it
    ask: float | None = None


@dataclass(frozen=True, slots=True)
class RequestsLeft:
    """How many requests the exchange takes at this moment; a fifth is kept for cancels."""

    minute: int
    minute_limit: int
    second: int  # that change orders
    second_limit: int
    closed_for: int = 0  # whole seconds in which it wants none but cancels
