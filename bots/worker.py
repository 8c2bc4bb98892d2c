"""The process of one bot: `python -m bots.worker`, started by `bots.process`.

It knows its strategy, the dicts of the bots and two pipes: no keys, no database, no environment. It
ends when the terminal's pipe closes, even in the middle of a strategy's call.
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import BinaryIO, Protocol

from api.websockets import Websockets
from bots import channel, dialect, loading
from bots.class_style import ClassStrategy
from bots.frames import Frame
from bots.loading import Strategy
from bots.orders import MarketDesk, OrderTable, TrialDesk
from bots.output import Outlet, PrintedLines, Speaker
from bots.packed_orders import PackedOrder, unpack_orders
from bots.sources import Sources, forget
from bots.variables import Variables
from common.domain.bots import BotFill
from common.domain.market import Candle, Ticker
from common.engine.bot_items import BotAnswer, RobotView
from common.errors import StrategyError


class Jobs(Protocol):
    """What the terminal says, in order."""

    def get(self) -> channel.ToWorker:
        """Wait for the next message."""


def main() -> None:
    """Serve the terminal until its pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a console reaches the group's parent
    inlet, outlet = _take_pipes()
    jobs: queue.SimpleQueue[channel.ToWorker] = queue.SimpleQueue()
    threading.Thread(
        target=_listen, args=(inlet, jobs, outlet, threading.get_ident()), daemon=True
    ).start()
    setup = jobs.get()
    if isinstance(setup, channel.Setup):
        Worker(setup, jobs, outlet).run()


