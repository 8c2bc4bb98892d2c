"""The window: one refresh loop over the newest snapshot, and which key or click does what.

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
from functools import partial
from types import TracebackType

from common.domain.commands import Command, Drawn, ShowResults
from common.engine.snapshot import Level, Snapshot
from display.actions import Actions, Guard
from display.backtest import BackTests
from display.bot_actions import BotActions
from display.closing import open_matters
from display.dialogs import Desk
from display.heartbeat import Heartbeat
from display.layout import Clicks, Layout
from display.locate import describe, locate
from display.market_words import MODES
from display.painter import Painter
from display.panels import open_sheet
from display.problems import Problems
from display.program_keys import ProgramKeys
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
        self._guard = Guard(monotonic)
        self._sheet: tk.Toplevel | None = None
        self.theme = Theme(self.root, theme)
        self.actions = Actions(self.root, self.theme, desk, self.say, self._guard)
        self.bots = BotActions(self.actions, backtests)
        self.keys = ProgramKeys(submit, self._guard, self.say)
        self.layout = Layout(self.root, self.theme, self._clicks())
        self.problems = Problems(self.root, self.theme, self.layout.problem_line)
        self._painter = Painter(self.layout, self.actions.answer)
        self._arrange()
        self._bind_keys()
        self._restyle()
        self.root.deiconify()

    def _clicks(self) -> Clicks:
        return Clicks(
            self._click_position,
            self.actions.click_order,
            self.actions.click_robot,
            self.bots.open_panel,
            self.bots.new_bot,
            self.actions.click_book,
            lambda: self._painter.paint_book(self.actions.selected),
            lambda: self.keys.verify("click on the books"),
            self.actions.open_stop,
            self._click_problems,
        )

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

    def _bind_keys(self) -> None:
        larger, smaller = partial(self.zoom, 1), partial(self.zoom, -1)
        acts: dict[str, Callable[[], None]] = {
            "F1": self.toggle_help,
            "F2": self.problems.toggle,
            "F3": self.keys.reload,
            "F4": self.actions.open_stop,
            "F5": self.open_bot,
            "F6": self.switch_theme,
            "F7": self.keys.verify,
            "F8": self.keys.export,
            "F9": self.keys.toggle_trading,
            "Control-n": self.bots.new_bot,
            "Control-plus": larger,
            "Control-equal": larger,
            "Control-KP_Add": larger,
            "Control-minus": smaller,
        }
        for key, act in acts.items():
            self._bind(key, act)

    def _bind(self, key: str, act: Callable[[], None]) -> None:
        self.root.bind_all(f"<{key}>", lambda _event: act())

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
        self.problems.note(line, self._now())
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
        self._seen = snapshot
        self.actions.take(snapshot)
        self.keys.take(snapshot)
        self._show_mode(snapshot)
        self.problems.show(snapshot)
        self._painter.paint(snapshot, self.actions.selected)
        self.actions.follow_dialogs()

    def _ask_results(self) -> None:
        """Ask for the results while somebody looks at them."""
        period = self.layout.results.due(self._monotonic())
        if period is not None:
            self._submit(ShowResults(period))

    def _show_mode(self, snapshot: Snapshot) -> None:
        title = f"{self._title} - {MODES[snapshot.network]}"
        if self.root.title() != title:
            self.root.title(title)

    def _click_position(self, key: str) -> None:
        self.actions.select(key)
        self._painter.paint_book(self.actions.selected)

    def _click_problems(self) -> None:
        self.problems.toggle()

    def say(self, level: Level, text: str) -> None:
        """Add a line of the window's own to the information panel."""
        self._painter.say(self._now(), level, text)

    def _now(self) -> datetime:
        """Return the time that the window shows; before it shows one, that of this computer."""
        return self._seen.at if self._seen else datetime.now(timezone.utc)

    # ---- keys -------------------------------------------------------------------------------

    def open_bot(self) -> None:
        """F5: the panel of the bot that was chosen last in the list, else of the first."""
        rows = self.layout.robots.rows
        key = self.layout.robots.cursor or (rows[0].key if rows else None)
        if key is not None and not self._guard.repeated("F5"):
            self.bots.open_panel(key)

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
        self.problems.restyle()
        if self._seen is not None:
            self.layout.state_line.show(self._seen, self._monotonic())

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
