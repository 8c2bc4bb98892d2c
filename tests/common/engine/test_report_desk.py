"""The desk of reports: asks once, follows the newest wish, says what failed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from common.domain.account import Account
from common.domain.bot_story import BotStory
from common.domain.commands import ExportTables, ShowBot, ShowResults
from common.domain.reports import Line, Period, Report, Sums, make_report
from common.engine import report_desk
from common.engine.items import Exported, ReportFailed, ReportReady, StoryReady
from common.engine.notices import NoticeBoard
from common.engine.report_desk import ReportDesk
from common.engine.snapshot import Snapshot
from common.engine.state import MarketState
from tests.common.engine.support import KEY, LINEAR, START, XBTUSDT, FakeReports, robot

SNAPSHOT = Snapshot(at=START, beat=1, trading=False, network=KEY.network)


class Bench:
    def __init__(self, account: bool = True) -> None:
        self.reports = FakeReports()
        self.state = MarketState("Venue", KEY.network, (XBTUSDT,))
        self.state.account = Account(1, "somebody") if account else None
        self.state.instruments = {XBTUSDT: LINEAR}
        self.notices = NoticeBoard(lambda: START)
        self.desk = ReportDesk(self.reports, [self.state], self.notices, lambda: SNAPSHOT)

    def say(self, *items: object) -> list[str]:
        """Hand items over; return the notices so far."""
        for item in items:
            assert self.desk.handle(item)
        return [notice.text for notice in self.notices.all()]


def made(period: Period = Period.DAY, count: int = 1) -> ReportReady:
    line = Line(date(2026, 10, 1), "a", XBTUSDT, "USDt", 6, Sums(1, 100, 100, -5, 1, 2))
    days = [replace(line, emi=f"bot{n}") for n in range(count)]
    report: Report = make_report(KEY, period, START, days)
    return ReportReady((report,))


def test_a_look_reads_the_books_and_the_rows_know_their_instrument() -> None:
    bench = Bench()
    bench.say(ShowResults(Period.DAY))
    assert bench.reports.asked == [((KEY,), Period.DAY)]
    bench.say(made())
    results = bench.desk.results
    assert results is not None
    assert [row.instrument for row in results.rows] == [LINEAR]
    assert [row.total.sums.net for row in results.totals] == [-8]


def test_looking_on_reads_again_only_after_something_was_booked() -> None:
    bench = Bench()
    bench.say(ShowResults(Period.DAY), made(), ShowResults(Period.DAY))
    assert len(bench.reports.asked) == 1
    bench.desk.changed()
    bench.say(ShowResults(Period.DAY))
    assert len(bench.reports.asked) == 2


def test_what_is_booked_while_the_books_are_read_is_read_the_next_time() -> None:
    bench = Bench()
    bench.say(ShowResults(Period.DAY))
    bench.desk.changed()
    bench.say(made(), ShowResults(Period.DAY))
    assert len(bench.reports.asked) == 2


def test_one_reading_at_a_time_and_the_newest_wish_follows() -> None:
    bench = Bench()
    bench.say(*(ShowResults(period) for period in Period))
    assert [period for _, period in bench.reports.asked] == [Period.DAY]
    bench.say(made())
    assert [period for _, period in bench.reports.asked] == [Period.DAY, Period.MONTH]
    bench.say(made(Period.MONTH))
    assert bench.desk.results is not None
    assert bench.desk.results.period is Period.MONTH


def test_nothing_is_asked_before_the_account_is_known() -> None:
    bench = Bench(account=False)
    assert bench.say(ShowResults(Period.DAY), ExportTables()) == [
        "there is nothing to write yet: the account is not known"
    ]
    assert bench.reports.asked == []
    assert bench.reports.exported == []


def test_the_screen_gets_a_bounded_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_desk, "MOST_ROWS", 3)
    bench = Bench()
    bench.say(ShowResults(Period.DAY), made(count=5))
    results = bench.desk.results
    assert results is not None
    assert (len(results.rows), results.left_off) == (3, 2)
    assert results.totals[0].total.sums.trades == 5


def test_an_export_takes_the_snapshot_and_says_where_it_is() -> None:
    bench = Bench()
    told = bench.say(ExportTables(), ExportTables())
    assert bench.reports.exported == [SNAPSHOT]
    assert told == ["the tables are being written"]
    assert bench.say(Exported("exports/x", 10))[-1] == "10 tables were written to exports/x"
    bench.say(ExportTables())
    assert len(bench.reports.exported) == 2


def test_a_failure_is_told_once_and_the_next_look_tries_again() -> None:
    bench = Bench()
    bench.say(ShowResults(Period.DAY), ReportFailed("the disk is full"))
    told = bench.say(ShowResults(Period.DAY), ReportFailed("the disk is full"))
    assert told == ["the disk is full"]
    assert len(bench.reports.asked) == 2


def test_other_items_are_not_its_business() -> None:
    assert not Bench().desk.handle(object())


# ---- stories of bots -----------------------------------------------------------------------------


def told(bench: Bench, emi: str = "bot1") -> StoryReady:
    key = next(key for key in reversed(bench.reports.told) if key.emi == emi)
    return StoryReady(BotStory(key, START))


def with_bots(*emis: str) -> Bench:
    bench = Bench()
    bench.state.robots = {emi: robot(emi) for emi in emis}
    return bench


def test_a_look_at_a_bot_reads_its_rows_once_until_something_was_booked() -> None:
    bench, look = with_bots("bot1"), ShowBot("Venue", "bot1")
    bench.say(look, look)
    assert [(k.account, k.emi, k.symbol, k.currency) for k in bench.reports.told] == [
        (KEY, "bot1", XBTUSDT, "USDt")
    ]
    story = told(bench)
    bench.say(story, look)
    assert bench.desk.stories.told == {("Venue", "bot1"): story.story}
    assert len(bench.reports.told) == 1
    bench.desk.changed()
    bench.say(look)
    assert len(bench.reports.told) == 2
    bench.desk.changed()  # booked while it is read
    bench.say(look)
    assert len(bench.reports.told) == 2, "two readings of a bot at once"
    bench.say(told(bench), look)
    assert len(bench.reports.told) == 3


def test_a_bot_that_is_not_there_is_not_read() -> None:
    bench = with_bots("bot1")
    bench.say(ShowBot("Venue", "nobody"), ShowBot("Nowhere", "bot1"))
    assert bench.reports.told == []


def test_only_the_bots_looked_at_last_are_kept() -> None:
    emis = [f"bot{n}" for n in range(report_desk.MOST_STORIES + 2)]
    bench = with_bots(*emis)
    for emi in emis:
        bench.say(ShowBot("Venue", emi))
        bench.say(told(bench, emi))
    assert [emi for _, emi in bench.desk.stories.told] == emis[2:]
    bench.say(ShowBot("Venue", emis[0]))
    assert bench.reports.told[-1].emi == emis[0]


def test_a_reading_that_failed_is_asked_for_again() -> None:
    bench, look = with_bots("bot1"), ShowBot("Venue", "bot1")
    bench.say(look, ReportFailed("the database is away"), look)
    assert len(bench.reports.told) == 2
