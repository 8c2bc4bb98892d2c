"""The thread that owns all workers: what each may do now, until when, and what became of it.

A bot may send orders only while its strategy is called. When the time of a call is over it loses
that right at once; then its worker is asked where it is, for the report, and killed.

New code runs in a second worker beside the first one, is tried there, and takes the first one's
place when that is idle.
"""

from __future__ import annotations

import logging
import os
import queue
import time
import traceback
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timezone

from bots import channel, events
from bots.journal import BotJournal
from bots.process import Leavers, WorkerProcess
from bots.workers import (
    GOODBYE,
    REFUSALS,
    Bot,
    Packer,
    Phase,
    Wish,
    as_order,
    introduce,
    keep_up,
    retire,
    say_goodbye,
)
from common.domain.bots import BotLine
from common.engine.items import (
    BotFailed,
    BotFinished,
    BotLoaded,
    BotOrder,
    BotSaid,
    BotWanted,
)
from common.engine.ports import Inbox
from common.errors import StrategyError

log = logging.getLogger(__name__)

ORDER_CALLS_PER_BAR = 500  # more in one call of a strategy is taken for a loop
_ANSWER_PATIENCE = 60.0  # seconds; only a defect makes the engine answer later
_LAST_WORDS = 0.3  # seconds to answer `Where`
_LINES_HELD = 200  # of one bot, before the engine is told
_STARTING_AT_ONCE = max(2, os.cpu_count() or 1)
_STARTING = (Phase.LOADING, Phase.TRYING)


