"""The strategies that come with the program, on scripted markets and on a walk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.simulator.bar_venue import Fills
from api.simulator.bars import Bar, Bars, minute_of
from bots.api import Strategy
from bots.backtest.figures import compute
from bots.backtest.run import BackTest, Outcome
from bots.class_style import ClassStrategy
from bots.frames import Frame
from bots.loading import attribute_of
from common.domain.market import Candle
from common.domain.robots import Status
from tests.bots.backtest.walk import BEGIN, plan, robot, walk

EXAMPLES = ("momentum:algo", "reversion:Reversion", "market_maker:MarketMaker", "trend:Trend")
LOT = 100  # contracts
Fill = tuple[int, int, str]  # side (0: bought), contracts, time


def market(price: Callable[[int], int], count: int) -> Bars:
    """Return minutes whose closes are scripted, in ticks; each opens at the close before."""
    bars, before = Bars(1, 10), price(0)
    for number in range(count):
        close = price(number)
        high, low = max(before, close) + 30, min(before, close) - 30
        bars.append(Bar(minute_of(BEGIN) + number, before, high, low, close, 10_000_000))
        before = close
    return bars


def run(
    folder: Path, strategy: str, bars: Bars, *, warm: int, capital: int = 3, **parameters: str
) -> Outcome:
    who = replace(robot(capital=capital), strategy=strategy, parameters=tuple(parameters.items()))
    made = plan(bars, None, folder / "books.db", who=who, warm=warm, fills=Fills(touch=True))
    return BackTest(made).run()


def fills(outcome: Outcome) -> list[Fill]:
    with closing(sqlite3.connect(outcome.plan.books)) as connection:
        return connection.execute(
            "SELECT SIDE, QTY, TTIME FROM coins WHERE SIDE <> -1 ORDER BY ID"
        ).fetchall()


def signed(outcome: Outcome) -> list[int]:
    """Return the position after each fill."""
    held, found = 0, []
    for side, quantity, _ in fills(outcome):
        held += quantity if side == 0 else -quantity
        found.append(held)
    return found


@pytest.mark.parametrize("strategy", EXAMPLES)
def test_an_example_trades_within_its_capital_and_its_books_agree(
    tmp_path: Path, strategy: str
) -> None:
    outcome = run(tmp_path, strategy, walk(1500, seed=3), warm=200)
    assert outcome.status is Status.WORK
    assert [notice.text for notice in outcome.notices] == []
    assert compute(outcome).sums.trades >= 4
    assert max(abs(position) for position in signed(outcome)) <= 3 * LOT
    assert outcome.verification.differences == ()


def test_momentum_is_long_in_a_rise_and_short_in_a_fall(tmp_path: Path) -> None:
    # A rise with a dip in every third minute, so that waiting orders are met; then back.
    def price(n: int) -> int:
        slope = n if n < 100 else 200 - n
        return 780_000 + 40 * slope - (120 if n % 3 == 0 else 0)

    outcome = run(tmp_path, "momentum:algo", market(price, 200), warm=20, PERIOD="6")
    positions = signed(outcome)
    assert max(positions) == 3 * LOT
    assert positions[-1] == outcome.position == -3 * LOT


def test_reversion_buys_a_plunge_and_is_out_at_the_average_again(tmp_path: Path) -> None:
    def price(n: int) -> int:
        calm = 780_000 + (20 if n % 2 else -20)
        return calm - 4000 if 60 <= n < 63 else calm

    outcome = run(tmp_path, "reversion:Reversion", market(price, 100), warm=40, lots="2")
    assert signed(outcome) == [2 * LOT, 0]
    assert outcome.position == 0
    assert compute(outcome).sums.sum_real > 0


def test_the_market_maker_offers_on_both_sides_and_leans_against_what_it_holds(
    tmp_path: Path,
) -> None:
    def price(n: int) -> int:
        return 780_000 + (60 if n % 2 else -60)

    outcome = run(tmp_path, "market_maker:MarketMaker", market(price, 120), warm=5, spread="20")
    sides = [side for side, _, _ in fills(outcome)]
    assert sides.count(0) > 10
    assert sides.count(1) > 10
    positions = signed(outcome)
    assert max(abs(position) for position in positions) <= 3 * LOT
    assert 0 in positions[5:]  # it gets rid again of what has piled up


@pytest.mark.parametrize(("slope", "limit"), [(-30, -3 * LOT), (30, 3 * LOT)])
def test_the_market_maker_goes_to_its_limit_and_not_beyond(
    tmp_path: Path, slope: int, limit: int
) -> None:
    bars = market(lambda n: 780_000 + slope * n, 80)
    positions = signed(run(tmp_path, "market_maker:MarketMaker", bars, warm=5, skew="0"))
    assert limit in positions
    assert max(abs(position) for position in positions) == 3 * LOT


def test_the_trend_is_entered_on_a_breakout_and_left_at_the_trailing_stop(tmp_path: Path) -> None:
    def price(n: int) -> int:
        if n < 150:
            return 780_000 + (30 if n % 2 else -30)
        if n < 200:
            return 780_000 + 100 * (n - 150)
        return 785_000 - 100 * (n - 200)

    outcome = run(
        tmp_path,
        "trend:Trend",
        market(price, 225),
        warm=120,
        period="20",
        slower="1",
        lots="2",
    )
    assert signed(outcome)[:2] == [2 * LOT, 0]
    (_, _, entered), (_, _, left) = fills(outcome)[:2]
    assert entered < left
    assert compute(outcome).sums.sum_real > 0


@pytest.mark.parametrize("name", ["reversion:Reversion", "trend:Trend"])
def test_a_pause_or_a_fill_before_the_first_bar_leaves_no_gap_in_the_indicators(
    name: str,
) -> None:
    bars = [
        Candle(BEGIN + timedelta(minutes=n), p, p + 3, p - 2, p, 100, p - 0.1, p)
        for n in range(120)
        for p in (78_000.0 + (n * 37) % 11,)
    ]
    always, paused = strategy_of(name), strategy_of(name)
    for count in range(100, 121):
        bar_of(always, bars[:count])
    paused.fills((), **seen(bars[:100]))  # it begins with a fill, and 12 bars pass unseen
    for count in (101, 102, *range(115, 121)):
        bar_of(paused, bars[:count])
    for one in ("bands", "channel", "range", "before", "average"):
        expected = getattr(always._strategy, one, None)
        found = getattr(paused._strategy, one, None)
        assert getattr(found, "value", found) == getattr(expected, "value", expected)


def strategy_of(name: str) -> ClassStrategy:
    kind = attribute_of(name)
    assert isinstance(kind, type)
    assert issubclass(kind, Strategy)
    return ClassStrategy(kind, {})


def seen(bars: Sequence[Candle]) -> dict[str, Any]:
    frame = Frame(1)
    frame.extend(bars)
    robot = {"EMI": "one", "SYMBOL": "XBTUSDT", "TIMEFR": 1, "POS": 0, "CAPITAL": 3}
    ticker = {"bid": bars[-1].close - 0.1, "ask": bars[-1].close}
    instrument = {"tickSize": 0.1, "lotSize": LOT}
    return {"robot": robot, "frame": frame, "ticker": ticker, "instrument": instrument}


def bar_of(strategy: ClassStrategy, bars: Sequence[Candle]) -> None:
    strategy(**seen(bars))


def test_the_slower_bars_keep_the_trend_out_of_a_rise_within_a_fall(tmp_path: Path) -> None:
    def price(n: int) -> int:
        return 780_000 - 60 * n if n < 240 else 780_000 - 60 * 240 + 80 * (n - 240)

    bars = market(price, 262)
    filtered = run(tmp_path, "trend:Trend", bars, warm=239, period="10", slower="10")
    assert max(signed(filtered)) <= 0
    (tmp_path / "books.db").unlink()
    free = run(tmp_path, "trend:Trend", bars, warm=239, period="10", slower="1")
    assert max(signed(free)) > 0
