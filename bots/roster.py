"""Which worker serves which bot: started few at a time, replaced by one with new code, ended.

New code runs in a second worker beside the first one, is tried there, and takes the first one's
place when that is idle. What workers may do while they are there is the supervisor's.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping

from bots import channel, events
from bots.outcomes import Outcomes
from bots.process import Leavers, WorkerProcess
from bots.workers import (
    GOODBYE,
    STARTING,
    Bot,
    Phase,
    Wish,
    feed,
    introduce,
    retire,
    say_goodbye,
)
from common.engine.bot_items import BotLoaded, BotWanted
from common.errors import StrategyError

log = logging.getLogger(__name__)

_STARTING_AT_ONCE = max(2, os.cpu_count() or 1)

Hear = Callable[[WorkerProcess, channel.FromWorker | StrategyError | None], None]


class Roster:
    """The workers of one batch. `hear` takes their messages, on their reading threads."""

    def __init__(self, limits: events.Limits, outcomes: Outcomes, hear: Hear) -> None:
        self._limits = limits
        self._outcomes = outcomes
        self._hear = hear
        self._load: events.Load | None = None
        self._waiting: deque[Wish] = deque()  # not started yet
        self._serving: dict[str, Bot] = {}  # what is called
        self._beside: dict[str, Bot] = {}  # with new code, not ready yet
        self._workers: dict[WorkerProcess, Bot] = {}  # all of both
        self._leavers = Leavers()

    def of(self, emi: str) -> Bot | None:
        """Return the worker that is called for a bot."""
        return self._serving.get(emi)

    def at(self, worker: WorkerProcess) -> Bot | None:
        """Return what is known of a worker; None: nobody listens to it any more."""
        return self._workers.get(worker)

    def bots(self) -> list[Bot]:
        """Return what is known of every worker that is listened to."""
        return list(self._workers.values())

    # ---- what is wanted -------------------------------------------------------------------

    def replace(self, load: events.Load) -> None:
        """End all workers; those of the next batch wait to be started."""
        self.end_all()
        self._load, self._outcomes.batch = load, load.batch
        self._waiting = deque(
            Wish(view, list(load.history.get(view.robot.emi, ()))) for view in load.views
        )

    def start_one(self, event: events.Start) -> None:
        """Start a bot anew; where it has a worker, new code is tried beside it first."""
        call = event.call
        emi = call.view.robot.emi
        if event.batch is not self._outcomes.batch:
            return
        self._forget_wish(emi)
        event.batch.emis[emi] = None
        self.end_beside(emi)
        trial = call if emi in self._serving else None
        self._waiting.append(Wish(call.view, list(call.candles), trial))

    def end_one(self, event: events.End) -> None:
        """End what a bot has, also what has not been started yet."""
        if event.batch is not self._outcomes.batch:
            return
        event.batch.emis.pop(event.emi, None)
        self._forget_wish(event.emi)
        for bot in self.bots():
            if bot.emi == event.emi:
                self._retire(bot)

    def code_changed(self, digests: Mapping[str, str]) -> None:
        """Ask for new workers of the bots whose files are not what they run."""
        for emi in self._outcomes.batch.emis:
            bot = self._serving.get(emi)
            sources = bot.loaded.sources if bot and bot.loaded else None
            if sources is None or any(digests.get(name) != sources[name] for name in sources):
                self._outcomes.tell(BotWanted(emi))
            else:
                self.end_beside(emi)  # what runs is right again

    def keep_up(self, event: events.Call) -> None:
        """Give the bars of a call to the worker that is to take the place of the called one."""
        beside = self._beside.get(event.emi)
        if beside is not None:
            feed(beside.worker, event.call.candles)
        for wish in self._waiting:
            if wish.view.robot.emi == event.emi:
                wish.bars += event.call.candles

    def _forget_wish(self, emi: str) -> None:
        self._waiting = deque(w for w in self._waiting if w.view.robot.emi != emi)

    # ---- starting -------------------------------------------------------------------------

    def start_waiting(self) -> None:
        """Start workers, few at a time: a hundred at once would take the processor from all."""
        while self._waiting:
            starting = sum(1 for bot in self._workers.values() if bot.phase in STARTING)
            if starting >= _STARTING_AT_ONCE:
                return
            self._start(self._waiting.popleft())

    def _start(self, wish: Wish) -> None:
        load, emi = self._load, wish.view.robot.emi
        if load is None:
            return
        beside = emi in self._serving
        try:
            worker = WorkerProcess(emi, self._hear)
        except OSError as error:
            reason = f"its process cannot be started: {error}"
            self._outcomes.tell(BotLoaded(emi, reason, beside=beside))
            return
        if not beside:
            wish.trial = None
        bot = Bot(emi, worker, beside, deadline=time.monotonic() + self._limits.load_budget)
        self._workers[worker] = bot
        (self._beside if beside else self._serving)[emi] = bot
        introduce(worker, wish, load.algo, load.views, self._limits)

    def loaded(self, bot: Bot) -> None:
        """Let a worker be called that has loaded its strategy and is idle."""
        if bot.beside:
            self.swap(bot.emi)
        else:
            self._ready(bot)
            self._outcomes.batch.free.add(bot.emi)

    def swap(self, emi: str) -> None:
        """Let the worker with new code take the other one's place, when neither is at work."""
        former, fresh = self._serving.get(emi), self._beside.get(emi)
        if former is None or fresh is None:
            return
        if former.phase is not Phase.IDLE or fresh.phase is not Phase.IDLE:
            return
        free = emi in self._outcomes.batch.free
        self._retire(former)
        del self._beside[emi]
        self._serving[emi] = fresh
        if free:
            self._outcomes.batch.free.add(emi)
        self._ready(fresh)
        fresh.beside = False

    def _ready(self, bot: Bot) -> None:
        """Tell what a worker runs that can be called from now on."""
        code = bot.code
        log.info("bot %s: loaded, process %d", bot.emi, bot.worker.pid)
        self._outcomes.say(bot, f"loaded {code.file} {code.digest}")
        self._outcomes.flush(bot)
        self._outcomes.tell(BotLoaded(bot.emi, "", code, bot.beside, bot.takes_fills))

    # ---- ending ---------------------------------------------------------------------------

    def end_all(self) -> None:
        """End all workers and wait until they are gone, also those that were leaving."""
        self._waiting.clear()
        say_goodbye(self._workers.values())
        for bot in self.bots():
            self.end(bot)
        self._leavers.wait()

    def end_beside(self, emi: str) -> None:
        """End the worker that was to take the place of the one that is called, if there is one."""
        beside = self._beside.get(emi)
        if beside is not None:
            self.end(beside)

    def end(self, bot: Bot) -> str:
        """End a worker and return how it ended."""
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
        if self._serving.get(bot.emi) is bot:
            self._outcomes.batch.free.discard(bot.emi)
            del self._serving[bot.emi]
        else:
            self._beside.pop(bot.emi, None)
        self._outcomes.flush(bot)
