"""Every kind of contract, both styles of strategies, and bars that are skipped or walked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from api.simulator.bar_venue import BarVenue
from api.simulator.bars import Bars
from bots.backtest.figures import compute
from bots.backtest.run import BackTest, Outcome
from common.domain.instruments import Category, Symbol
from tests.bots.backtest.test_run import FOLLOW
from tests.bots.backtest.walk import BEGIN, contract, plan, robot, walk
from tests.bots.terminal import write_algo

LOTS = """
def myBot(robot, frame, ticker, instrument):
    lot = instrument["lotSize"]
    side = "Buy" if robot["POS"] <= 0 else "Sell"
    price = ticker["bid"] if side == "Buy" else ticker["ask"]
    for clOrdID, order in var.orders.items():
        Function.del_order(Websockets.connect[robot["MARKET"]], clOrdID=clOrdID)
    post(robot, side=side, price=price, qty=lot)
"""
CLASS = """
import pathlib
from bots.api import Strategy

class Turner(Strategy):
    fills = 0

    def on_bar(self, bot):
        bot.cancel_all()
        if bot.position > 0:
            bot.sell(bot.lot, bot.ask)
        else:
            bot.buy(bot.lot, bot.bid)

    def on_fill(self, bot, fill):
        self.fills += 1

    def on_stop(self, bot):
        (pathlib.Path(FOLDER) / "fills").write_text(str(self.fills))
"""


def scaled(ticker: str, count: int) -> Bars:
    """Return a walk on the lattice of a contract."""
    figures = contract(ticker)
    bars = Bars(1, figures.ticks_per_unit)
    for bar in walk(count):
        prices = (bar.open, bar.high, bar.low, bar.close)
        opened, high, low, close = (price // 10 * figures.step for price in prices)
        volume = bar.volume // 100 * figures.lot
        bars.append(replace(bar, open=opened, high=high, low=low, close=close, volume=volume))
    return bars


@pytest.mark.parametrize(
    ("ticker", "category"),
    [
        ("XBTUSD", Category.INVERSE),
        ("ETHUSD", Category.QUANTO),
        ("SOLUSDT", Category.LINEAR),
        ("XBT_USDT", Category.SPOT),
    ],
)
def test_the_books_of_every_kind_of_contract_agree(
    tmp_path: Path, ticker: str, category: Category
) -> None:
    who = replace(robot(capital=5), symbol=Symbol(ticker, category))
    made = plan(scaled(ticker, 400), write_algo(tmp_path, LOTS), tmp_path / "b.db", who=who)
    test = BackTest(replace(made, contract=contract(ticker)))
    outcome = test.run()
    figures = compute(outcome)
    assert figures.sums.trades > 20
    assert outcome.verification.finished
    assert outcome.verification.differences == ()
    [(_, truth)] = test.venue.journal_sums()
    assert (-truth.cost, truth.fee) == (figures.sums.sum_real, figures.sums.commission)
    assert truth.funding == figures.sums.funding


def test_a_strategy_that_is_a_class_runs_as_well(tmp_path: Path) -> None:
    init = "def init_algo():\n    pass\n"
    algo = write_algo(tmp_path, f"FOLDER = {str(tmp_path)!r}\n{CLASS}", init)
    who = replace(robot(capital=2), strategy="strategy:Turner")
    outcome = BackTest(plan(walk(200), algo, tmp_path / "b.db", who=who, warm=20)).run()
    assert outcome.notices == ()
    trades = compute(outcome).sums.trades
    assert trades > 10
    assert (tmp_path / "fills").read_text(encoding="utf-8") == str(trades)


def rows(outcome: Outcome) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(outcome.plan.books)) as connection:
        return connection.execute(
            "SELECT EMI, SIDE, QTY, PRICE, TRADE_PRICE, SUMREAL_I, COMMISS_I, TTIME FROM coins"
            " ORDER BY ID"
        ).fetchall()


def test_bars_played_in_one_step_give_what_walking_them_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    algo = write_algo(tmp_path, FOLLOW)
    skipped = BackTest(plan(walk(1500), algo, tmp_path / "skipped.db", warm=20)).run()
    monkeypatch.setattr(BarVenue, "is_quiet", lambda *_: False)
    walked = BackTest(plan(walk(1500), algo, tmp_path / "walked.db", warm=20)).run()
    assert skipped.walked < skipped.bars - 100
    assert walked.walked == walked.bars
    assert rows(skipped) == rows(walked)
    assert skipped.equity == walked.equity
    assert skipped.begin > BEGIN
