"""Back-tests: the same engine, ledger and strategies on bars; books that agree to the last unit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from api.simulator.bar_venue import Fills
from bots.backtest.figures import compute
from bots.backtest.run import BackTest, Outcome
from common.domain.robots import Status
from common.errors import ConfigurationError
from tests.bots.backtest.walk import BEGIN, MONEY, plan, robot, walk
from tests.bots.terminal import write_algo

FOLLOW = """
def myBot(robot, frame, ticker, instrument):
    side = "Buy" if robot["POS"] <= 0 else "Sell"
    price = ticker["bid"] - 5 if side == "Buy" else ticker["ask"] + 5
    price = function.ticksize_rounding(price=price, ticksize=instrument["tickSize"])
    for clOrdID, order in var.orders.items():
        if order["side"] != side:
            Function.del_order(Websockets.connect[robot["MARKET"]], clOrdID=clOrdID)
        else:
            Function.put_order(
                Websockets.connect[robot["MARKET"]], clOrdID=clOrdID, price=price, qty=1000
            )
            return
    post(robot, side=side, price=price, qty=1000)
"""


def run(tmp_path: Path, strategy: str, bars: int = 600, **more: object) -> Outcome:
    algo = write_algo(tmp_path, strategy)
    made = plan(walk(bars + 20), algo, tmp_path / "books.db", warm=20, **more)  # type: ignore[arg-type]
    return BackTest(made).run()


def sums_of(books: Path) -> tuple[int, int, int, int]:
    """Return trades, SUMREAL, fees and funding as the rows of the table say."""
    with closing(sqlite3.connect(books)) as connection:
        [row] = connection.execute(
            "SELECT SUM(SIDE <> -1), SUM(SUMREAL_I),"
            " SUM(CASE WHEN SIDE = -1 THEN 0 ELSE COMMISS_I END),"
            " SUM(CASE WHEN SIDE = -1 THEN COMMISS_I ELSE 0 END) FROM coins"
        ).fetchall()
    return tuple(int(value or 0) for value in row)  # type: ignore[return-value]


def test_the_report_is_the_sums_of_the_books_and_of_the_exchange(tmp_path: Path) -> None:
    algo = write_algo(tmp_path, FOLLOW)
    test = BackTest(plan(walk(2000), algo, tmp_path / "books.db", warm=20))
    outcome = test.run()
    figures = compute(outcome)
    trades, sum_real, fees, funding = sums_of(tmp_path / "books.db")
    assert trades > 100
    assert funding
    total = figures.sums
    assert (total.trades, total.sum_real) == (trades, sum_real)
    assert (total.commission, total.funding) == (fees, funding)
    [(_, truth)] = test.venue.journal_sums()
    assert (truth.cost, truth.fee, truth.funding) == (-sum_real, fees, funding)
    assert truth.contracts == outcome.position
    assert sum(month.sums.net for month in figures.months) == total.net
    assert sum(month.result for month in figures.months) == figures.result
    assert outcome.verification.finished
    assert outcome.verification.differences == ()
    assert outcome.verification.executions == trades + len(test.venue.fundings())


def test_every_bar_is_given_to_the_strategy_once_and_in_order(tmp_path: Path) -> None:
    strategy = f"""
import pathlib
def myBot(robot, frame, ticker, instrument):
    with (pathlib.Path({str(tmp_path)!r}) / "seen").open("a") as file:
        bar = frame[-1]
        file.write(f"{{bar['datetime']:%Y-%m-%d %H:%M}} {{bar['close']}} {{len(frame)}}\\n")
"""
    outcome = run(tmp_path, strategy, bars=50)
    seen = [line.rsplit(" ", 2) for line in (tmp_path / "seen").read_text().splitlines()]
    bars = [outcome.plan.bars[index] for index in range(20, 70)]
    assert [float(close) for _, close, _ in seen] == [bar.close / 10 for bar in bars]
    assert [int(length) for *_, length in seen] == list(range(21, 71))
    assert seen[0][0] == "2025-03-01 00:20"


@pytest.mark.parametrize(("touch", "filled"), [(False, 0), (True, 1)])
def test_a_price_that_is_only_reached_fills_as_was_asked_for(
    tmp_path: Path, touch: bool, filled: int
) -> None:
    bars = walk(200)
    lowest = min(bar.low for bar in list(bars)[21:])
    strategy = f"""
def myBot(robot, frame, ticker, instrument):
    if len(frame) == 21:
        post(robot, price={lowest / 10})
"""
    algo = write_algo(tmp_path, strategy)
    made = plan(bars, algo, tmp_path / "books.db", warm=20, fills=Fills(1, touch))
    BackTest(made).run()
    assert sums_of(tmp_path / "books.db")[0] == filled


def test_a_strategy_that_raises_is_not_called_any_more_and_the_report_says_so(
    tmp_path: Path,
) -> None:
    outcome = run(tmp_path, "def myBot(robot, frame, ticker, instrument):\n    1 / 0\n", bars=30)
    assert outcome.status is Status.ERROR
    assert outcome.calls == 1
    assert any("ZeroDivisionError" in notice.text for notice in outcome.notices)


def test_a_strategy_that_cannot_be_loaded_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"myBot cannot be tested: .*SyntaxError"):
        run(tmp_path, "def myBot(:\n")


def test_a_bot_beyond_its_money_is_liquidated(tmp_path: Path) -> None:
    strategy = """
def myBot(robot, frame, ticker, instrument):
    if robot["POS"] == 0 and len(frame) == 21:
        post(robot, price=ticker["ask"], qty=1000000)
"""
    algo = write_algo(tmp_path, strategy)
    made = plan(
        walk(300, drift=-100),
        algo,
        tmp_path / "books.db",
        warm=20,
        money={**MONEY, "USDt": 1_000_000_000},
        who=robot(capital=10_000),
    )
    outcome = BackTest(made).run()
    assert outcome.position == 0
    assert any("liquidat" in notice.text.lower() for notice in outcome.notices)
    assert outcome.verification.differences == ()
    assert outcome.begin > BEGIN
