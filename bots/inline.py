"""Runs strategies in this process and on the engine's thread, for back-tests; `ports.BotRunner`.

The worker is the one that otherwise lives in a process of its own: it gives the strategy the same
façades, checks and answers. A strategy is trusted here: there is no time budget, no memory limit
and no wall between it and the program. The limits that count (order calls a bar, senseless calls
a minute) are the same, on the clock of the back-test.

The façades of the strategy API are class attributes, so one process can run one bot this way.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from api.websockets import Websockets
from bots import channel
from bots.packed_orders import order_rows
from bots.sources import forget
from bots.supervisor import ORDER_CALLS_PER_BAR
from bots.variables import Variables as Bots
from bots.worker import Worker
from bots.workers import REFUSAL_WINDOW, REFUSALS, as_order
from common.domain.bots import BotLine
from common.domain.market import Candle
from common.domain.robots import Robot
from common.engine.bot_items import BotAnswer, BotCall, BotFailed, BotLoaded, RobotView
from common.engine.ports import Clock, Inbox
from common.errors import StrategyError
from common.variables import Variables as Orders

log = logging.getLogger(__name__)


class InlineBotRunner:
    """One bot, called synchronously. Its inbox must serve a `BotOrder` before `put` returns."""

    def __init__(self, robot: Robot, algo: Path | None, clock: Clock) -> None:
        """`robot` names the strategy and its parameters."""
        self.calls = 0  # of the strategy
        self.period = 0  # bars that the strategy said it needs
        self._robot = robot
        self._emi = robot.emi
        self._algo = algo
        self._clock = clock
        self._inbox: Inbox | None = None
        self._worker: Worker | None = None
        self._says = _Says(self)

    def start(self, inbox: Inbox) -> None:
        """Remember where outcomes go."""
        self._inbox = inbox

    def load(self, views: Sequence[RobotView], history: dict[str, Sequence[Candle]]) -> None:
        """Import the strategy of the bot -> BotLoaded; other bots are not loaded."""
        self._forget()
        own = tuple(self._own(view) for view in views if view.robot.emi == self._emi)
        if not own:
            return
        folder = self._algo.resolve() if self._algo and self._algo.is_dir() else None
        setup = channel.Setup(self._emi, None if folder is None else str(folder), own, 0, 0.0)
        self._worker = Worker(setup, self._says, self._says)
        self._worker.remember(history.get(self._emi, ()))
        self._worker.load()
        period = Bots.robots.get(self._emi, {}).get("PERIOD", 0)
        self.period = period if isinstance(period, int) else 0

    def call(self, emi: str, call: BotCall) -> bool:
        """Call the strategy and return when it has returned; False when there is none."""
        if emi != self._emi or self._worker is None:
            return False
        self.calls += 1
        self._says.orders = 0
        if call.fills:
            self._worker.fill(call.view, call.ticker, order_rows(call.orders), call.fills)
            return True
        self._worker.call(call.view, call.candles, call.ticker, order_rows(call.orders))
        return True

    def start_bot(self, call: BotCall) -> None:
        """Nobody edits a strategy while it is tested."""

    def end_bot(self, emi: str) -> None:
        """Nobody deletes a bot while it is tested."""

    def note(self, emi: str, line: BotLine) -> None:
        """Lines of a bot's log are told as notices too."""

    def answer(self, emi: str, call: int, answer: BotAnswer) -> None:
        """Answer the `BotOrder` that is being served."""
        self._says.answer = answer

    def stop(self) -> None:
        """Let the strategy do what comes last, forget it and empty the façades."""
        if self._worker is not None:
            self._worker.stop()
        self._forget()

    def hear(self, message: channel.FromWorker) -> None:
        """Take what the worker says; an order call is answered before this returns."""
        if isinstance(message, channel.OrderCall):
            self._order(message)
        elif isinstance(message, channel.Loaded):
            self._put(BotLoaded(self._emi, message.problem, takes_fills=message.takes_fills))
        elif isinstance(message, channel.Failed):
            self._worker = None
            self._put(BotFailed(self._emi, message.reason, message.detail))
        elif isinstance(message, channel.RefusedHere):
            self._refused(message.text)

    def _own(self, view: RobotView) -> RobotView:
        """Return the view of a bot with the strategy and parameters that are tested."""
        given = self._robot
        robot = replace(view.robot, strategy=given.strategy, parameters=given.parameters)
        return replace(view, robot=robot)

    def _order(self, call: channel.OrderCall) -> None:
        self._says.orders += 1
        if self._says.orders > ORDER_CALLS_PER_BAR:
            raise StrategyError(f"more than {ORDER_CALLS_PER_BAR} order calls in one bar")
        self._put(as_order(self._emi, self._says.orders, call))

    def _refused(self, text: str) -> None:
        log.warning("bot %s: %s", self._emi, text)
        refusals, now = self._says.refusals, self._clock.monotonic()
        refusals.append(now)
        if len(refusals) == REFUSALS and now - refusals[0] <= REFUSAL_WINDOW:
            raise StrategyError(f"{REFUSALS} senseless order calls within a minute: {text}")

    def _put(self, item: object) -> None:
        if self._inbox is None:
            raise RuntimeError("the runner was not started")
        self._inbox.put(item)

    def _forget(self) -> None:
        """Leave no trace in this process: the next back-test imports and fills everything anew."""
        self._worker = None
        Bots.robo, Bots.robots, Bots.frames, Bots.framing = {}, {}, {}, {}
        Orders.orders = {}
        Websockets.connect.clear()
        forget()


class _Says:
    """Both ends of a worker's pipes."""

    def __init__(self, runner: InlineBotRunner) -> None:
        self._runner = runner
        self.orders = 0  # calls in this bar
        self.refusals: deque[float] = deque(maxlen=REFUSALS)
        self.answer: BotAnswer | None = None

    def send(self, message: channel.FromWorker) -> None:
        """Tell the runner."""
        self._runner.hear(message)

    def get(self) -> channel.ToWorker:
        """Return the answer to the order call that was sent last."""
        answer, self.answer = self.answer, None
        if answer is None:
            raise RuntimeError("an order call was not answered at once")
        return answer
