"""A stand-in for the engine: keeps orders, answers order calls, collects what happened."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from bots.runner import ProcessBotRunner
from common.domain.bots import BotFill, BotLine
from common.domain.instruments import Category, Currency, Instrument, Symbol
from common.domain.market import Candle, Ticker
from common.domain.parameters import Catalog
from common.domain.robots import Robot, Status
from common.engine.bot_items import (
    BotAnswer,
    BotCall,
    BotFailed,
    BotFinished,
    BotLoaded,
    BotOrder,
    BotSaid,
    BotWanted,
    CatalogRead,
    OrderView,
    RobotView,
)

T = TypeVar("T")
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=timezone.utc)
SYMBOL = Symbol("XBTUSDT", Category.LINEAR)
MARKET = "Bitmex"
PATIENCE = 30.0  # seconds; a loaded machine starts a process slowly

INSTRUMENT = Instrument(
    symbol=SYMBOL,
    tradable=True,
    state="Open",
    tick_size=Decimal("0.5"),
    lot_size=100,
    multiplier=1,
    contracts_per_unit=1_000_000,
    quote_currency="USDT",
    settlement_currency="USDt",
    base_currency="XBT",
)


def view(emi: str = "myBot", *, position: int = 0, capital: int = 1) -> RobotView:
    robot = Robot(
        emi=emi,
        symbol=SYMBOL,
        market=MARKET,
        timeframe=1,
        capital=capital,
        sort=1,
        margin=1,
        status=Status.WORK,
    )
    return RobotView(robot, INSTRUMENT, position, 0, 0, Currency("USDt", "USDT", 6))


def bar(minute: int, close: float) -> Candle:
    return Candle(
        start=NOON + timedelta(minutes=minute),
        open=close,
        high=close + 3,
        low=close - 3,
        close=close,
        volume=10,
        bid=close - 0.5,
        ask=close,
    )


def ticker(bid: str | None = "50000", ask: str | None = "50000.5") -> Ticker:
    return Ticker(
        SYMBOL,
        bid=None if bid is None else Decimal(bid),
        ask=None if ask is None else Decimal(ask),
        funding_rate=Decimal("0.0001"),
    )


class Terminal:
    """The engine as a bot sees it. Orders are accepted unless `refuse` says why not."""

    def __init__(self, runner: ProcessBotRunner) -> None:
        self.runner = runner
        self.orders: dict[str, OrderView] = {}
        self.asked: list[BotOrder] = []
        self.outcomes: list[BotLoaded | BotFinished | BotFailed | BotWanted] = []
        self.said: list[tuple[str, BotLine]] = []
        self.catalogs: list[Catalog] = []
        self.refuse = ""
        self.silent = False
        self._number = 0
        self._items: queue.SimpleQueue[object] = queue.SimpleQueue()

    def put(self, item: object) -> None:
        self._items.put(item)

    def load(
        self, *views: RobotView, history: Mapping[str, Sequence[Candle]] | None = None
    ) -> dict[str, str]:
        """Start workers; return emi -> problem once all have spoken."""
        self.runner.load(views, dict(history or {}))
        return {v.robot.emi: self.wait(BotLoaded, v.robot.emi).problem for v in views}

    def call(
        self, who: RobotView, candles: Sequence[Candle] = (), prices: Ticker | None = None
    ) -> None:
        call = BotCall(who, candles, prices or ticker(), list(self.orders.values()))
        assert self.runner.call(who.robot.emi, call)

    def bar(
        self, who: RobotView, candles: Sequence[Candle] = (), prices: Ticker | None = None
    ) -> BotFinished:
        """Call a strategy and wait until it has returned."""
        self.call(who, candles, prices)
        return self.wait(BotFinished, who.robot.emi)

    def tell(self, who: RobotView, *fills: BotFill) -> BotFinished:
        """Tell a strategy of fills and wait until it has returned."""
        call = BotCall(who, (), ticker(), list(self.orders.values()), fills)
        assert self.runner.call(who.robot.emi, call)
        return self.wait(BotFinished, who.robot.emi)

    def wait(self, kind: type[T], emi: str) -> T:
        """Serve until an outcome of this kind has come for the bot; it is taken off the list."""
        end = time.monotonic() + PATIENCE
        while True:
            for item in self.outcomes:
                if isinstance(item, kind) and item.emi == emi:
                    self.outcomes.remove(item)
                    return item
            try:
                self.serve(self._items.get(timeout=max(0.0, end - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"no {kind.__name__} of {emi}: {self.outcomes}") from None

    def wait_order(self) -> BotOrder:
        """Serve until a strategy has called for an order; it is taken off the list."""
        while not self.asked:
            self.serve(self._items.get(timeout=PATIENCE))
        return self.asked.pop()

    def wait_said(self, text: str) -> None:
        """Serve until a bot's log has a line with this text."""
        while not any(text in line.text for _, line in self.said):
            self.serve(self._items.get(timeout=PATIENCE))

    def wait_catalog(self, wanted: Callable[[Catalog], bool]) -> None:
        """Serve until the catalog of strategies is as wanted."""
        while not (self.catalogs and wanted(self.catalogs[-1])):
            self.serve(self._items.get(timeout=PATIENCE))

    def serve(self, item: object) -> None:
        if not isinstance(item, BotOrder):
            if isinstance(item, BotSaid):
                self.said += [(item.emi, line) for line in item.lines]
                return
            if isinstance(item, CatalogRead):
                self.catalogs.append(item.catalog)
                return
            assert isinstance(item, (BotLoaded, BotFinished, BotFailed, BotWanted))
            self.outcomes.append(item)
            return
        self.asked.append(item)
        if not self.silent:
            self.runner.answer(item.emi, item.call, self._answer(item))

    def _answer(self, item: BotOrder) -> BotAnswer:
        if self.refuse:
            return BotAnswer("", self.orders.get(item.cl_ord_id), self.refuse)
        if item.verb == "post":
            self._number += 1
            key = f"{self._number}.{item.on_behalf_of}"
            assert item.symbol and item.side and item.price and item.quantity
            self.orders[key] = OrderView(
                cl_ord_id=key,
                emi=item.on_behalf_of,
                symbol=item.symbol,
                side=item.side,
                price=item.price,
                leaves=item.quantity,
                market=item.market,
                at=NOON,
            )
            return BotAnswer(key, self.orders[key])
        if item.cl_ord_id not in self.orders:
            return BotAnswer("", None, "the order is no longer open")
        if item.verb == "del":
            del self.orders[item.cl_ord_id]
            return BotAnswer(item.cl_ord_id, None)
        assert item.price and item.quantity
        order = replace(self.orders[item.cl_ord_id], price=item.price, leaves=item.quantity)
        self.orders[item.cl_ord_id] = order
        return BotAnswer(item.cl_ord_id, order)