class Worker:
    """Loads one strategy and carries out its calls, on the main thread."""

    def __init__(self, setup: channel.Setup, jobs: Jobs, outlet: Speaker) -> None:
        self._setup = setup
        self._jobs = jobs
        self._outlet = outlet
        self._lines = PrintedLines(outlet)
        self._views: dict[str, RobotView] = {view.robot.emi: view for view in setup.views}
        self._table = OrderTable()
        self._frame = Frame(max(1, self._views[setup.emi].robot.timeframe))
        self._strategy: Strategy | None = None
        self._trial: TrialDesk | None = None  # while new code is tried
        self._in_call = False
        self._thread = threading.get_ident()

    def run(self) -> None:
        """Take one message after the other; returns after a failure."""
        loading.limit_memory(self._setup.memory_limit)
        sys.stdout = sys.stderr = self._lines
        gc.freeze()  # the program's own objects need not be looked through again and again
        going = True
        while going:
            job = self._jobs.get()
            if isinstance(job, channel.History):
                self.remember(job.candles)
            elif isinstance(job, channel.LoadStrategy):
                going = self.load(job.trial)
            elif isinstance(job, channel.Call):
                going = self.call(*_unpacked(job))
            elif isinstance(job, channel.FillCall):
                orders = unpack_orders(job.orders)
                going = self.fill(job.view, job.ticker, orders, job.fills)
            elif isinstance(job, channel.StopStrategy):
                going = self.stop()

    def _bind(self) -> None:
        """Fill the façades of the strategy API."""
        Variables.robo, Variables.frames, Variables.framing = {}, {}, {}
        Websockets.connect.clear()
        Variables.robots = loading.Robots(
            {emi: dialect.robot_dict(view) for emi, view in self._views.items()}
        )
        for view in self._views.values():
            robot, symbol = view.robot, view.robot.symbol
            Websockets.connect.setdefault(
                robot.market,
                MarketDesk(robot.market, self._views, self._table, self._ask, self._refuse),
            )
            key = (symbol.ticker, symbol.category.value)
            framing = Variables.framing.setdefault(robot.market, {}).setdefault(key, {})
            entry = framing.setdefault(robot.timeframe, {"TIMEFR": robot.timeframe, "robots": []})
            entry["robots"].append(robot.emi)
            if robot.emi == self._setup.emi:
                frames = Variables.frames.setdefault(robot.market, {}).setdefault(key, {})
                frames[robot.timeframe] = self._frame

    def remember(self, candles: Sequence[Candle]) -> None:
        """Take closed bars from before the first call."""
        self._frame.extend(candles)

    def load(self, trial: channel.Call | None = None) -> bool:
        """Import the strategy, and try it; False when that failed."""
        try:
            found = self._import()
            if trial is not None:
                self._try(trial)
                found = self._import()
        except BaseException as error:  # noqa: BLE001 - a strategy may raise anything, SystemExit too
            self._lines.flush()
            detail = loading.traceback_text(error)
            self._outlet.send(channel.Loaded(loading.describe(error), detail))
            return False
        self._lines.flush()
        self._outlet.send(
            channel.Loaded(
                problem="",
                file=found.file,
                saved=found.saved,
                digest=found.short,
                sources=found.digests,
                takes_fills=isinstance(self._strategy, ClassStrategy)
                and self._strategy.takes_fills,
                stops=isinstance(self._strategy, ClassStrategy) and self._strategy.stops,
            )
        )
        return True

    def _import(self) -> Sources:
        forget()
        self._bind()
        robot = self._views[self._setup.emi].robot
        self._strategy, found = loading.load_strategy(
            robot, self._setup.algo, self._setup.init_seconds
        )
        return found

    def _try(self, trial: channel.Call) -> None:
        """Call new code on the bars of now; its orders go nowhere."""
        self._outlet.send(channel.Trying())
        self._trial = TrialDesk(self._table)
        try:
            self._call_strategy(*_unpacked(trial))
        finally:
            self._trial = None
        self._outlet.send(channel.Tried())

    def call(
        self,
        view: RobotView,
        candles: Sequence[Candle],
        prices: Ticker,
        orders: dict[str, PackedOrder],
    ) -> bool:
        """Let the strategy look at a closed bar; False when it raised."""
        return self._carry_out(lambda: self._call_strategy(view, candles, prices, orders))

    def fill(
        self,
        view: RobotView,
        prices: Ticker,
        orders: dict[str, PackedOrder],
        fills: Sequence[BotFill],
    ) -> bool:
        """Tell the strategy of fills; False when it raised."""
        strategy = self._strategy
        if not isinstance(strategy, ClassStrategy):
            raise TypeError("a function is not told of fills")

        tell = partial(strategy.fills, fills)
        return self._carry_out(lambda: self._call_strategy(view, (), prices, orders, tell))

    def stop(self) -> bool:
        """Let the strategy do what comes last; always False: nothing follows."""
        if isinstance(self._strategy, ClassStrategy):
            self._carry_out(self._strategy.stop)
        return False

    def _carry_out(self, action: Callable[[], None]) -> bool:
        begun = time.perf_counter()
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - a strategy may raise anything
            self._lines.flush()
            self._outlet.send(
                channel.Failed(loading.describe(error), loading.traceback_text(error))
            )
            return False
        self._lines.flush()
        self._outlet.send(channel.Finished(time.perf_counter() - begun))
        return True

    def _call_strategy(
        self,
        view: RobotView,
        candles: Sequence[Candle],
        prices: Ticker,
        orders: dict[str, PackedOrder],
        action: Strategy | None = None,
    ) -> None:
        """Call the strategy, or in its place an action with the same arguments."""
        robot = Variables.robots[self._setup.emi]
        robot.update(dialect.robot_dict(view))
        ticker = dialect.ticker_dict(prices)
        self._frame.extend(candles, ticker["fundingRate"])
        self._table.replace(orders)
        self._lines.refill()
        if self._strategy is None or not self._is_ready(robot, ticker):
            return
        self._in_call = True
        try:
            (action or self._strategy)(
                robot=robot,
                frame=self._frame,
                ticker=ticker,
                instrument=dialect.instrument_dict(view, prices),
            )
        finally:
            self._in_call = False

    def _is_ready(self, robot: dict[str, object], ticker: dict[str, object]) -> bool:
        """Whether there are as many bars as the strategy needs, and prices on both sides."""
        period = robot.get("PERIOD", 0)
        needed = period + 1 if isinstance(period, int) and period > 0 else 1
        return (
            len(self._frame) >= needed and ticker["bid"] is not None and ticker["ask"] is not None
        )

    def _ask(self, call: channel.OrderCall) -> BotAnswer:
        if not self._in_call or threading.get_ident() != self._thread:
            self._refuse(f"{call.verb}_order: called outside of a call of the strategy")
            order = self._table.get(call.cl_ord_id)
            return BotAnswer("", order, "outside of a call")
        if self._trial is not None:
            return self._trial.answer(call)
        self._lines.flush()
        self._outlet.send(call)
        answer = self._jobs.get()
        if not isinstance(answer, BotAnswer):
            raise RuntimeError(f"an answer was due, not {type(answer).__name__}")
        return answer

    def _refuse(self, text: str) -> None:
        if self._trial is not None:
            raise StrategyError(f"in its trial: {text}")
        self._outlet.send(channel.RefusedHere(text))


def _unpacked(
    job: channel.Call,
) -> tuple[RobotView, Sequence[Candle], Ticker, dict[str, PackedOrder]]:
    return job.view, job.candles, job.ticker, unpack_orders(job.orders)


def _take_pipes() -> tuple[BinaryIO, Outlet]:
    """Move the pipes away from 0 and 1, where a strategy or its children could reach them."""
    inlet, outlet = os.dup(0), os.dup(1)
    for number, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY)):
        nothing = os.open(os.devnull, flags)
        os.dup2(nothing, number)
        os.close(nothing)
    return os.fdopen(inlet, "rb"), Outlet(os.fdopen(outlet, "wb", buffering=0))


def _listen(
    inlet: BinaryIO,
    jobs: queue.SimpleQueue[channel.ToWorker],
    outlet: Outlet,
    main_thread: int,
) -> None:
    """Hand messages to the main thread; end the process when the terminal has gone."""
    with contextlib.suppress(OSError):
        while (message := channel.read_from_terminal(inlet)) is not None:
            if isinstance(message, channel.Where):
                outlet.send(loading.where(main_thread))
            else:
                jobs.put(message)
    os._exit(0)


if __name__ == "__main__":
    main()
