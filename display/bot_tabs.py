"""The tabs of a bot's panel: results, orders, trades, funding, log."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk

from common.domain.bot_story import BotStory
from common.domain.bots import BotLine
from common.domain.reports import Period
from common.engine.snapshot import EntryRow, OrderRow, RobotRow
from display import columns
from display.bot_words import entry_rows, note_line, period_rows
from display.cells import Tone
from display.formats import time_text
from display.own_variables import OwnText
from display.panels import one_line
from display.paper import Paper
from display.presenter import funding_row, order_row, trade_row
from display.row_cache import RowCache
from display.tables import Table
from display.theme import Theme

BOT_TABS = ("Results", "Orders", "Trades", "Funding", "Log")


class BotTabs(ttk.Notebook):
    """Everything of one bot that comes in rows."""

    def __init__(self, parent: tk.Misc, theme: Theme, on_order: Callable[[str], None]) -> None:
        super().__init__(parent, name="bot_tabs", takefocus=True)
        self.results = _Results(self, theme)
        self.orders = Table(
            *(self, theme, columns.ORDERS),
            name="bot_orders",
            empty="no open orders",
            rows=4,
            on_click=on_order,
        )
        self.trades = Table(
            *(self, theme, columns.TRADES), name="bot_trades", empty="no trades yet", rows=4
        )
        self.funding = Table(
            *(self, theme, columns.FUNDING), name="bot_funding", empty="no funding yet", rows=4
        )
        self.log = LogPaper(self, theme)
        pages = (self.results, self.orders, self.trades, self.funding, self.log)
        for text, page in zip(BOT_TABS, pages, strict=True):
            self.add(page, text=text)
        self._orders = RowCache(order_row)
        self._trades: RowCache[EntryRow] = RowCache(trade_row)
        self._funding: RowCache[EntryRow] = RowCache(funding_row)
        self._story: BotStory | None = None

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table of the panel."""
        return (self.results.table, self.orders, self.trades, self.funding)

    def show(
        self,
        row: RobotRow,
        story: BotStory | None,
        orders: Sequence[OrderRow],
        lines: Sequence[BotLine],
    ) -> None:
        """Show a bot; what is as before is not touched."""
        self.orders.show(self._orders.rows(orders))
        self.log.show(lines)
        self.results.show(row, story)
        if story is not None and story is not self._story:
            self._story = story
            trades, funding = entry_rows(story, row)
            self.trades.show(self._trades.rows(trades))
            self.funding.show(self._funding.rows(funding))
        self._count("Orders", len(orders))

    def open_tab(self, name: str) -> None:
        """Bring one of BOT_TABS to the front."""
        self.tk.call(str(self), "select", BOT_TABS.index(name))

    def restyle(self) -> None:
        """Take the colours and fonts of the theme as they are now."""
        self.log.restyle()
        for table in self.tables:
            table.restyle()

    def _count(self, name: str, count: int) -> None:
        text = f"{name} {count}" if count else name
        index = BOT_TABS.index(name)
        if self.tk.call(str(self), "tab", index, "-text") != text:
            self.tk.call(str(self), "tab", index, "-text", text)


class _Results(ttk.Frame):
    """The choice of the period and the table below it."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(parent, name="bot_results")
        self._shown: tuple[RobotRow, BotStory] | None = None
        self._period = OwnText(self, Period.DAY.value)
        self.periods = {
            period: ttk.Radiobutton(
                self,
                text=period.value,
                value=period.value,
                variable=self._period,
                command=self._chosen,
            )
            for period in Period
        }
        self.note = ttk.Label(self, style="Hint.TLabel", anchor="e")
        self.table = Table(
            self, theme, columns.BOT_RESULTS, name="table", empty="no results yet", rows=4
        )
        for column, button in enumerate(self.periods.values()):
            button.grid(row=0, column=column, padx=(6, 4), pady=1)
        self.note.grid(row=0, column=3, sticky="ew", padx=(4, 8))
        self.table.grid(row=1, column=0, columnspan=4, sticky="nsew")
        self.columnconfigure(3, weight=1)
        self.rowconfigure(1, weight=1)

    def show(self, row: RobotRow, story: BotStory | None) -> None:
        """Show a story by the chosen period."""
        note = note_line(story)
        if self.note["text"] != note:
            self.note["text"] = note
        if story is not None and (self._shown is None or self._shown[1] is not story):
            self._shown = (row, story)
            self._chosen()

    def _chosen(self) -> None:
        if self._shown is not None:
            row, story = self._shown
            self.table.show(period_rows(story, Period(self._period.get()), row.instrument))


class LogPaper(ttk.Frame):
    """The last lines of a bot's log, the newest at the bottom, errors red."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(parent, name="bot_log")
        self._shown: Sequence[BotLine] | None = None
        self._paper = Paper(self, theme, name="paper", height=4, copied=True)
        bar = ttk.Scrollbar(self, orient="vertical", command=self._paper.yview)
        self._paper.configure(yscrollcommand=bar.set)
        self.rowconfigure(0, weight=1)
        self.columnconfigure(0, weight=1)
        self._paper.grid(row=0, column=0, sticky="nsew")
        bar.grid(row=0, column=1, sticky="ns")
        self._paper.bind("<Map>", lambda _event: self._paper.see("end"))

    def show(self, lines: Sequence[BotLine]) -> None:
        """Show the lines; the view stays at the end unless somebody has scrolled up."""
        if lines is self._shown:
            return
        self._shown = lines
        paper = self._paper
        at_end = paper.yview()[1] >= 1.0
        with paper.rewritten():
            if not lines:
                paper.insert("end", "nothing was said since the start", (Tone.DIM.value,))
            for line in lines:
                tone = Tone.BAD if line.error else Tone.TEXT
                mark = "\u2715" if line.error else " "
                paper.insert("end", f"{time_text(line.at)} ", (Tone.DIM.value,))
                first, *rest = line.text.splitlines() or [""]
                paper.insert("end", f"{mark} {one_line(first)}\n", (tone.value,))
                for part in rest:  # of a traceback, whose indentation says something
                    indent = " " * (len(part) - len(part.lstrip()))
                    paper.insert("end", f"    {indent}{one_line(part)}\n", (tone.value,))
        if at_end:
            paper.see("end")

    def lines(self) -> list[str]:
        """Return what is written, oldest first."""
        return self._paper.text.split("\n")

    def restyle(self) -> None:
        """Take the colours of the theme as they are now."""
        self._paper.restyle()
