"""What is known of one worker, what is wished of one to be started, and what it is sent first."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from bots import channel, events
from bots.packed_orders import pack_orders
from bots.process import Leavers, WorkerProcess
from bots.sources import saved_at
from common.domain.bots import BotCode, BotLine
from common.domain.market import Candle
from common.engine.bot_items import BotCall, BotOrder, OrderView, RobotView

REFUSALS = 3  # orders with senseless arguments within ...
REFUSAL_WINDOW = 60.0  # ... so many seconds stop the bot
GOODBYE = 0.5  # seconds that strategies have for what they do last
HISTORY_PORTION = 500  # bars a message


class Phase(Enum):
    """What a worker does."""

    LOADING = "loading"
    TRYING = "trying"  # new code is called once without orders
    IDLE = "idle"
    RUNNING = "running"  # the strategy is called: orders are accepted
    ASKING = "asking"  # an order call waits for the engine
    OVERDUE = "overdue"  # its time is over: nothing is accepted, it is asked where it is


STARTING = (Phase.LOADING, Phase.TRYING)


@dataclass(slots=True, eq=False)
class Bot:
    """One worker of a bot. `beside`: it is to take the place of another one that runs."""

    emi: str
    worker: WorkerProcess
    beside: bool = False
    phase: Phase = Phase.LOADING
    overdue: Phase | None = None  # what it did when its time was over
    deadline: float | None = None  # monotonic seconds
    left: float = 0.0  # seconds of the call that remain while the engine is asked
    pending: int = 0  # number of the order call that waits for its answer
    order_calls: int = 0
    loaded: channel.Loaded | None = None
    lines: list[BotLine] = field(default_factory=list)  # not told to the engine yet
    refusals: deque[float] = field(default_factory=lambda: deque(maxlen=REFUSALS))

    @property
    def code(self) -> BotCode:
        """What it has loaded."""
        loaded = self.loaded or channel.Loaded("")
        return BotCode(loaded.file, saved_at(loaded.saved), loaded.digest)

    @property
    def takes_fills(self) -> bool:
        """Whether its strategy wants to be told of fills."""
        return self.loaded is not None and self.loaded.takes_fills

    @property
    def says_goodbye(self) -> bool:
        """Whether its strategy has something to do at its end, and is free to do it."""
        return self.loaded is not None and self.loaded.stops and self.phase is Phase.IDLE

    def refused_too_often(self, now: float) -> bool:
        """Count a senseless order call at `now` (monotonic seconds)."""
        self.refusals.append(now)
        return len(self.refusals) == REFUSALS and now - self.refusals[0] <= REFUSAL_WINDOW


@dataclass(slots=True)
class Wish:
    """A worker that is to be started."""

    view: RobotView
    bars: list[Candle]  # closed bars; those that close while it waits are added
    trial: BotCall | None = None  # to be tried with, when it takes the place of another one


class Packer:
    """Makes messages of calls; a list of orders that goes to many bots is packed once."""

    def __init__(self) -> None:
        self._packed: tuple[Sequence[OrderView], bytes] | None = None

    def message(self, call: BotCall) -> channel.Call | channel.FillCall:
        """Return a call as it goes to the worker."""
        if self._packed is None or self._packed[0] is not call.orders:
            self._packed = (call.orders, pack_orders(call.orders))
        orders = self._packed[1]
        if call.fills:
            return channel.FillCall(call.view, call.ticker, orders, call.fills)
        return channel.Call(call.view, tuple(call.candles), call.ticker, orders)


def say_goodbye(bots: Iterable[Bot]) -> None:
    """Let many strategies do what comes last at the same time, in one span of `GOODBYE`."""
    leaving = [bot for bot in bots if bot.says_goodbye]
    for bot in leaving:
        bot.worker.send(channel.StopStrategy())
    end = time.monotonic() + GOODBYE
    for bot in leaving:
        bot.worker.leave(max(0.0, end - time.monotonic()))
        bot.loaded = None  # it has been said


def retire(bot: Bot, leavers: Leavers) -> None:
    """End a worker that nobody waits for, after its strategy has done what comes last."""
    if bot.says_goodbye:
        bot.worker.send(channel.StopStrategy())
    leavers.add(bot.worker, GOODBYE if bot.says_goodbye else 0.0)


def feed(worker: WorkerProcess, bars: Sequence[Candle]) -> None:
    """Send bars to a worker, in portions."""
    for first in range(0, len(bars), HISTORY_PORTION):
        worker.send(channel.History(tuple(bars[first : first + HISTORY_PORTION])))


def introduce(
    worker: WorkerProcess,
    wish: Wish,
    algo: Path | None,
    views: Sequence[RobotView],
    limits: events.Limits,
) -> None:
    """Tell a new worker what it is for; it answers with `Loaded`."""
    emi = wish.view.robot.emi
    folder = None if algo is None else str(algo)
    all_views = (*(view for view in views if view.robot.emi != emi), wish.view)
    worker.send(channel.Setup(emi, folder, all_views, limits.memory, limits.init))
    feed(worker, wish.bars)
    trial, call = None, wish.trial
    if call is not None:
        trial = channel.Call(call.view, (), call.ticker, pack_orders(call.orders))
    worker.send(channel.LoadStrategy(trial))


def as_order(emi: str, number: int, call: channel.OrderCall) -> BotOrder:
    """Return a worker's order call as the engine takes it."""
    return BotOrder(
        emi=emi,
        call=number,
        verb=call.verb,
        market=call.market,
        symbol=call.symbol,
        on_behalf_of=call.on_behalf_of,
        side=call.side,
        price=call.price,
        quantity=call.quantity,
        cl_ord_id=call.cl_ord_id,
    )
