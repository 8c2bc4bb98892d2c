"""Bars of a seeded walk, and plans on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from random import Random

from api.simulator.bar_venue import Fills
from api.simulator.bars import Bar, Bars, minute_of
from api.simulator.contracts import Contract, perpetuals_and_spot
from bots.backtest.run import Plan
from common.domain.instruments import Category, Symbol
from common.domain.robots import Robot, Status

BEGIN = datetime(2025, 3, 1, tzinfo=timezone.utc)
SYMBOL = Symbol("XBTUSDT", Category.LINEAR)
MARKET = "Bitmex"
MONEY = {"XBt": 100_000_000, "USDt": 10_000_000_000}


def contract(ticker: str = "XBTUSDT") -> Contract:
    return next(c for c in perpetuals_and_spot() if c.symbol == ticker)


def walk(
    count: int,
    seed: int = 1,
    minutes: int = 1,
    begin: datetime = BEGIN,
    price: int = 780_000,
    drift: int = 0,
) -> Bars:
    """Return bars of a random walk in ticks."""
    random, bars = Random(seed), Bars(minutes, 10)
    start = minute_of(begin)
    for number in range(count):
        close = max(1000, price + drift + random.randint(-200, 200))
        high = max(price, close) + random.randint(0, 80)
        low = min(price, close) - random.randint(0, 80)
        volume = 100 * random.randint(1, 100_000)
        bars.append(Bar(start + number * minutes, price, high, low, close, volume))
        price = close
    return bars


def robot(emi: str = "myBot", timeframe: int = 1, capital: int = 10) -> Robot:
    return Robot(
        emi=emi,
        symbol=SYMBOL,
        market=MARKET,
        timeframe=timeframe,
        capital=capital,
        sort=1,
        margin=1,
        status=Status.WORK,
    )


def plan(
    bars: Bars,
    algo: Path | None,
    books: Path,
    *,
    warm: int = 0,
    who: Robot | None = None,
    fills: Fills = Fills(),  # noqa: B008 - frozen
    money: Mapping[str, int] = MONEY,
) -> Plan:
    return Plan(
        robot=who or robot(),
        contract=contract(),
        bars=bars,
        begin=bars.first + warm * bars.minutes,
        money=money,
        rate=lambda _time: 100,
        books=books,
        algo=algo,
        fills=fills,
    )
