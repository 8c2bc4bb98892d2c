"""Back-tests: bars a second of a strategy that looks on, and of one that moves its order."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from api.simulator.bars import Bars, path
from bots.backtest.run import BackTest
from tests.bench.registry import Figure, register
from tests.bots.backtest.walk import plan, walk
from tests.bots.terminal import write_algo

BARS = 525_600  # a year of minutes
MOVED = 100_000
YEAR_WITHIN = 60.0  # seconds
LOOKS_ON = """
def myBot(robot, frame, ticker, instrument):
    pass
"""
MOVES = """
def myBot(robot, frame, ticker, instrument):
    price = function.ticksize_rounding(price=ticker["bid"] - 300, ticksize=instrument["tickSize"])
    for clOrdID, order in var.orders.items():
        Function.put_order(
            Websockets.connect[robot["MARKET"]], clOrdID=clOrdID, price=price, qty=100
        )
        return
    post(robot, price=price)
"""


@register("backtest", "back-tests of one bot on minutes")
def backtest() -> Iterator[Figure]:
    """Play a generated walk; nothing else should run."""
    bars = walk(BARS)
    plain = _bare(bars)
    seconds = _played(bars, LOOKS_ON)
    yield Figure("a year of minutes, a strategy that looks on", seconds, "s", at_most=YEAR_WITHIN)
    rate = BARS / seconds
    yield Figure("a strategy that looks on", rate, "bars/s", plain, "a bare loop over the bars")
    seconds = _played(bars.between(bars.first, bars.first + MOVED), MOVES)
    rate = MOVED / seconds
    yield Figure("one that moves its order each bar", rate, "bars/s", plain, "a bare loop")
    yield Figure("a year of it, by that rate", BARS / rate, "s")


def _played(bars: Bars, strategy: str) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        algo = write_algo(folder, strategy)
        outcome = BackTest(plan(bars, algo, folder / "books.db")).run()
        assert outcome.bars == len(bars)
        assert outcome.calls >= len(bars) - 1
        assert not outcome.verification.differences
        return outcome.seconds


def _bare(bars: Bars) -> float:
    """Return the bars a second of a loop that only follows the path."""
    begun, last = time.perf_counter(), 0
    for bar in bars:
        for ticks in path(bar):
            last = max(last, ticks)
    return len(bars) / (time.perf_counter() - begun)