class Supervisor:
    """Takes one event after the other, or the next deadline."""

    def __init__(
        self,
        incoming: queue.SimpleQueue[events.Event],
        inbox: Inbox,
        limits: events.Limits,
        journal: BotJournal | None = None,
    ) -> None:
        self._events = incoming
        self._inbox = inbox
        self._limits = limits
        self._journal = journal or BotJournal(None)
        self._batch = events.Batch(())
        self._load: events.Load | None = None
        self._waiting: deque[Wish] = deque()  # not started yet
        self._bots: dict[str, Bot] = {}
        self._beside: dict[str, Bot] = {}  # with new code, not ready yet
        self._workers: dict[WorkerProcess, Bot] = {}
        self._packer = Packer()
        self._leavers = Leavers()
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
        deadlines = [bot.deadline for bot in self._workers.values() if bot.deadline is not None]
        wait = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        try:
            event: events.Event = self._events.get(timeout=wait)
        except queue.Empty:
            self._expire(time.monotonic())
            return True
        if isinstance(event, events.Heard):
            # What left its pipe in time counts, even if this thread was held up by a full inbox.
            self._expire(event.at)
            self._heard(event)
        elif isinstance(event, events.Call):
            self._call(event)
        elif isinstance(event, events.Answer):
            self._answer(event)
        elif isinstance(event, events.Load):
            self._replace(event)
        elif isinstance(event, events.Start):
            self._start_one(event)
        elif isinstance(event, events.End):
            self._end_one(event)
        elif isinstance(event, events.CodeChanged):
            self._code_changed(event.digests)
        return not isinstance(event, events.Stop)

    # ---- starting and ending --------------------------------------------------------------

    def _replace(self, load: events.Load) -> None:
        self._end_all()
        self._load, self._batch = load, load.batch
        self._waiting = deque(
            Wish(view, list(load.history.get(view.robot.emi, ()))) for view in load.views
        )

    def _start_one(self, event: events.Start) -> None:
        """Start a bot anew; where it has a worker, new code is tried beside it first."""
        call = event.call
        emi = call.view.robot.emi
        if event.batch is not self._batch:
            return
        self._waiting = deque(w for w in self._waiting if w.view.robot.emi != emi)
        self._batch.emis[emi] = None
        former = self._beside.get(emi)
        if former is not None:
            self._end(former)
        trial = call if emi in self._bots else None
        self._waiting.append(Wish(call.view, list(call.candles), trial))

    def _end_one(self, event: events.End) -> None:
        """End what a bot has, also what has not been started yet."""
        if event.batch is not self._batch:
            return
        self._batch.emis.pop(event.emi, None)
        self._waiting = deque(w for w in self._waiting if w.view.robot.emi != event.emi)
        for bot in [b for b in self._workers.values() if b.emi == event.emi]:
            self._retire(bot)

    def _code_changed(self, digests: Mapping[str, str]) -> None:
        """Ask for new workers of the bots whose files are not what they run."""
        for emi in self._batch.emis:
            bot = self._bots.get(emi)
            sources = bot.loaded.sources if bot and bot.loaded else None
            if sources is None or any(digests.get(name) != sources[name] for name in sources):
                self._tell(BotWanted(emi))
            elif emi in self._beside:
                self._end(self._beside[emi])  # what runs is right again

    def _start_waiting(self) -> None:
        """Start workers, few at a time: a hundred at once would take the processor from all."""
        while self._waiting:
            starting = sum(1 for bot in self._workers.values() if bot.phase in _STARTING)
            if starting >= _STARTING_AT_ONCE:
                return
            self._start(self._waiting.popleft())

    def _start(self, wish: Wish) -> None:
        load, emi = self._load, wish.view.robot.emi
        if load is None:
            return
        beside = emi in self._bots
        try:
            worker = WorkerProcess(emi, self._hear)
        except OSError as error:
            reason = f"its process cannot be started: {error}"
            self._tell(BotLoaded(emi, reason, beside=beside))
            return
        if not beside:
            wish.trial = None
        bot = Bot(emi, worker, beside, deadline=time.monotonic() + self._limits.load_budget)
        self._workers[worker] = bot
        (self._beside if beside else self._bots)[emi] = bot
        introduce(worker, wish, load.algo, load.views, self._limits)

    def _end_all(self) -> None:
        self._waiting.clear()
        say_goodbye(self._workers.values())
        for bot in list(self._workers.values()):
            self._end(bot)
        self._leavers.wait()

    def _end(self, bot: Bot) -> str:
        self._let_go(bot)
        if bot.says_goodbye:
            bot.worker.send(channel.StopStrategy())
            bot.worker.leave(GOODBYE)
        return bot.worker.end()

    def _retire(self, bot: Bot) -> None:
        """End a worker that nobody waits for; the other bots' calls do not wait for it either."""
        self._let_go(bot)
        retire(bot, self._leavers)

    def _let_go(self, bot: Bot) -> None:
        """Listen to a worker no longer."""
        del self._workers[bot.worker]
        if self._bots.get(bot.emi) is bot:
            self._batch.free.discard(bot.emi)
            del self._bots[bot.emi]
        else:
            self._beside.pop(bot.emi, None)
        self._flush(bot)

    def _fail(self, bot: Bot, reason: str, detail: str, *, raised: bool = False) -> None:
        """End a bot; the engine learns why."""
        loading = bot.phase in _STARTING or bot.overdue in _STARTING
        if not bot.beside and bot.emi in self._beside:
            self._end(self._beside[bot.emi])  # the engine will ask for a new one
        ended = self._end(bot)
        reason = reason or ended
        log.error("bot %s: %s (%s)\n%s", bot.emi, reason, ended, detail)
        self._say(bot, f"{reason} ({ended})\n{detail}".rstrip(), error=True)
        self._flush(bot)
        if loading or bot.beside:
            self._tell(BotLoaded(bot.emi, reason, beside=bot.beside))
        else:
            self._tell(BotFailed(bot.emi, reason, detail, raised))

    def _tell(
        self, outcome: BotLoaded | BotOrder | BotFinished | BotFailed | BotSaid | BotWanted
    ) -> None:
        """Put an outcome into the inbox, unless it would be taken for one of the next batch."""
        if not self._batch.retired:
            self._inbox.put(outcome)

    def _say(self, bot: Bot, text: str, *, error: bool = False) -> None:
        """Write a line into the bot's log; the engine hears of it with the next outcome."""
        bot.lines.append(BotLine(datetime.now(timezone.utc), text, error))
        if len(bot.lines) >= _LINES_HELD:
            self._flush(bot)

    def _flush(self, bot: Bot) -> None:
        if bot.lines:
            lines, bot.lines = tuple(bot.lines), []
            self._journal.write(bot.emi, lines)
            self._tell(BotSaid(bot.emi, lines))

    # ---- time -----------------------------------------------------------------------------

    def _expire(self, now: float) -> None:
        for bot in list(self._workers.values()):
            if bot.deadline is None or bot.deadline > now:
                continue
            if bot.phase is Phase.OVERDUE:
                self._too_long(bot)
            elif bot.phase is Phase.ASKING:
                self._fail(bot, "the terminal did not answer its order call", "")
            else:
                bot.overdue, bot.phase = bot.phase, Phase.OVERDUE
                bot.deadline = now + _LAST_WORDS
                bot.worker.send(channel.Where())

    def _too_long(self, bot: Bot, place: str = "", detail: str = "") -> None:
        loading = bot.overdue is Phase.LOADING
        self._fail(bot, self._limits.too_long(place, loading=loading), detail)

    # ---- the engine's events --------------------------------------------------------------

    def _call(self, event: events.Call) -> None:
        keep_up(event, self._beside.get(event.emi), self._waiting)
        bot = self._bots.get(event.emi)
        if bot is None or event.batch is not self._batch or bot.phase is not Phase.IDLE:
            return
        bot.phase, bot.order_calls = Phase.RUNNING, 0
        bot.deadline = time.monotonic() + self._limits.budget
        call = event.call
        bot.worker.send(self._packer.message(call))

    def _answer(self, event: events.Answer) -> None:
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
        self._events.put(events.Heard(worker, message, time.monotonic()))

    def _heard(self, event: events.Heard) -> None:
        bot = self._workers.get(event.worker)
        message = event.message
        if bot is None:
            return
        if message is None:
            self._fail(bot, "", "")
        elif isinstance(message, StrategyError):
            self._fail(bot, str(message), "")
        elif isinstance(message, channel.Printed):
            log.info("bot %s: %s", bot.emi, message.text)
            self._say(bot, message.text)
        elif isinstance(message, channel.Failed):
            self._fail(bot, message.reason, message.detail, raised=True)
        elif bot.phase is Phase.OVERDUE:
            if isinstance(message, channel.Stack):
                self._too_long(bot, message.reason, message.detail)
        else:
            self._heard_in_time(bot, message)

    def _heard_in_time(self, bot: Bot, message: channel.FromWorker) -> None:
        if isinstance(message, channel.Finished) and bot.phase is Phase.RUNNING:
            self._finished(bot, message.seconds)
        elif isinstance(message, channel.OrderCall) and bot.phase is Phase.RUNNING:
            self._order(bot, message)
        elif isinstance(message, channel.RefusedHere):
            self._refused(bot, message.text)
        elif isinstance(message, channel.Loaded) and message.problem and bot.phase in _STARTING:
            self._fail(bot, message.problem, message.detail)
        elif isinstance(message, channel.Loaded) and bot.phase is Phase.LOADING:
            self._loaded(bot, message)
        elif isinstance(message, channel.Trying) and bot.phase is Phase.LOADING:
            bot.phase = Phase.TRYING
            bot.deadline = time.monotonic() + self._limits.budget
        elif isinstance(message, channel.Tried) and bot.phase is Phase.TRYING:
            bot.phase = Phase.LOADING
            bot.deadline = time.monotonic() + self._limits.load_budget
        else:
            self._fail(bot, f"its process said {type(message).__name__} out of turn", "")

    def _finished(self, bot: Bot, seconds: float) -> None:
        bot.phase, bot.deadline = Phase.IDLE, None
        self._flush(bot)
        self._swap(bot.emi)
        self._batch.free.add(bot.emi)
        self._tell(BotFinished(bot.emi, seconds))

    def _loaded(self, bot: Bot, message: channel.Loaded) -> None:
        bot.phase, bot.deadline, bot.loaded = Phase.IDLE, None, message
        if bot.beside:
            self._swap(bot.emi)
        else:
            self._ready(bot)
            self._batch.free.add(bot.emi)

    def _swap(self, emi: str) -> None:
        """Let the worker with new code take the other one's place, when neither is at work."""
        former, fresh = self._bots.get(emi), self._beside.get(emi)
        if former is None or fresh is None or former.phase is not Phase.IDLE:
            return
        if fresh.phase is not Phase.IDLE:
            return
        free = emi in self._batch.free
        self._retire(former)
        del self._beside[emi]
        self._bots[emi] = fresh
        if free:
            self._batch.free.add(emi)
        self._ready(fresh)
        fresh.beside = False

    def _ready(self, bot: Bot) -> None:
        """Tell what a worker runs that can be called from now on."""
        code = bot.code
        log.info("bot %s: loaded, process %d", bot.emi, bot.worker.pid)
        self._say(bot, f"loaded {code.file} {code.digest}")
        self._flush(bot)
        self._tell(BotLoaded(bot.emi, "", code, bot.beside, bot.takes_fills))

    def _order(self, bot: Bot, call: channel.OrderCall) -> None:
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
        self._tell(as_order(bot.emi, self._number, call))

    def _refused(self, bot: Bot, text: str) -> None:
        log.warning("bot %s: %s", bot.emi, text)
        self._say(bot, text, error=True)
        if bot.refused_too_often(time.monotonic()):
            self._fail(bot, f"{REFUSALS} senseless order calls within a minute: {text}", "")
