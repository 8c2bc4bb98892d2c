"""The story of a bot is read from the books, from where it was left, in the order of the times."""

from __future__ import annotations

from decimal import Decimal

import pytest

from common.domain.bot_story import BotKey
from common.domain.reports import Period
from common.ledger import bot_rows
from common.ledger.bot_rows import StoryReader
from common.ledger.database import DatabaseSettings
from common.ledger.reports import last_row, open_for_reading, read_report
from tests.common.ledger.support import KEY, START, XBTUSD, add_bots, funding, running, trade

BOT = BotKey(KEY, "a", XBTUSD, "XBt", 8)


@pytest.fixture
def settings(settings: DatabaseSettings) -> DatabaseSettings:
    """Return the settings of books with two bots, once for each kind."""
    add_bots(settings, "a", "b")
    return settings


def test_the_story_is_what_the_books_and_the_report_say(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot_rows, "PAGE", 1)
    monkeypatch.setattr(bot_rows, "NEXT_ROWS", bot_rows.NEXT_ROWS.replace("LIMIT 5000", "LIMIT 1"))
    reader = StoryReader()
    with running(settings) as ledger:
        ledger.open()
        ledger.book(trade(1, 100, cl_ord_id="1.a", cost=-200, fee=7), trade(2, 50, cl_ord_id="2.b"))
        database = open_for_reading(settings)
        assert database is not None
        first = reader.read(database, BOT, START)
        assert (first.position, first.open_cost, first.result) == (100, 200, -7)
        assert first.entry_price == Decimal(50000)

        ledger.book(funding(3, 150, 30), trade(4, -100, cl_ord_id="4.a", cost=150, fee=1))
        second = reader.read(database, BOT, START)
        assert [entry.exec_id[-1] for entry in second.trades] == ["4", "1"]
        assert [entry.commission for entry in second.funding] == [20]
        (line,) = [
            line
            for line in read_report(database, KEY, Period.DAY, START, last_row(database)).lines
            if line.emi == "a"
        ]
        assert second.sums == line.sums == second.days[0].sums
        assert second.result == line.sums.net == 200 - 150 - 7 - 1 - 20
        database.close()


def test_rows_that_came_late_are_told_in_the_order_of_their_times(
    settings: DatabaseSettings,
) -> None:
    reader = StoryReader()
    with running(settings) as ledger:
        ledger.open()
        ledger.book(trade(1, 100, cl_ord_id="1.a"), trade(3, -100, cl_ord_id="3.a", seconds=30))
        database = open_for_reading(settings)
        assert database is not None
        reader.read(database, BOT, START)
        ledger.book(trade(2, 100, cl_ord_id="2.a", cost=-999, seconds=20))
        story = reader.read(database, BOT, START)
        assert [entry.exec_id[-1] for entry in story.trades] == ["3", "2", "1"]
        assert story == StoryReader().read(database, BOT, START)
        database.close()


def test_rows_that_are_gone_are_not_told(settings: DatabaseSettings) -> None:
    reader = StoryReader()
    with running(settings) as ledger:
        ledger.open()
        ledger.book(*(trade(n, 100, cl_ord_id=f"{n}.a") for n in range(1, 4)))
        database = open_for_reading(settings)
        assert database is not None
        assert reader.read(database, BOT, START).position == 300
        database.begin()
        database.execute("DELETE FROM coins WHERE EXECID = ?", ("exec-000002",))
        database.commit()
        assert reader.read(database, BOT, START).position == 200
        database.close()
