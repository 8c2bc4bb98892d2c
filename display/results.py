"""The tab Results: what each bot did by day, week or month, and when the books were read."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from common.domain.reports import Period
from common.engine.snapshot import ResultRow, Results, TotalRow
from display import columns
from display.formats import time_text
from display.own_variables import OwnText
from display.presenter import result_row
from display.row_cache import RowCache
from display.tables import Table
from display.theme import Theme

ASK_EVERY = 5.0  # seconds between two questions while the tab is in sight
NOTE = "cash figures; open positions are not valued"


class ResultsTab(ttk.Frame):
    """A line to choose the period with, and the table below it."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(parent, name="results_tab")
        self._rows: RowCache[ResultRow | TotalRow] = RowCache(result_row)
        self._shown: Results | None = None
        self._asked_at: float | None = None
        self._asked: Period | None = None
        self._period = OwnText(self, Period.DAY.value)
        self.periods = {
            period: ttk.Radiobutton(
                self, text=period.value, value=period.value, variable=self._period
            )
            for period in Period
        }
        self.note = ttk.Label(self, style="Hint.TLabel", text=NOTE, anchor="e")
        self.table = Table(
            self, theme, columns.RESULTS, name="results", empty="no results yet", rows=2
        )
        for column, button in enumerate(self.periods.values()):
            button.grid(row=0, column=column, padx=(6, 4), pady=1)
        self.note.grid(row=0, column=3, sticky="ew", padx=(4, 8))
        self.table.grid(row=1, column=0, columnspan=4, sticky="nsew")
        self.columnconfigure(3, weight=1)
        self.rowconfigure(1, weight=1)

    @property
    def period(self) -> Period:
        """The period that is chosen."""
        return Period(self._period.get())

    def due(self, now: float) -> Period | None:
        """Return the period to ask for at `now` (monotonic seconds), None: nothing to ask."""
        if not self.winfo_ismapped():
            self._asked_at = None  # when it comes back into sight it is asked for at once
            return None
        recent = self._asked_at is not None and now - self._asked_at < ASK_EVERY
        if recent and self._asked is self.period:
            return None
        self._asked, self._asked_at = self.period, now
        return self.period

    def show(self, results: Results | None) -> None:
        """Show the newest reading; one of another period than is chosen is not shown."""
        if results is None or results is self._shown or results.period is not self.period:
            return
        self._shown = results
        left_off = f"{results.left_off} older lines: F8; " if results.left_off else ""
        self.note["text"] = f"{left_off}{NOTE}; read {time_text(results.at)}"
        self.table.show(self._rows.rows((*results.totals, *results.rows)))
