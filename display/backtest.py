"""Back-test of a bot in the window: from, to, how far it has come, and its report."""

from __future__ import annotations

import tkinter as tk
from datetime import date, timedelta
from tkinter import ttk
from typing import Protocol

from common.domain.backtests import BackTestState
from common.engine.snapshot import Snapshot
from display.dialogs import Desk, Dialog, select_all, set_enabled
from display.fields import FieldError
from display.own_variables import OwnText
from display.paper import Paper
from display.theme import Theme

USUAL_DAYS = 30
_LINES, _WIDTH = 16, 104  # of the report in sight


class BackTests(Protocol):
    """Runs back-tests elsewhere; all of it returns at once."""

    @property
    def state(self) -> BackTestState:
        """How far the last one has come."""

    def start(self, emi: str, begin: str, end: str) -> bool:
        """Start one; False while one is running."""

    def stop(self) -> None:
        """Ask it to end."""


def read_dates(begin: str, end: str, today: date) -> tuple[date, date]:
    """Return both days (the second is exclusive), or raise FieldError with what is wrong."""
    first, last = _date("from", begin), _date("to", end)
    if first >= last:
        raise FieldError("\u201cfrom\u201d must be before \u201cto\u201d, which is exclusive")
    if last > today:
        raise FieldError(f"candles end today: \u201cto\u201d is {today} at the latest")
    return first, last


def _date(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise FieldError(f"\u201c{name}\u201d is a date such as 2026-01-31") from error


class BackTestDialog(Dialog):
    """Starts a back-test and shows its report; closing the window leaves it running."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, desk: Desk, *, emi: str, today: date, tests: BackTests
    ) -> None:
        super().__init__(parent, theme, desk, kind="backtest", title=f"Back-test of {emi}")
        self._emi = emi
        self._today = today
        self._tests = tests
        self._shown: BackTestState | None = None
        self._problem = ""
        self.begin_text = OwnText(self, (today - timedelta(days=USUAL_DAYS)).isoformat())
        self.end_text = OwnText(self, today.isoformat())
        self._make_widgets()
        self.restyle()
        self.check()

    def _make_widgets(self) -> None:
        body = self.body
        line = ttk.Frame(body, name="dates")
        line.grid(row=0, column=0, columnspan=2, sticky="ew", pady=(0, 6))
        ttk.Label(line, text=self.title(), style="Bold.TLabel").pack(side="left", padx=(0, 14))
        self.begin = self._entry(line, "from", self.begin_text)
        self.end = self._entry(line, "to", self.end_text)
        self.run = ttk.Button(line, name="run", text="Run", command=self.press)
        self.stop = ttk.Button(line, name="stop", text="Stop", command=self._tests.stop)
        for button in (self.run, self.stop):
            button.pack(side="left", padx=(8, 0))
            button.bind("<Return>", lambda event: event.widget.invoke())
        self.progress = ttk.Progressbar(body, name="progress", mode="determinate", maximum=1000)
        self.progress.grid(row=1, column=0, columnspan=2, sticky="ew", pady=(0, 4))
        self.message.grid(row=2, column=0, columnspan=2, sticky="ew", pady=(0, 4))
        self._paper = Paper(
            body,
            self._theme,
            name="report",
            width=_WIDTH,
            height=_LINES,
            wrap="none",
            framed=True,
            copied=True,
        )
        bar = ttk.Scrollbar(body, orient="vertical", command=self._paper.yview)
        self._paper.configure(yscrollcommand=bar.set)
        self._paper.grid(row=3, column=0, sticky="nsew")
        bar.grid(row=3, column=1, sticky="ns")
        for text in (self.begin_text, self.end_text):
            text.trace_add("write", lambda *_: self.check())

    def _entry(self, parent: ttk.Frame, name: str, text: OwnText) -> ttk.Entry:
        ttk.Label(parent, text=name).pack(side="left", padx=(0, 4))
        entry = ttk.Entry(parent, name=name, textvariable=text, width=11, font=self._theme.mono)
        entry.bind("<Control-a>", lambda _event: select_all(entry))
        entry.pack(side="left", padx=(0, 8))
        return entry

    # ---- what it is told --------------------------------------------------------------------

    def check(self) -> None:
        """Read the dates and say what is wrong with them."""
        self._problem = ""
        try:
            read_dates(self.begin_text.get(), self.end_text.get(), self._today)
        except FieldError as error:
            self._problem = str(error)
        self._show()

    def follow(self, snapshot: Snapshot) -> None:
        """Look how far the back-test has come."""
        self._today = snapshot.at.date()
        self._show()
        super().follow(snapshot)

    def follow_state(self) -> None:
        """Enable what can be done now."""
        running = self._tests.state.running
        set_enabled(self.run, not running and not self._problem)
        set_enabled(self.stop, running)

    def press(self) -> None:
        """Start the back-test."""
        self.check()
        if not self._problem:
            self._tests.start(self._emi, self.begin_text.get().strip(), self.end_text.get().strip())
            self._show()

    def restyle(self) -> None:
        """Take the colours of the theme as they are now."""
        super().restyle()
        if hasattr(self, "_paper"):
            self._paper.restyle()

    # ---- inside -----------------------------------------------------------------------------

    def _show(self) -> None:
        state = self._tests.state
        words, bad = self._words(state)
        self.say(words, bad=bad)
        if state is not self._shown:
            self._shown = state
            share = 1000 * state.played // state.total if state.total else 0
            own = state.emi == self._emi
            self.progress.configure(value=share if own else 0)
            self._write(state.text if own else "")
        self.follow_state()

    def _words(self, state: BackTestState) -> tuple[str, bool]:
        if self._problem:
            return self._problem, True
        if state.running:
            whose = "" if state.emi == self._emi else f"back-test of {state.emi}: "
            if not state.total:
                return f"{whose}reading candles\u2026", False
            return f"{whose}{state.played:,} of {state.total:,} bars", False
        if state.emi != self._emi:
            return "the strategy runs on candles of the past, with its parameters as saved", False
        return ("there is no report", True) if state.failed else ("done", False)

    def _write(self, text: str) -> None:
        if self._paper.text.strip() == text.strip():
            return
        with self._paper.rewritten():
            self._paper.insert("end", text)

    def first(self) -> tk.Misc:
        """Return the field to begin with."""
        return self.begin

    # ---- for tests and tours ----------------------------------------------------------------

    def parts(self) -> dict[str, tk.Misc]:
        """Return what can be clicked, by name."""
        return {"from": self.begin, "to": self.end, "run": self.run, "stop": self.stop}

    def shown(self) -> dict[str, object]:
        """Return the report."""
        return {"report": self._paper.text.strip()}
