"""The thread that owns all workers: what each may do now, until when, and what became of it.

A bot may send orders only while its strategy is called. When the time of a call is over it loses
that right at once; then its worker is asked where it is, for the report, and killed.
"""

from __future__ import annotations

import logging
import os
import queue
import time
import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from bots import channel
from bots.events import Answer, Batch, Call, Event, Heard, Limits, Load, Stop
from bots.process import WorkerProcess
from common.engine.items import BotFailed, BotFinished, BotLoaded, BotOrder, OrderView, RobotView
from common.engine.ports import Inbox
from common.errors import StrategyError

log = logging.getLogger(__name__)

ORDER_CALLS_PER_BAR = 500  # more in one call of a strategy is taken for a loop
REFUSALS = 3  # orders with senseless arguments within ...
REFUSAL_WINDOW = 60.0  # ... so many seconds stop the bot
_ANSWER_PATIENCE = 60.0  # seconds; only a defect makes the engine answer later
_LAST_WORDS = 0.3  # seconds to answer `Where`
_HISTORY_PORTION = 500  # bars a message
_STARTING_AT_ONCE = max(2, os.cpu_count() or 1)


class Phase(Enum):
    """What a worker does."""

    LOADING = "loading"
    IDLE = "idle"
    RUNNING = "running"  # the strategy is called: orders are accepted
    ASKING = "asking"  # an order call waits for the engine
    OVERDUE = "overdue"  # its time is over: nothing is accepted, it is asked where it is


@dataclass(slots=True)
class _Bot:
    emi: str
    worker: WorkerProcess
    phase: Phase = Phase.LOADING
    deadline: float | None = None  # monotonic seconds
    left: float = 0.0  # seconds of the call that remain while the engine is asked
    pending: int = 0  # number of the order call that waits for its answer
    order_calls: int = 0
    refusals: deque[float] = field(default_factory=lambda: deque(maxlen=REFUSALS))


