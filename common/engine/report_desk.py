"""Asks for reports and exports, and keeps the newest report for the screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from common.domain.books import AccountKey
from common.domain.bot_story import BotKey, BotStory
from common.domain.commands import ExportTables, ShowBot, ShowResults
from common.domain.reports import Period, Report
from common.engine.items import Exported, ReportFailed, ReportReady, StoryReady
from common.engine.notices import NoticeBoard
from common.engine.ports import Reports
from common.engine.snapshot import ResultRow, Results, Snapshot, TotalRow
from common.engine.state import MarketState

MOST_ROWS = 500  # on the screen; the export has all
MOST_STORIES = 8  # of the bots that were looked at last


class ReportDesk:
    """One reading is under way at a time; the newest wish follows it."""

    def __init__(
        self,
        reports: Reports,
        states: Sequence[MarketState],
        notices: NoticeBoard,
        snapshot: Callable[[], Snapshot],
    ) -> None:
        self.results: Results | None = None
        self._reports = reports
        self._states = {state.market: state for state in states}
        self._notices = notices
        self._snapshot = snapshot
        self._fresh = False  # nothing was booked since `results` were asked for
        self._asked: Period | None = None  # under way
        self._wanted: Period | None = None  # asked for meanwhile
        self._exporting = False
        self._problem = ""
        self.stories = Stories(reports, self._states)

    def handle(self, item: object) -> bool:
        """Take an item if it concerns reports; say whether it does."""
        if isinstance(item, ShowResults):
            self._show(item.period)
        elif isinstance(item, ShowBot):
            self.stories.show(item)
        elif isinstance(item, StoryReady):
            self._problem = ""
            self.stories.ready(item.story)
        elif isinstance(item, ExportTables):
            self._export()
        elif isinstance(item, ReportReady):
            self._ready(item.reports)
        elif isinstance(item, Exported):
            self._exporting = False
            self._notices.info(f"{item.files} tables were written to {item.folder}")
        elif isinstance(item, ReportFailed):
            self._failed(item.reason)
        else:
            return False
        return True

    def changed(self) -> None:
        """The books have new rows: the next look at the results reads them again."""
        self._fresh = False
        self.stories.changed()

    def _show(self, period: Period) -> None:
        if self._asked is not None:
            self._wanted = period
            return
        shown = self.results is not None and self.results.period is period
        keys = self._keys()
        if keys and not (shown and self._fresh):
            self._asked, self._fresh = period, True
            self._reports.read(keys, period)

    def _ready(self, reports: Sequence[Report]) -> None:
        period, self._asked = self._asked, None
        self._problem = ""
        if period is not None:
            self.results = self._view(period, reports)
        self._follow()

    def _follow(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self._show(wanted)

    def _view(self, period: Period, reports: Sequence[Report]) -> Results:
        rows = [
            ResultRow(
                report.key.market,
                period,
                line,
                self._states[report.key.market].instruments.get(line.symbol),
            )
            for report in reports
            for line in report.lines
        ]
        rows.sort(key=lambda row: row.line.start, reverse=True)
        return Results(
            period,
            min(report.at for report in reports),
            tuple(TotalRow(r.key.market, total) for r in reports for total in r.totals),
            tuple(rows[:MOST_ROWS]),
            max(0, len(rows) - MOST_ROWS),
        )

    def _export(self) -> None:
        keys = self._keys()
        if self._exporting:
            self._notices.info("the tables are being written")
        elif not keys:
            self._notices.warning("there is nothing to write yet: the account is not known")
        else:
            self._exporting = True
            self._reports.export(self._snapshot(), keys)

    def _failed(self, reason: str) -> None:
        """Say it once; the window asks again by itself."""
        self._asked, self._exporting, self._fresh = None, False, False
        self.stories.failed()
        if reason != self._problem:
            self._problem = reason
            self._notices.error(reason)
        self._follow()

    def _keys(self) -> list[AccountKey]:
        return [state.key for state in self._states.values() if state.account is not None]


class Stories:
    """The bots that somebody looks at; one reading of each is under way at a time."""

    def __init__(self, reports: Reports, states: Mapping[str, MarketState]) -> None:
        self.told: Mapping[tuple[str, str], BotStory] = {}  # replaced, never changed
        self._reports = reports
        self._states = states
        self._fresh: dict[tuple[str, str], BotKey] = {}  # nothing was booked since it was asked for
        self._asked: set[tuple[str, str]] = set()  # under way

    def show(self, command: ShowBot) -> None:
        """Read a bot's rows, unless what is shown is all there is, or the reading is under way."""
        wanted, key = (command.market, command.emi), self._key(command)
        if key is None or wanted in self._asked or self._fresh.get(wanted) == key:
            return
        self._asked.add(wanted)
        self._fresh[wanted] = key
        self._reports.tell(key)

    def ready(self, story: BotStory) -> None:
        """Take a story; those not asked for the longest time give way."""
        wanted = (story.key.account.market, story.key.emi)
        self._asked.discard(wanted)
        others = [(k, v) for k, v in self.told.items() if k != wanted][1 - MOST_STORIES :]
        self.told = dict([*others, (wanted, story)])
        for gone in self._fresh.keys() - self.told.keys() - self._asked:
            del self._fresh[gone]

    def changed(self) -> None:
        """The books have new rows."""
        self._fresh.clear()

    def failed(self) -> None:
        """A reading could not be made, perhaps one of these: the window asks again."""
        self._fresh.clear()
        self._asked.clear()

    def _key(self, command: ShowBot) -> BotKey | None:
        state = self._states.get(command.market)
        robot = state.robots.get(command.emi) if state else None
        if state is None or robot is None or state.account is None:
            return None
        instrument = state.instruments.get(robot.symbol)
        held = (b.currency for b in state.balances.values() if b.emi == robot.emi)
        currency = instrument.settlement_currency if instrument else next(held, "")
        return BotKey(state.key, robot.emi, robot.symbol, currency, state.scale(currency))
