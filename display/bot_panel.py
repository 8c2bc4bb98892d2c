"""The panel of one bot: what it is, what it holds and has earned, and what can be done with it."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk

from common.domain.commands import SetRobotStatus, ShowBot
from common.domain.robots import Status
from common.engine.snapshot import Level, RobotRow, Snapshot
from display.bot_tabs import BotTabs
from display.bot_words import Fact, code_line, facts, head_line, last_notice, middle, status_line
from display.cells import Tone
from display.curve import Curve
from display.dialogs import Desk, Dialog, set_enabled
from display.formats import time_text
from display.theme import Theme

ASK_EVERY = 2.0  # seconds; the books are read again only when something was booked
GONE = "this bot is no longer listed"
_WIDTH, _HEIGHT = 940, 640


@dataclass(frozen=True, slots=True)
class PanelActions:
    """What the buttons of a panel open."""

    order: Callable[[str], None]  # OrderRow.key
    flatten: Callable[[RobotRow], None]
    cancel: Callable[[RobotRow], None]
    edit: Callable[[RobotRow], None]
    delete: Callable[[RobotRow], None]
    backtest: Callable[[RobotRow], None] | None  # None: there are none


class BotPanel(Dialog):
    """Follows one bot until it is closed."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        desk: Desk,
        *,
        row: RobotRow,
        actions: PanelActions,
    ) -> None:
        super().__init__(parent, theme, desk, kind="bot", title=f"Bot {row.emi}")
        self.resizable(True, True)
        self.minsize(640, 400)
        self.row = row
        self._actions = actions
        self._gone = False
        self._asked_at: float | None = None
        self._make_head()
        self._make_buttons()
        self.curve = Curve(self.body, theme)
        self.tabs = BotTabs(self.body, theme, actions.order)
        self._stack()
        self.restyle()

    def _make_head(self) -> None:
        body = self.body
        self.head = ttk.Frame(body, name="head")
        self.name = ttk.Label(self.head, text=self.row.emi, font=self._theme.large)
        self.facts_line = ttk.Label(self.head, style="Hint.TLabel")
        self.errors = ttk.Label(self.head, style="Bold.TLabel")
        self.name.pack(side="left")
        self.facts_line.pack(side="left", padx=(14, 0))
        self.errors.pack(side="right")
        self.status = ttk.Label(body, name="status", style="Bold.TLabel", wraplength=_WIDTH - 40)
        self.code = ttk.Label(body, name="code", style="Hint.TLabel", wraplength=_WIDTH - 40)
        self.note = ttk.Label(body, name="note", style="Error.TLabel", wraplength=_WIDTH - 40)
        self.figures = ttk.Frame(body, name="figures")
        self._figures: list[tuple[ttk.Label, ttk.Label]] = []

    def _make_buttons(self) -> None:
        self.buttons = ttk.Frame(self.body, name="buttons")
        parts: tuple[tuple[str, str, Callable[[], None]], ...] = (
            ("switch", "Enable", self._switch),
            ("edit", "Edit\u2026", lambda: self._actions.edit(self.row)),
            ("cancel", "Cancel orders\u2026", lambda: self._actions.cancel(self.row)),
            ("flatten", "Flatten\u2026", lambda: self._actions.flatten(self.row)),
            ("backtest", "Back-test\u2026", self._backtest),
            ("delete", "Delete\u2026", lambda: self._actions.delete(self.row)),
        )
        self.button = {
            name: ttk.Button(self.buttons, name=name, text=text, command=command)
            for name, text, command in parts
        }
        for number, button in enumerate(self.button.values()):
            button.pack(side="left", padx=(0 if number == 0 else 6, 0))
            button.bind("<Return>", lambda event: event.widget.invoke())

    def _stack(self) -> None:
        body = self.body
        self.body.configure(padding=8)
        body.columnconfigure(0, weight=1)
        parts = (self.head, self.status, self.code, self.note, self.figures, self.buttons)
        for number, widget in enumerate(parts):
            widget.grid(row=number, column=0, sticky="ew", pady=(0, 4))
        self.note.grid_remove()
        self.curve.grid(row=6, column=0, sticky="nsew", pady=(2, 4))
        self.tabs.grid(row=7, column=0, sticky="nsew")
        self.message.grid(row=8, column=0, sticky="ew")
        body.rowconfigure(6, weight=2)
        body.rowconfigure(7, weight=5)

    # ---- what it is told --------------------------------------------------------------------

    def belongs_to(self, row: RobotRow) -> bool:
        """Return whether this is the panel of a bot."""
        return (self.row.market, self.row.emi) == (row.market, row.emi)

    def open_at(self, x: int, y: int) -> None:
        """Show the panel, as large as the screen allows."""
        del x, y  # a panel covers most of a small screen wherever it begins
        width = min(_WIDTH, self.winfo_screenwidth() - 20)
        height = min(_HEIGHT, self.winfo_screenheight() - 50)
        root = self.master.winfo_toplevel()
        left = root.winfo_rootx() + max(0, (root.winfo_width() - width) // 2)
        top = root.winfo_rooty() + max(0, (root.winfo_height() - height) // 2)
        self.geometry(f"{width}x{height}")
        super().open_at(left, top)
        self.geometry(f"{width}x{height}+{left}+{top}")

    def follow(self, snapshot: Snapshot) -> None:
        """Show the bot as it is now, and ask the books for its story from time to time."""
        wanted = (self.row.market, self.row.emi)
        row = next((r for r in snapshot.robots if (r.market, r.emi) == wanted), None)
        self._gone = row is None
        if row is not None:
            self.row = row
            self._ask()
            self._show(snapshot)
        super().follow(snapshot)

    def follow_state(self) -> None:
        """Enable what can be done with the bot now."""
        row = self.row
        switched = row.status in (Status.WORK, Status.OFF) or row.startable
        text = "Disable" if row.status is Status.WORK else "Enable"
        if self.button["switch"]["text"] != text:
            self.button["switch"]["text"] = text
        set_enabled(self.button["switch"], switched and not self._gone)
        own = row.status in (Status.WORK, Status.OFF, Status.ERROR) and not self._gone
        set_enabled(self.button["edit"], own)
        set_enabled(self.button["delete"], own)
        tested = self._actions.backtest is not None and row.timeframe > 0
        set_enabled(self.button["backtest"], tested and not self._gone)
        set_enabled(self.button["flatten"], not self._gone)
        set_enabled(self.button["cancel"], not self._gone)
        if self._gone:
            self.say(GONE, bad=True)

    def _ask(self) -> None:
        now = self._desk.monotonic()
        if self._asked_at is None or now - self._asked_at >= ASK_EVERY:
            self._asked_at = now
            self._desk.submit(ShowBot(self.row.market, self.row.emi))

    def _show(self, snapshot: Snapshot) -> None:
        row = self.row
        view = snapshot.books.get(row.symbol)
        story = snapshot.stories.get((row.market, row.emi))
        words, tone = status_line(row)
        _set(self.status, words, self._theme.colour(tone))
        _set(self.facts_line, head_line(row, middle(view)))
        _set(self.code, code_line(row))
        _set(self.note, row.note)
        (self.note.grid if row.note else self.note.grid_remove)()
        error_tone = Tone.BAD if row.errors else Tone.DIM
        _set(self.errors, f"ERRORS {row.errors}", self._theme.colour(error_tone))
        self._show_figures(facts(row, story, view))
        notice = last_notice(snapshot, row.emi)
        if notice is not None:
            bad = notice.level is not Level.INFO
            self.say(f"{time_text(notice.at)[11:]}  {notice.text}", bad=bad)
        self.curve.show(story)
        orders = [
            each for each in snapshot.orders if (each.market, each.emi) == (row.market, row.emi)
        ]
        lines = snapshot.bot_logs.get((row.market, row.emi), ())
        self.tabs.show(row, story, orders, lines)

    def _show_figures(self, shown: tuple[Fact, ...]) -> None:
        while len(self._figures) < len(shown):
            column = len(self._figures)
            pair = (
                ttk.Label(self.figures, style="Hint.TLabel", anchor="e"),
                ttk.Label(self.figures, style="Bold.TLabel", anchor="e"),
            )
            for line, label in enumerate(pair):
                label.grid(row=line, column=column, sticky="ew", padx=(0, 8))
            self.figures.columnconfigure(column, weight=1)
            self._figures.append(pair)
        for (caption, value), fact in zip(self._figures, shown, strict=True):
            _set(caption, fact.caption)
            _set(value, fact.text, self._theme.colour(fact.tone))

    # ---- what it does -----------------------------------------------------------------------

    def _backtest(self) -> None:
        if self._actions.backtest is not None:
            self._actions.backtest(self.row)

    def _switch(self) -> None:
        row = self.row
        self._desk.submit(SetRobotStatus(row.market, row.emi, row.status is not Status.WORK))

    def restyle(self) -> None:
        """Take the colours and fonts of the theme as they are now."""
        super().restyle()
        if hasattr(self, "tabs"):
            self.tabs.restyle()
            self.curve.restyle()

    def first(self) -> tk.Misc:
        """Return the tabs, where the arrows move."""
        return self.tabs

    # ---- for tests and tours ----------------------------------------------------------------

    def parts(self) -> dict[str, tk.Misc]:
        """Return what can be clicked, by name."""
        periods = {p.value: b for p, b in self.tabs.results.periods.items()}
        return {**self.button, **periods, "curve": self.curve}

    def shown(self) -> dict[str, object]:
        """Return the texts of the panel."""
        return {
            "emi": self.row.emi,
            "status": str(self.status["text"]),
            "head": str(self.facts_line["text"]),
            "code": str(self.code["text"]),
            "note": str(self.note["text"]),
            "errors": str(self.errors["text"]),
            "facts": {str(c["text"]): str(v["text"]) for c, v in self._figures},
            "tables": {
                table.winfo_name(): [list(row.texts) for row in table.rows]
                for table in self.tabs.tables
            },
            "log": self.tabs.log.lines(),
        }


def _set(label: ttk.Label, text: str, colour: str | None = None) -> None:
    """Change a label only where it differs."""
    if label["text"] != text:
        label["text"] = text
    if colour is not None and str(label["foreground"]) != colour:
        label["foreground"] = colour