@contextmanager
def terminal(
    algo: Path | None,
    budget: float = 20.0,
    logs: Path | None = None,
    load_budget: float = PATIENCE,
) -> Iterator[Terminal]:
    """Run a terminal whose strategies lie in `algo`."""
    runner = ProcessBotRunner(
        algo=algo, budget=budget, load_budget=load_budget, logs=logs, watch=0.1
    )
    made = Terminal(runner)
    runner.start(made)
    try:
        yield made
    finally:
        runner.stop()


INIT = """
from bots.variables import Variables as bot
import algo.strategy

def init_algo():
    for emi in bot.robots:
        bot.robo[emi] = getattr(algo.strategy, emi, algo.strategy.algo)
"""

HEAD = """
import functions as function
from api.websockets import Websockets
from bots.variables import Variables as bot
from common.variables import Variables as var
from functions import Function

def algo(robot, frame, ticker, instrument):
    pass

def post(robot, price=49990.0, qty=100, side="Buy", **other):
    ws = Websockets.connect[robot["MARKET"]]
    named = dict(name=robot["MARKET"], symbol=robot["SYMBOL"], emi=robot["EMI"], side=side,
                 price=price, qty=qty)
    named.update(other)
    return Function.post_order(ws, **named)
"""


def write_algo(folder: Path, strategy: str, init: str = INIT) -> Path:
    """Write `init.py` and `strategy.py` and return their folder; HEAD stands above `strategy`."""
    algo = folder / "algo"
    algo.mkdir(exist_ok=True)
    (algo / "init.py").write_text(init, encoding="utf-8")
    (algo / "strategy.py").write_text(HEAD + strategy, encoding="utf-8")
    return algo
