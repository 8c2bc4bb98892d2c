"""What the engine remembers of each bot's strategy: its log, errors, code, faults."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.domain.bots import BotCode, BotLine
from common.domain.robots import Status
from common.engine.ports import BotRunner

STARTS = 3  # a strategy that fails so often within a minute is not started anew by itself
KEPT_LINES = 200  # of each bot, for the window; the file has more


@dataclass(slots=True)
class BotRecord:
    """One bot since the start or F3."""

    errors: int = 0
    code: BotCode | None = None
    note: str = ""  # why new code is not used
    loaded: bool = False  # a worker is there that can be called
    resume: Status | None = None  # what it was when its code could not be loaded
    fault: tuple[Status, str] | None = None  # what stopped it last while it ran
    starts: deque[datetime] = field(default_factory=lambda: deque(maxlen=STARTS))
    lines: deque[BotLine] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    shown: tuple[BotLine, ...] | None = None  # the lines as a snapshot has them


class BotRecords:
    """The records of one market's bots, by EMI. The engine's thread only."""

    def __init__(self, runner: BotRunner, now: Callable[[], datetime]) -> None:
        self._runner = runner
        self._now = now
        self._records: dict[str, BotRecord] = {}

    def of(self, emi: str) -> BotRecord:
        """Return the record of a bot, made where there is none."""
        return self._records.setdefault(emi, BotRecord())

    def forget(self, emi: str) -> None:
        """A bot is deleted; another one may have its name later."""
        self._records.pop(emi, None)

    def may_start(self, emi: str) -> bool:
        """Whether a failed strategy is started anew; counts that it is."""
        starts, now = self.of(emi).starts, self._now()
        if len(starts) == STARTS and now - starts[0] < timedelta(minutes=1):
            return False
        starts.append(now)
        return True

    def say(self, emi: str, text: str, *, error: bool = False) -> None:
        """Write a line of the engine's into the bot's log; an error is counted."""
        line = BotLine(self._now(), text, error)
        self.heard(emi, (line,))
        self._runner.note(emi, line)

    def heard(self, emi: str, lines: tuple[BotLine, ...]) -> None:
        """Take in lines that the runner has written to the bot's file."""
        record = self.of(emi)
        record.errors += sum(line.error for line in lines)
        record.lines.extend(lines)
        record.shown = None

    def lines(self, emi: str) -> tuple[BotLine, ...]:
        """Return the newest lines of a bot's log, oldest first."""
        record = self._records.get(emi)
        if record is None:
            return ()
        if record.shown is None:
            record.shown = tuple(record.lines)
        return record.shown

    def logs(self) -> dict[str, tuple[BotLine, ...]]:
        """Return the logs of all bots that have one."""
        return {emi: self.lines(emi) for emi in self._records}