class Supervisor:
    """Takes one event after the other, or the next deadline."""

    def __init__(self, events: queue.SimpleQueue[Event], inbox: Inbox, limits: Limits) -> None:
        self._events = events
        self._inbox = inbox
        self._limits = limits
        self._batch = Batch(())
        self._load: Load | None = None
        self._waiting: deque[RobotView] = deque()  # not started yet
        self._bots: dict[str, _Bot] = {}
        self._packed: tuple[Sequence[OrderView], bytes] | None = None
        self._number = 0  # of the last order call; never repeats

    def run(self) -> None:
        """Serve until `Stop`. A defect here is told to the engine as the failure of every bot."""
        try:
            while self._take_next():
                self._start_waiting()
        except Exception:  # noqa: BLE001 - the thread's top: nothing may die silently
            detail = traceback.format_exc()
            log.error("the supervisor of the bots failed\n%s", detail)
            for emi in self._batch.emis:
                self._tell(BotFailed(emi, "the bots' supervisor failed; F3 reloads", detail))
        finally:
            self._end_all()

    def _take_next(self) -> bool:
        deadlines = [bot.deadline for bot in self._bots.values() if bot.deadline is not None]
        wait = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        try:
            event: Event = self._events.get(timeout=wait)
        except queue.Empty:
            self._expire(time.monotonic())
            return True
        if isinstance(event, Load):
            self._replace(event)
        elif isinstance(event, Call):
            self._call(event)
        elif isinstance(event, Answer):
            self._answer(event)
        elif isinstance(event, Heard):
            # What left its pipe in time counts, even if this thread was held up by a full inbox.
            self._expire(event.at)
            self._heard(event)
        return not isinstance(event, Stop)

    # ---- starting and ending --------------------------------------------------------------

    def _replace(self, load: Load) -> None:
        self._end_all()
        self._load, self._batch = load, load.batch
        self._waiting = deque(load.views)

    def _start_waiting(self) -> None:
        """Start workers, few at a time: a hundred at once would take the processor from all."""
        while self._waiting:
            loading = sum(1 for bot in self._bots.values() if bot.phase is Phase.LOADING)
            if loading >= _STARTING_AT_ONCE:
                return
            self._start(self._waiting.popleft().robot.emi)

    def _start(self, emi: str) -> None:
        load = self._load
        if load is None:
            return
        try:
            worker = WorkerProcess(emi, self._hear)
        except OSError as error:
            self._tell(BotLoaded(emi, f"its process cannot be started: {error}"))
            return
        self._bots[emi] = _Bot(emi, worker, deadline=time.monotonic() + self._limits.load_budget)
        folder = None if load.algo is None else str(load.algo)
        worker.send(channel.Setup(emi, folder, load.views, self._limits.memory))
        bars = tuple(load.history.get(emi, ()))
        for first in range(0, len(bars), _HISTORY_PORTION):
            worker.send(channel.History(bars[first : first + _HISTORY_PORTION]))
        worker.send(channel.LoadStrategy())

    def _end_all(self) -> None:
        self._waiting.clear()
        for bot in list(self._bots.values()):
            self._end(bot)

    def _end(self, bot: _Bot) -> str:
        self._batch.free.discard(bot.emi)
        del self._bots[bot.emi]
        return bot.worker.end()

    def _fail(self, bot: _Bot, reason: str, detail: str) -> None:
        """End a bot; the engine learns why."""
        was = bot.phase
        ended = self._end(bot)
        log.error("bot %s: %s (%s)\n%s", bot.emi, reason, ended, detail)
        if was is Phase.LOADING:
            self._tell(BotLoaded(bot.emi, reason or ended))
        else:
            self._tell(BotFailed(bot.emi, reason or ended, detail))

    def _tell(self, outcome: BotLoaded | BotOrder | BotFinished | BotFailed) -> None:
        """Put an outcome into the inbox, unless it would be taken for one of the next batch."""
        if not self._batch.retired:
            self._inbox.put(outcome)

    # ---- time -----------------------------------------------------------------------------

    def _expire(self, now: float) -> None:
        for bot in list(self._bots.values()):
            if bot.deadline is None or bot.deadline > now:
                continue
            if bot.phase is Phase.OVERDUE:
                self._fail(bot, self._too_long(""), "")
            elif bot.phase is Phase.LOADING:
                seconds = self._limits.load_budget
                self._fail(bot, f"not loaded within {seconds:g} s", "")
            elif bot.phase is Phase.ASKING:
                self._fail(bot, "the terminal did not answer its order call", "")
            else:
                bot.phase = Phase.OVERDUE
                bot.deadline = now + _LAST_WORDS
                bot.worker.send(channel.Where())

    def _too_long(self, place: str) -> str:
        at = f"; it was at {place}" if place else ""
        return f"did not return within {self._limits.budget:g} s{at}"

    # ---- the engine's events --------------------------------------------------------------

    def _call(self, event: Call) -> None:
        bot = self._bots.get(event.emi)
        if bot is None or event.batch is not self._batch or bot.phase is not Phase.IDLE:
            return
        bot.phase, bot.order_calls = Phase.RUNNING, 0
        bot.deadline = time.monotonic() + self._limits.budget
        call = event.call
        bot.worker.send(
            channel.Call(call.view, tuple(call.candles), call.ticker, self._pack(call.orders))
        )

    def _pack(self, orders: Sequence[OrderView]) -> bytes:
        """Pack the open orders; a list that goes to many bots is packed once."""
        if self._packed is None or self._packed[0] is not orders:
            self._packed = (orders, channel.pack_orders(orders))
        return self._packed[1]

    def _answer(self, event: Answer) -> None:
        bot = self._bots.get(event.emi)
        if bot is None or bot.phase is not Phase.ASKING or bot.pending != event.number:
            return
        if not event.answer.cl_ord_id:
            log.warning("bot %s: order refused: %s", bot.emi, event.answer.reason)
        bot.phase, bot.pending = Phase.RUNNING, 0
        bot.deadline = time.monotonic() + bot.left
        bot.worker.send(event.answer)

    # ---- the workers' messages ------------------------------------------------------------

    def _hear(
        self, worker: WorkerProcess, message: channel.FromWorker | StrategyError | None
    ) -> None:
        """Take a message on the worker's reading thread."""
        self._events.put(Heard(worker, message, time.monotonic()))

    def _heard(self, event: Heard) -> None:
        bot = next((b for b in self._bots.values() if b.worker is event.worker), None)
        message = event.message
        if bot is None:
            return
        if message is None:
            self._fail(bot, "", "")
        elif isinstance(message, StrategyError):
            self._fail(bot, str(message), "")
        elif isinstance(message, channel.Printed):
            log.info("bot %s: %s", bot.emi, message.text)
        elif isinstance(message, channel.Failed):
            self._fail(bot, message.reason, message.detail)
        elif bot.phase is Phase.OVERDUE:
            if isinstance(message, channel.Stack):
                self._fail(bot, self._too_long(message.reason), message.detail)
        else:
            self._heard_in_time(bot, message)

    def _heard_in_time(self, bot: _Bot, message: channel.FromWorker) -> None:
        if isinstance(message, channel.Loaded) and bot.phase is Phase.LOADING:
            self._loaded(bot, message.problem)
        elif isinstance(message, channel.Finished) and bot.phase is Phase.RUNNING:
            bot.phase, bot.deadline = Phase.IDLE, None
            self._batch.free.add(bot.emi)
            self._tell(BotFinished(bot.emi, message.seconds))
        elif isinstance(message, channel.OrderCall) and bot.phase is Phase.RUNNING:
            self._order(bot, message)
        elif isinstance(message, channel.RefusedHere):
            self._refused(bot, message.text)
        else:
            self._fail(bot, f"its process said {type(message).__name__} out of turn", "")

    def _loaded(self, bot: _Bot, problem: str) -> None:
        if problem:
            self._fail(bot, problem, "")
            return
        bot.phase, bot.deadline = Phase.IDLE, None
        self._batch.free.add(bot.emi)
        log.info("bot %s: loaded, process %d", bot.emi, bot.worker.pid)
        self._tell(BotLoaded(bot.emi))

    def _order(self, bot: _Bot, call: channel.OrderCall) -> None:
        bot.order_calls += 1
        if bot.order_calls > ORDER_CALLS_PER_BAR:
            self._fail(bot, f"more than {ORDER_CALLS_PER_BAR} order calls in one bar", "")
            return
        self._number += 1
        bot.phase, bot.pending = Phase.ASKING, self._number
        # Waiting for the engine does not count: a bot must not die of the engine's delay.
        now = time.monotonic()
        bot.left = (bot.deadline or now) - now
        bot.deadline = now + _ANSWER_PATIENCE
        self._tell(
            BotOrder(
                emi=bot.emi,
                call=self._number,
                verb=call.verb,
                market=call.market,
                symbol=call.symbol,
                on_behalf_of=call.on_behalf_of,
                side=call.side,
                price=call.price,
                quantity=call.quantity,
                cl_ord_id=call.cl_ord_id,
            )
        )

    def _refused(self, bot: _Bot, text: str) -> None:
        log.warning("bot %s: %s", bot.emi, text)
        now = time.monotonic()
        bot.refusals.append(now)
        if len(bot.refusals) == REFUSALS and now - bot.refusals[0] <= REFUSAL_WINDOW:
            self._fail(bot, f"{REFUSALS} senseless order calls within a minute: {text}", "")
