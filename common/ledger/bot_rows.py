"""Reads the rows of one bot for its story, and only the new ones where it was read before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter

from common.domain.books import Entry
from common.domain.bot_story import BotKey, BotStory, StoryTeller
from common.ledger.database import Database, to_int
from common.ledger.read_rows import READ_ENTRY, to_entry

PAGE = 5000  # rows that are in memory at a time
KEPT = 8  # bots whose rows need not be read again from the beginning

_BOT = "MARKET = ? AND NETWORK = ? AND ACCOUNT = ? AND EMI = ?"
COUNT_ROWS = f"SELECT COUNT(*), MAX(ID) FROM coins WHERE {_BOT}"
NEXT_ROWS = (
    f"SELECT ID, {READ_ENTRY} FROM coins WHERE {_BOT} AND ID > ? AND ID <= ?"
    f" ORDER BY ID LIMIT {PAGE}"
)


class StoryReader:
    """Tells stories of bots; belongs to one thread."""

    def __init__(self) -> None:
        self._told: dict[BotKey, tuple[StoryTeller, int]] = {}  # and the last ID taken

    def read(self, database: Database, key: BotKey, at: datetime) -> BotStory:
        """Return the story of a bot as the books tell it now; `at` is now, aware UTC."""
        rows, newest = map(to_int, database.query(COUNT_ROWS, _parameters(key))[0])
        teller, last = self._told.pop(key, (StoryTeller(key), 0))
        if not (_follow(teller, _rows(database, key, last, newest)) and teller.rows == rows):
            # Rows came late, or some are gone: average cost needs all of them in order of time.
            teller = StoryTeller(key)
            for entry in sorted(_rows(database, key, 0, newest), key=attrgetter("at")):
                teller.take(entry)
        self._told[key] = (teller, newest)
        if len(self._told) > KEPT:
            del self._told[next(iter(self._told))]
        return teller.story(at)


def _follow(teller: StoryTeller, entries: Iterator[Entry]) -> bool:
    """Hand rows over; False when one is older than what was told before."""
    for entry in entries:
        if teller.last is not None and entry.at < teller.last:
            return False
        teller.take(entry)
    return True


def _rows(database: Database, key: BotKey, last: int, up_to: int) -> Iterator[Entry]:
    while True:
        page = database.query(NEXT_ROWS, (*_parameters(key), last, up_to))
        for row in page:
            yield to_entry(row[1:])
        if len(page) < PAGE:
            return
        last = to_int(page[-1][0])


def _parameters(key: BotKey) -> tuple[str, str, int, str]:
    account = key.account
    return account.market, account.network.value, account.account, key.emi
