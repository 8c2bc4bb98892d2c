"""What the engine learns of the workers, and what is written into the logs of their bots."""

from __future__ import annotations

from datetime import datetime, timezone

from bots.events import Batch
from bots.journal import BotJournal
from bots.workers import Bot
from common.domain.bots import BotLine
from common.engine.bot_items import BotFailed, BotFinished, BotLoaded, BotOrder, BotSaid, BotWanted
from common.engine.ports import Inbox

_LINES_HELD = 200  # of one bot, before the engine is told


class Outcomes:
    """Tells of the bots of one `batch`; the supervisor's thread sets the next one."""

    def __init__(self, inbox: Inbox, journal: BotJournal) -> None:
        self.batch = Batch(())
        self._inbox = inbox
        self._journal = journal

    def tell(
        self, outcome: BotLoaded | BotOrder | BotFinished | BotFailed | BotSaid | BotWanted
    ) -> None:
        """Put an outcome into the inbox, unless it would be taken for one of the next batch."""
        if not self.batch.retired:
            self._inbox.put(outcome)

    def say(self, bot: Bot, text: str, *, error: bool = False) -> None:
        """Write a line into the bot's log; the engine hears of it with the next outcome."""
        bot.lines.append(BotLine(datetime.now(timezone.utc), text, error))
        if len(bot.lines) >= _LINES_HELD:
            self.flush(bot)

    def flush(self, bot: Bot) -> None:
        """Write down and tell the lines that were held back."""
        if bot.lines:
            lines, bot.lines = tuple(bot.lines), []
            self._journal.write(bot.emi, lines)
            self.tell(BotSaid(bot.emi, lines))
