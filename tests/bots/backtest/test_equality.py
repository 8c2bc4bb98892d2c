"""A bot on the live exchange and in a back-test over the candles of that time does the same.

Compared are all orders (bar, side, price, quantity, moved or new) and all fills (bar, side, price,
quantity). What a candle cannot tell is kept out: orders are of one lot, so they fill whole, and
those that wait lie where no maker of the exchange queues, so the price that reaches them fills.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from api.simulator.bar_files import BarFile, write_bars
from api.simulator.bar_venue import Fills
from bots.backtest.run import BackTest
from common.engine.requests import Request, SendAmend, SendCancel, SendOrder
from tests.bots.backtest.live import LiveRun
from tests.bots.backtest.walk import contract, plan
from tests.bots.terminal import write_algo

MINUTES = 180
TAKER = """
def myBot(robot, frame, ticker, instrument):
    closes = [bar["close"] for bar in frame[-3:]]
    average = sum(closes) / len(closes)
    wanted = 100 if closes[-1] < average else -100
    missing = wanted - robot["POS"]
    for clOrdID in var.orders:
        Function.del_order(Websockets.connect[robot["MARKET"]], clOrdID=clOrdID)
    if missing:
        side = "Buy" if missing > 0 else "Sell"
        post(robot, side=side, price=ticker["ask" if missing > 0 else "bid"], qty=abs(missing))
"""
WAITING = """
def myBot(robot, frame, ticker, instrument):
    ticks = round(frame[-1]["close"] * 10)
    ticks = ticks // 12 * 12 + 5  # between two levels of the book
    side = "Buy" if robot["POS"] <= 0 else "Sell"
    price = (ticks - 60 if side == "Buy" else ticks + 60) / 10
    for clOrdID, order in var.orders.items():
        if order["side"] == side:
            Function.put_order(
                Websockets.connect[robot["MARKET"]], clOrdID=clOrdID, price=price, qty=100
            )
            return
        Function.del_order(Websockets.connect[robot["MARKET"]], clOrdID=clOrdID)
    post(robot, side=side, price=price, qty=100)
"""


def orders(asked: list[tuple[datetime, Request]]) -> list[tuple[object, ...]]:
    """Return what was asked for: the bar it followed, and all that is not an id."""
    told: list[tuple[object, ...]] = []
    for at, request in asked:
        bar = at.replace(second=0, microsecond=0)
        if isinstance(request, SendOrder):
            told.append((bar, "new", request.side.value, request.price, request.quantity))
        elif isinstance(request, SendAmend):
            told.append((bar, "moved", request.price, request.quantity))
        elif isinstance(request, SendCancel):
            told.append((bar, "cancel"))
    return told


def fills(books: Path) -> list[tuple[object, ...]]:
    """Return the trades of the books: bar, side, price, quantity, fee."""
    with closing(sqlite3.connect(books)) as connection:
        return connection.execute(
            "SELECT SUBSTR(TTIME, 1, 16), SIDE, TRADE_PRICE, QTY, COMMISS_I FROM coins"
            " WHERE SIDE <> -1 ORDER BY ID"
        ).fetchall()


@pytest.mark.parametrize(("name", "strategy"), [("taker", TAKER), ("waiting", WAITING)])
def test_a_back_test_gives_the_orders_of_the_live_run(
    tmp_path: Path, name: str, strategy: str
) -> None:
    algo = write_algo(tmp_path, strategy)
    live = LiveRun(tmp_path, algo, MINUTES)
    live.live()
    write_bars(tmp_path / "candles.csv", live.bars())
    bars = BarFile(tmp_path / "candles.csv", contract()).read()
    made = plan(
        bars,
        algo,
        tmp_path / "tested.db",
        warm=bars.index_at(int(live.begin.timestamp()) // 60),
        fills=Fills(touch=name == "waiting"),
    )
    test = BackTest(made)
    test.gateway.asked = []
    test.run()
    here = orders([(asked.at, asked.request) for asked in test.gateway.asked])
    there = orders(live.gateway.asked)
    assert len(there) > MINUTES // 5
    assert here == there
    assert fills(tmp_path / "tested.db") == fills(live.books)
    assert len(fills(live.books)) > 10
