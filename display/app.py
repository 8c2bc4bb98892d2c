"""The window: one refresh loop over the newest snapshot, keys, clicks, and what they send.

The window decides nothing about trading. It asks for the snapshot, paints what differs, and puts
commands into the engine's inbox; it never waits for anything.
"""

from __future__ import annotations

import itertools
import logging
import sys
import time
import tkinter as tk
from collections.abc import Callable
from datetime import datetime, timezone
from types import TracebackType

from common.domain.commands import (
    Command,
    Drawn,
    ExportTables,
    Reload,
    SetTrading,
    ShowResults,
    VerifyBooks,
)
from common.engine.snapshot import BookView, Level, Problem, Snapshot
from display import presenter
from display.actions import Actions, Guard
from display.backtest import BackTests
from display.book_rows import book_table
from display.bot_actions import BotActions
from display.closing import open_matters
from display.dialogs import Desk
from display.heartbeat import Heartbeat
from display.layout import Clicks, Layout
from display.locate import describe, locate
from display.panels import LocalNotice, open_sheet
from display.presenter import RowCache
from display.problems import OWN_FOR, ProblemSheet, own_problem
from display.theme import Theme

log = logging.getLogger(__name__)

_SIGN_EVERY = 1.0  # seconds


class Terminal:
    """The window of the program.

    `snapshot` returns the newest state and `submit` takes what the user asks for; both must
    return at once. `next_event` numbers user actions over the life of the process.
    `refresh_rate` is repaints a second. `on_close` is called once, before the window goes.
    `backtests` runs them elsewhere; without it none are offered.
    """

    def __init__(
        self,
        root: tk.Tk | None = None,
        *,
        snapshot: Callable[[], Snapshot],
        submit: Callable[[Command], None],
        next_event: Callable[[], int] | None = None,
        refresh_rate: int = 5,
        title: str = "Tmatic",
        theme: str = "dark",
        profile_name: str = "",
        on_close: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
        backtests: BackTests | None = None,
    ) -> None:
        self.root = root or make_root()
        self.root.withdraw()
        self._take = snapshot
        self._submit = submit
        self._monotonic = monotonic
        self._title = " - ".join(each for each in (title, profile_name) if each)
        self._on_close = on_close
        self._interval = 1.0 / refresh_rate
        counter = itertools.count(1)
        desk = Desk(submit, next_event or (lambda: next(counter)), monotonic)
        self.heartbeat = Heartbeat(self._interval)
        self.callback_errors: list[str] = []  # what went wrong inside callbacks, each text once
        self._job: str | None = None
        self._closed = False
        self._signed = float("-inf")  # when the engine was last told that the window draws
        self._seen: Snapshot | None = None
        self._last_notice = 0
        self._reloading: int | None = None  # count of bring-ups when F3 was pressed
        self._guard = Guard(monotonic)
        self._book: tuple[BookView | None, int] | None = None  # what the book shows
        self._sheet: tk.Toplevel | None = None
        self._problems: ProblemSheet | None = None
        self._own: dict[str, Problem] = {}  # errors of the window itself, by their text
        self.theme = Theme(self.root, theme)
        self.actions = Actions(self.root, self.theme, desk, self.say, self._guard)
        self.bots = BotActions(self.actions, backtests)
        self.layout = Layout(
            self.root,
            self.theme,
            Clicks(
                self._click_position,
                self.actions.click_order,
                self.actions.click_robot,
                self.bots.open_panel,
                self.bots.new_bot,
                self.actions.click_book,
                self._paint_book,
                lambda: self.verify("click on the books"),
                self.actions.open_stop,
                self.toggle_problems,
            ),
        )
        self._positions = RowCache(presenter.position_row)
        self._orders = RowCache(presenter.order_row)
        self._trades = RowCache(presenter.trade_row)
        self._funding = RowCache(presenter.funding_row)
        self._accounts = RowCache(presenter.account_row)
        self._robots = RowCache(presenter.robot_row)
        self._arrange()

    def _arrange(self) -> None:
        root = self.root
        self.layout.pack(fill="both", expand=True)
        width, height = root.winfo_screenwidth(), root.winfo_screenheight()
        root.geometry(f"{min(1280, width)}x{min(800, height)}")
        root.minsize(min(800, width), min(480, height))
        root.title(self._title)
        root.report_callback_exception = self._callback_failed
        root.protocol("WM_DELETE_WINDOW", self.ask_to_close)
        self.layout.bind("<Configure>", self._resized, add="+")
        root.bind_all("<F1>", lambda _event: self.toggle_help())
        root.bind_all("<F2>", lambda _event: self.toggle_problems())
        root.bind_all("<F3>", lambda _event: self.reload())
        root.bind_all("<F4>", lambda _event: self.actions.open_stop())
        root.bind_all("<F5>", lambda _event: self.open_bot())
        root.bind_all("<Control-n>", lambda _event: self.bots.new_bot())
        root.bind_all("<F6>", lambda _event: self.switch_theme())
        root.bind_all("<F7>", lambda _event: self.verify())
        root.bind_all("<F8>", lambda _event: self.export())
        root.bind_all("<F9>", lambda _event: self.toggle_trading())
        for key, points in (("plus", 1), ("equal", 1), ("KP_Add", 1), ("minus", -1)):
            root.bind_all(f"<Control-{key}>", lambda _event, points=points: self.zoom(points))  # type: ignore[misc]
        self._restyle()
        root.deiconify()

    # ---- life -------------------------------------------------------------------------------

    def run(self) -> None:
        """Refresh until the window is closed."""
        self.start()
        self.root.mainloop()

    def start(self) -> None:
        """Paint once and arm the refresh loop; `run` does this too."""
        if self._job is None:
            self._tick()

    def ask_to_close(self) -> None:
        """The window's own button: close, unless something is open; then a person decides."""
        if self._seen is None or not open_matters(self._seen):
            self.close()
        else:
            self.actions.open_close(self.close)

    def close(self) -> None:
        """Call `on_close`, then take the window away. May be called again without effect."""
        if self._closed:
            return
        self._closed = True
        try:
            self._on_close()
        finally:
            if self._job is not None:
                self.root.after_cancel(self._job)
            self.root.destroy()

    def _tick(self) -> None:
        """Paint what has changed; whatever happens, the next turn comes."""
        self.heartbeat.begin(self._monotonic())
        try:
            self.refresh()
            self._give_sign()
        finally:
            wait = self.heartbeat.end(self._monotonic())
            if not self._closed:
                self._job = self.root.after(max(1, round(wait * 1000)), self._tick)

    def _give_sign(self) -> None:
        """Tell the engine about once a second that the window draws."""
        now = self._monotonic()
        if now - self._signed >= _SIGN_EVERY:
            self._signed = now
            self._submit(Drawn())

    def _callback_failed(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Log an error of a callback and show one line; the window goes on."""
        log.error("the window met an error", exc_info=(kind, error, trace))
        line = f"{kind.__name__}: {error}"
        at = self._seen.at if self._seen else datetime.now(timezone.utc)
        self._own[line] = own_problem(line, at)
        if line not in self.callback_errors and not self._closed:
            self.callback_errors.append(line)
            self.say(Level.ERROR, f"the window met an error, the log has the details: {line}")

    # ---- painting ---------------------------------------------------------------------------

    def refresh(self) -> None:
        """Paint the newest snapshot where it differs from what is shown."""
        snapshot = self._take()
        self.layout.state_line.show(snapshot, self._monotonic())
        self._ask_results()
        if snapshot is self._seen:
            return
        before, self._seen = self._seen, snapshot
        self.actions.take(snapshot)
        self._show_mode(snapshot)
        self._take_notices(snapshot)
        if before is not None and snapshot.reloads != before.reloads:
            for table in self.layout.tables:
                table.forget_widths()
        if self._reloading is not None and snapshot.reloads > self._reloading:
            self._reloading = None
        self.layout.exchange.show(snapshot.markets)
        self._show_problems(snapshot)
        self._paint_tables(snapshot)
        self._paint_book()
        self.actions.follow_dialogs()

    def _show_problems(self, snapshot: Snapshot) -> None:
        """Show what is wrong now; an error of the window itself counts for a while."""
        if self._own:
            now = snapshot.at
            self._own = {k: p for k, p in self._own.items() if now - p.since < OWN_FOR}
        problems = (*snapshot.problems, *self._own.values())
        self.layout.problem_line.show(problems)
        if self._problems is not None and self._problems.winfo_exists():
            self._problems.show(problems)

    def _paint_tables(self, snapshot: Snapshot) -> None:
        layout = self.layout
        layout.positions.show(self._positions.rows(snapshot.positions))
        layout.orders.show(self._orders.rows(snapshot.orders))
        layout.trades.show(self._trades.rows(snapshot.trades))
        layout.funding.show(self._funding.rows(snapshot.funding))
        layout.results.show(snapshot.results)
        layout.accounts.show(self._accounts.rows(snapshot.accounts))
        layout.robots.show(self._robots.rows(snapshot.robots))

    def _ask_results(self) -> None:
        """Ask for the results while somebody looks at them."""
        period = self.layout.results.due(self._monotonic())
        if period is not None:
            self._submit(ShowResults(period))

    def _show_mode(self, snapshot: Snapshot) -> None:
        title = f"{self._title} - {presenter.MODES[snapshot.network]}"
        if self.root.title() != title:
            self.root.title(title)

    def _take_notices(self, snapshot: Snapshot) -> None:
        fresh = [each for each in snapshot.notices if each.number > self._last_notice]
        if not fresh:
            return
        self._last_notice = fresh[-1].number
        self.layout.notices.add(fresh)
        for notice in fresh:
            self.actions.answer(notice)

    def _click_position(self, key: str) -> None:
        self.actions.select(key)
        self._paint_book()

    def _paint_book(self) -> None:
        """Show the book of the selected symbol and mark its position."""
        selected = self.actions.selected
        view = None
        caption = "ORDER BOOK"
        if self._seen is not None and selected is not None:
            view = self._seen.books.get(selected.symbol)
            caption = f"ORDER BOOK  {selected.symbol}"
        self.layout.positions.select(presenter.position_key(selected) if selected else None)
        if self.layout.book_caption["text"] != caption:
            self.layout.book_caption["text"] = caption
        levels = self.layout.book.levels
        if view is None or (view, levels) != self._book:
            self._book = (view, levels)
            self.layout.book.show(book_table(view, levels))

    def say(self, level: Level, text: str) -> None:
        """Add a line of the window's own to the information panel."""
        at = self._seen.at if self._seen else datetime.now(timezone.utc)
        self.layout.notices.add([LocalNotice(at, level, text)])

    # ---- keys -------------------------------------------------------------------------------

    def toggle_trading(self) -> None:
        """F9: switch automatic trading to the other state than is shown."""
        if self._guard.repeated("F9") or self._seen is None:
            return
        self._submit(SetTrading(on=not self._seen.trading))

    def reload(self) -> None:
        """F3: ask for a bring-up, once until it is done."""
        if self._guard.repeated("F3") or self._seen is None:
            return
        if self._reloading is not None:
            self.say(Level.INFO, "the reload is under way")
            return
        self._reloading = self._seen.reloads
        self._submit(Reload())

    def open_bot(self) -> None:
        """F5: the panel of the bot that was chosen last in the list, else of the first."""
        rows = self.layout.robots.rows
        key = self.layout.robots.cursor or (rows[0].key if rows else None)
        if key is not None and not self._guard.repeated("F5"):
            self.bots.open_panel(key)

    def verify(self, how: str = "F7") -> None:
        """F7 or a click: have the books compared with the exchange."""
        if not self._guard.repeated(how) and self._seen is not None:
            self._submit(VerifyBooks())

    def export(self) -> None:
        """F8: have every table written as CSV."""
        if not self._guard.repeated("F8") and self._seen is not None:
            self._submit(ExportTables())

    def switch_theme(self) -> None:
        """F6: dark or light."""
        self.theme.switch()
        self._restyle()

    def zoom(self, points: int) -> None:
        """Make all letters larger or smaller."""
        self.theme.zoom(points)
        self._restyle()

    def _resized(self, event: tk.Event[tk.Misc]) -> None:
        if self.theme.fit(event.width):
            self._restyle()

    def _restyle(self) -> None:
        self.root.configure(background=self.theme.palette.window)
        self.layout.restyle()
        self.actions.restyle()
        if self._problems is not None and self._problems.winfo_exists():
            self._problems.restyle()
        if self._seen is not None:
            self.layout.state_line.show(self._seen, self._monotonic())

    def toggle_problems(self) -> None:
        """F2 or a click on the line: everything that is wrong now, or away with the sheet."""
        if self._problems is not None and self._problems.winfo_exists():
            self._problems.close()
            return
        self._problems = ProblemSheet(self.root, self.theme)
        self._problems.show(self.layout.problem_line.problems)

    def toggle_help(self) -> None:
        """F1: the sheet of keys, or away with it."""
        if self._sheet is not None and self._sheet.winfo_exists():
            self._sheet.destroy()
            return
        self._sheet = open_sheet(self.root, self.theme)

    # ---- for tests and tours ----------------------------------------------------------------

    def geometry_of(self, what: str, key: str | None = None) -> tuple[int, int]:
        """Return where to click, in coordinates of the screen; LookupError when it is not there.

        See `display.locate` for the names of what there is.
        """
        return locate(self.layout, self.actions, what, key)

    def describe(self) -> dict[str, object]:
        """Return what the window shows, as plain values that JSON can carry."""
        return describe(self.layout, self.actions)


def make_root() -> tk.Tk:
    """Return a new top window; TclError when there is no display."""
    if sys.platform == "win32":
        # Without this Windows stretches a bitmap of the window on screens of high resolution.
        import ctypes  # noqa: PLC0415 -- only Windows has what is called here

        ctypes.windll.shcore.SetProcessDpiAwareness(1)
    return tk.Tk(className="Tmatic")
