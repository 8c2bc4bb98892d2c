"""The thread that owns all workers: what each may do now, until when, and what became of it.

A bot may send orders only while its strategy is called. When the time of a call is over it loses
that right at once; then its worker is asked where it is, for the report, and killed. Which workers
there are is the roster's.
"""

from __future__ import annotations

import logging
import queue
import time
import traceback

from bots import channel, events
from bots.journal import BotJournal
from bots.outcomes import Outcomes
from bots.process import WorkerProcess
from bots.roster import Roster
from bots.workers import REFUSALS, STARTING, Bot, Packer, Phase, as_order
from common.engine.bot_items import BotFailed, BotFinished, BotLoaded
from common.engine.ports import Inbox
from common.errors import StrategyError

log = logging.getLogger(__name__)

ORDER_CALLS_PER_BAR = 500  # more in one call of a strategy is taken for a loop
_ANSWER_PATIENCE = 60.0  # seconds; only a defect makes the engine answer later
_LAST_WORDS = 0.3  # seconds to answer `Where`


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
        self._limits = limits
        self._outcomes = Outcomes(inbox, journal or BotJournal(None))
        self._roster = Roster(limits, self._outcomes, self._hear)
        self._packer = Packer()
        self._number = 0  # of the last order call; never repeats

    def run(self) -> None:
        """Serve until `Stop`. A defect here is told to the engine as the failure of every bot."""
        try:
            while self._take_next():
                self._roster.start_waiting()
        except Exception:  # noqa: BLE001 - the thread's top: nothing may die silently
            detail = traceback.format_exc()
            log.error("the supervisor of the bots failed\n%s", detail)
            for emi in self._outcomes.batch.emis:
                reason = "the bots' supervisor failed; F3 reloads"
                self._outcomes.tell(BotFailed(emi, reason, detail))
        finally:
            self._roster.end_all()

    def _take_next(self) -> bool:
        """Serve the next event, or the next deadline; False: it was `Stop`."""
        deadlines = [bot.deadline for bot in self._roster.bots() if bot.deadline is not None]
        wait = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        try:
            event: events.Event = self._events.get(timeout=wait)
        except queue.Empty:
            self._expire(time.monotonic())
            return True
        self._serve(event)
        return not isinstance(event, events.Stop)

    def _serve(self, event: events.Event) -> None:
        if isinstance(event, events.Heard):
            # What left its pipe in time counts, even if this thread was held up by a full inbox.
            self._expire(event.at)
            self._heard(event)
        elif isinstance(event, events.Call):
            self._call(event)
        elif isinstance(event, events.Answer):
            self._answer(event)
        elif isinstance(event, events.Load):
            self._roster.replace(event)
        elif isinstance(event, events.Start):
            self._roster.start_one(event)
        elif isinstance(event, events.End):
            self._roster.end_one(event)
        elif isinstance(event, events.CodeChanged):
            self._roster.code_changed(event.digests)

    # ---- time -----------------------------------------------------------------------------

    def _expire(self, now: float) -> None:
        for bot in self._roster.bots():
            if bot.deadline is None or bot.deadline > now:
                continue
            if self._roster.at(bot.worker) is None:
                continue  # it stood beside one that has just failed, and was ended with it
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
        self._roster.keep_up(event)
        bot = self._roster.of(event.emi)
        if bot is None or event.batch is not self._outcomes.batch or bot.phase is not Phase.IDLE:
            return
        bot.phase, bot.order_calls = Phase.RUNNING, 0
        bot.deadline = time.monotonic() + self._limits.budget
        call = event.call
        bot.worker.send(self._packer.message(call))

    def _answer(self, event: events.Answer) -> None:
        bot = self._roster.of(event.emi)
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
        bot = self._roster.at(event.worker)
        message = event.message
        if bot is None:
            return
        if message is None:
            self._fail(bot, "", "")
        elif isinstance(message, StrategyError):
            self._fail(bot, str(message), "")
        elif isinstance(message, channel.Printed):
            log.info("bot %s: %s", bot.emi, message.text)
            self._outcomes.say(bot, message.text)
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
        elif isinstance(message, channel.Loaded) and message.problem and bot.phase in STARTING:
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
        self._outcomes.flush(bot)
        self._roster.swap(bot.emi)
        self._outcomes.batch.free.add(bot.emi)
        self._outcomes.tell(BotFinished(bot.emi, seconds))

    def _loaded(self, bot: Bot, message: channel.Loaded) -> None:
        bot.phase, bot.deadline, bot.loaded = Phase.IDLE, None, message
        self._roster.loaded(bot)

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
        self._outcomes.tell(as_order(bot.emi, self._number, call))

    def _refused(self, bot: Bot, text: str) -> None:
        log.warning("bot %s: %s", bot.emi, text)
        self._outcomes.say(bot, text, error=True)
        if bot.refused_too_often(time.monotonic()):
            self._fail(bot, f"{REFUSALS} senseless order calls within a minute: {text}", "")

    def _fail(self, bot: Bot, reason: str, detail: str, *, raised: bool = False) -> None:
        """End a bot; the engine learns why."""
        loading = bot.phase in STARTING or bot.overdue in STARTING
        if not bot.beside:
            self._roster.end_beside(bot.emi)  # the engine will ask for a new one
        ended = self._roster.end(bot)
        reason = reason or ended
        log.error("bot %s: %s (%s)\n%s", bot.emi, reason, ended, detail)
        self._outcomes.say(bot, f"{reason} ({ended})\n{detail}".rstrip(), error=True)
        self._outcomes.flush(bot)
        if loading or bot.beside:
            self._outcomes.tell(BotLoaded(bot.emi, reason, beside=bot.beside))
        else:
            self._outcomes.tell(BotFailed(bot.emi, reason, detail, raised))
