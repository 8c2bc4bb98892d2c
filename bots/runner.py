"""Runs strategies in processes of their own, one per bot; satisfies `ports.BotRunner`.

The engine's side: every method only leaves an event for the supervisor's thread, which owns the
workers (`bots.supervisor`).
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from pathlib import Path

from bots.catalog_reader import CatalogReader
from bots.code_watch import INTERVAL, CodeWatch, Digests
from bots.events import Answer, Batch, Call, CodeChanged, End, Event, Limits, Load, Start, Stop
from bots.journal import BotJournal
from bots.loading import PROGRAM_ALGO
from bots.supervisor import Supervisor
from common.domain.bots import BotLine
from common.domain.market import Candle
from common.engine.bot_items import BotAnswer, BotCall, RobotView
from common.engine.ports import Inbox

log = logging.getLogger(__name__)
_STOP_TIMEOUT = 30.0  # seconds


class ProcessBotRunner:
    """Bots in worker processes. All methods belong to the engine's thread.

    `algo`: folder of the profile's own strategies; None or absent: the program's own. `budget`:
    seconds that one call of a strategy may take, without the time in which it waits for the
    terminal. `load_budget`: seconds for starting a worker and importing the strategy.
    `memory_limit`: bytes that a worker may allocate, 0: any. `logs`: folder of the bots' log files;
    None: there are none. `watch`: seconds between two looks at the strategy files.
    """

    def __init__(
        self,
        *,
        algo: Path | None = None,
        budget: float = 2.0,
        load_budget: float = 60.0,
        memory_limit: int = 2 << 30,
        logs: Path | None = None,
        watch: float = INTERVAL,
    ) -> None:
        self._algo = algo
        self._limits = Limits(budget, load_budget, memory_limit)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._batch = Batch(())
        self._journal = BotJournal(logs)
        self._interval = watch
        self._watch: CodeWatch | None = None
        self._catalog = CatalogReader()
        self._folder = PROGRAM_ALGO
        self._thread: threading.Thread | None = None

    def start(self, inbox: Inbox) -> None:
        """Start the supervisor; outcomes go to `inbox`."""
        self._journal.start()
        self._catalog.start(inbox)
        supervisor = Supervisor(self._events, inbox, self._limits, self._journal)
        self._thread = threading.Thread(target=supervisor.run, name="bots", daemon=True)
        self._thread.start()

    def load(self, views: Sequence[RobotView], history: dict[str, Sequence[Candle]]) -> None:
        """End all workers and start one for each view; each gives one `BotLoaded`."""
        algo = self._algo.resolve() if self._algo and self._algo.is_dir() else None
        self._batch.retired = True
        self._batch = Batch(view.robot.emi for view in views)
        self._events.put(Load(self._batch, tuple(views), dict(history), algo))
        self._folder = algo or PROGRAM_ALGO
        self._catalog.read(self._folder)
        if self._watch is None:
            self._watch = CodeWatch(self._folder, self._code_changed, self._interval)
            self._watch.start()

    def start_bot(self, call: BotCall) -> None:
        """Start a worker for a bot, beside the one it has; gives a `BotLoaded`."""
        self._events.put(Start(self._batch, call))

    def end_bot(self, emi: str) -> None:
        """End the worker of a bot that is gone."""
        self._batch.free.discard(emi)
        self._events.put(End(self._batch, emi))

    def note(self, emi: str, line: BotLine) -> None:
        """Write a line into the file of a bot's log."""
        self._journal.write(emi, (line,))

    def call(self, emi: str, call: BotCall) -> bool:
        """Hand a closed bar over; False while the worker is busy, not loaded yet or gone."""
        if emi not in self._batch.free:
            return False
        self._batch.free.discard(emi)  # the supervisor adds it again when the call has returned
        self._events.put(Call(self._batch, emi, call))
        return True

    def answer(self, emi: str, call: int, answer: BotAnswer) -> None:
        """Answer a `BotOrder`; nothing happens when the bot does not wait for it any more."""
        self._events.put(Answer(emi, call, answer))

    def stop(self) -> None:
        """End every worker and the supervisor; waits until they are gone."""
        if self._thread is None:
            return
        self._batch.retired = True
        self._batch = Batch(())
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        self._events.put(Stop())
        self._thread.join(_STOP_TIMEOUT)
        if self._thread.is_alive():
            log.error("the supervisor of the bots does not end")
        self._thread = None
        self._journal.stop()
        self._catalog.stop()

    def _code_changed(self, digests: Digests) -> None:
        self._events.put(CodeChanged(digests))
        self._catalog.read(self._folder)
