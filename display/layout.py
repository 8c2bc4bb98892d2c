"""Where the panels of the window stand: the lists get the space, the left side its share."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from tkinter import ttk

from common.domain.orders import Side
from display import columns
from display.cells import Tone
from display.orderbook import OrderBook
from display.panels import HELP_LINE, ExchangeBox, NoticePanel, StateLine
from display.problems import ProblemLine
from display.results import ResultsTab
from display.tables import Table
from display.theme import Theme

TABS = ("Orders", "Trades", "Funding", "Results")
_LEFT_LEAST, _LEFT_MOST = 270, 560  # pixels of the left side
_EDGE = 3  # pixels between panels


@dataclass(frozen=True, slots=True)
class Clicks:
    """What a click on each part of the window does."""

    position: Callable[[str], None]
    order: Callable[[str], None]
    robot: Callable[[str], None]
    bot: Callable[[str], None]  # open the panel of a bot
    new_bot: Callable[[], None]
    book: Callable[[Decimal | None, Side | None], None]
    book_resized: Callable[[], None]
    verify: Callable[[], None]
    stop: Callable[[], None]
    problems: Callable[[], None]


class Layout(ttk.Frame):
    """Every panel of the window, by name."""

    def __init__(self, root: tk.Misc, theme: Theme, clicks: Clicks) -> None:
        super().__init__(root, name="window", style="Window.TFrame")
        self._theme = theme
        self.state_line = StateLine(self, theme, clicks.verify, clicks.stop)
        left = ttk.Frame(self, name="left", style="Window.TFrame")
        right = ttk.Frame(self, name="right", style="Window.TFrame")
        self.help_line = tk.Label(self, name="help", text=HELP_LINE, font=theme.mono, anchor="w")
        self.problem_line = ProblemLine(self, theme, clicks.problems)
        self.state_line.grid(row=0, column=0, columnspan=2, sticky="ew", pady=(0, _EDGE))
        self.problem_line.grid(row=1, column=0, columnspan=2, sticky="ew", pady=(0, _EDGE))
        left.grid(row=2, column=0, sticky="nsew", padx=(0, _EDGE))
        right.grid(row=2, column=1, sticky="nsew")
        self.help_line.grid(row=3, column=0, columnspan=2, sticky="ew", pady=(_EDGE, 0))
        self.rowconfigure(2, weight=1)
        self.columnconfigure(1, weight=1)
        left.grid_propagate(False)  # its texts wrap: the width is the window's to decide
        self._left = left
        self.bind("<Configure>", lambda event: self._share(event.width))
        self._captions: list[tk.Label] = []
        self._fill_left(left, clicks)
        self._fill_right(right, clicks)
        self.restyle()

    def _share(self, width: int) -> None:
        """Give the left side its share; the tables on the right need the rest."""
        self._left.configure(width=max(_LEFT_LEAST, min(_LEFT_MOST, width * 27 // 100)))

    def _fill_left(self, left: ttk.Frame, clicks: Clicks) -> None:
        left.columnconfigure(0, weight=1)
        self.exchange = ExchangeBox(left, self._theme)
        self.notices = NoticePanel(left, self._theme)
        self.book_caption = self._caption(left, "ORDER BOOK")
        self.book = OrderBook(left, self._theme, clicks.book, clicks.book_resized)
        self._caption(left, "EXCHANGE").grid(row=0, column=0, sticky="ew")
        self.exchange.grid(row=1, column=0, sticky="nsew")
        self._caption(left, "INFORMATION").grid(row=2, column=0, sticky="ew", pady=(_EDGE, 0))
        self.notices.grid(row=3, column=0, sticky="nsew")
        self.book_caption.grid(row=4, column=0, sticky="ew", pady=(_EDGE, 0))
        self.book.grid(row=5, column=0, sticky="nsew")
        left.rowconfigure(3, weight=2)
        left.rowconfigure(5, weight=5)

    def _fill_right(self, right: ttk.Frame, clicks: Clicks) -> None:
        theme = self._theme
        right.columnconfigure(0, weight=1)
        self.positions = Table(
            right,
            theme,
            columns.POSITIONS,
            name="positions",
            empty="no symbols yet",
            rows=6,
            on_click=clicks.position,
        )
        self.tabs = ttk.Notebook(right, name="tabs", takefocus=True)
        self.orders = Table(
            self.tabs,
            theme,
            columns.ORDERS,
            name="orders",
            empty="no open orders",
            rows=3,
            on_click=clicks.order,
        )
        self.trades = Table(
            self.tabs, theme, columns.TRADES, name="trades", empty="no trades yet", rows=3
        )
        self.funding = Table(
            self.tabs, theme, columns.FUNDING, name="funding", empty="no funding yet", rows=3
        )
        self.results = ResultsTab(self.tabs, theme)
        pages = (self.orders, self.trades, self.funding, self.results)
        for text, page in zip(TABS, pages, strict=True):
            self.tabs.add(page, text=text)
        self.accounts = Table(
            right, theme, columns.ACCOUNTS, name="accounts", empty="no account yet", rows=2
        )
        self.robots = Table(
            right,
            theme,
            columns.ROBOTS,
            name="robots",
            empty="no robots yet",
            rows=4,
            on_click=clicks.robot,
            on_open=clicks.bot,
        )
        self.new_bot = ttk.Button(
            right, name="new_bot", text="New bot\u2026", style="Small.TButton", width=9
        )
        self.new_bot.configure(command=clicks.new_bot)
        self.new_bot.bind("<Return>", lambda _event: clicks.new_bot())
        self._stack(right)

    def _stack(self, right: ttk.Frame) -> None:
        parts: tuple[tuple[str, tk.Widget, int], ...] = (
            ("POSITIONS", self.positions, 3),
            ("", self.tabs, 4),
            ("ACCOUNT", self.accounts, 0),
            ("ROBOTS", self.robots, 5),
        )
        row = 0
        for caption, widget, weight in parts:
            above = _EDGE if row else 0
            if caption:
                self._caption(right, caption).grid(row=row, column=0, sticky="ew", pady=(above, 0))
                if widget is self.robots:
                    self.new_bot.grid(row=row, column=0, sticky="e", pady=(above, 0))
                    self.new_bot.lift()
                above = 0
            widget.grid(row=row + 1, column=0, sticky="nsew", pady=(above, 0))
            right.rowconfigure(row + 1, weight=weight)
            row += 2

    def _caption(self, parent: tk.Misc, text: str) -> tk.Label:
        label = tk.Label(parent, text=text, font=self._theme.bold, anchor="w", padx=6, pady=1)
        self._captions.append(label)
        return label

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table of the window."""
        return (
            self.positions,
            self.orders,
            self.trades,
            self.funding,
            self.results.table,
            self.accounts,
            self.robots,
        )

    def open_tab(self, name: str) -> None:
        """Bring one of TABS to the front."""
        self.tk.call(str(self.tabs), "select", TABS.index(name))
        self.update_idletasks()

    def restyle(self) -> None:
        """Give every panel the colours and fonts of the theme as they are now."""
        window, dim = self._theme.palette.window, self._theme.colour(Tone.DIM)
        for label in (self.help_line, *self._captions):
            label.configure(background=window, foreground=dim)
        self.exchange.restyle()
        self.problem_line.restyle()
        self.notices.restyle()
        self.book.restyle()
        for table in self.tables:
            table.restyle()
