"""Paints a snapshot into the panels of the window; nothing is touched that is as before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from common.engine.snapshot import BookView, Level, Notice, PositionRow, Snapshot
from display import presenter
from display.book_rows import book_table
from display.layout import Layout
from display.panels import LocalNotice
from display.row_cache import RowCache


class Painter:
    """Remembers what it has painted. `answered` is given every notice that is new."""

    def __init__(self, layout: Layout, answered: Callable[[Notice], None]) -> None:
        self._layout = layout
        self._answered = answered
        self._seen: Snapshot | None = None
        self._last_notice = 0
        self._book: tuple[BookView | None, int] | None = None  # what the book shows
        self._positions = RowCache(presenter.position_row)
        self._orders = RowCache(presenter.order_row)
        self._trades = RowCache(presenter.trade_row)
        self._funding = RowCache(presenter.funding_row)
        self._accounts = RowCache(presenter.account_row)
        self._robots = RowCache(presenter.robot_row)

    def paint(self, snapshot: Snapshot, selected: PositionRow | None) -> None:
        """Show a new snapshot, and the order book of the selected position's symbol."""
        before, self._seen = self._seen, snapshot
        self._take_notices(snapshot)
        if before is not None and snapshot.reloads != before.reloads:
            for table in self._layout.tables:
                table.forget_widths()
        self._layout.exchange.show(snapshot.markets)
        self._paint_tables(snapshot)
        self.paint_book(selected)

    def paint_book(self, selected: PositionRow | None) -> None:
        """Show the book of the selected symbol and mark its position."""
        layout, view, caption = self._layout, None, "ORDER BOOK"
        if self._seen is not None and selected is not None:
            view = self._seen.books.get(selected.symbol)
            caption = f"ORDER BOOK  {selected.symbol}"
        layout.positions.select(presenter.position_key(selected) if selected else None)
        if layout.book_caption["text"] != caption:
            layout.book_caption["text"] = caption
        levels = layout.book.levels
        if view is None or (view, levels) != self._book:
            self._book = (view, levels)
            layout.book.show(book_table(view, levels))

    def say(self, at: datetime, level: Level, text: str) -> None:
        """Add a line of the window's own to the information panel."""
        self._layout.notices.add([LocalNotice(at, level, text)])

    def _paint_tables(self, snapshot: Snapshot) -> None:
        layout = self._layout
        layout.positions.show(self._positions.rows(snapshot.positions))
        layout.orders.show(self._orders.rows(snapshot.orders))
        layout.trades.show(self._trades.rows(snapshot.trades))
        layout.funding.show(self._funding.rows(snapshot.funding))
        layout.results.show(snapshot.results)
        layout.accounts.show(self._accounts.rows(snapshot.accounts))
        layout.robots.show(self._robots.rows(snapshot.robots))

    def _take_notices(self, snapshot: Snapshot) -> None:
        fresh = [each for each in snapshot.notices if each.number > self._last_notice]
        if not fresh:
            return
        self._last_notice = fresh[-1].number
        self._layout.notices.add(fresh)
        for notice in fresh:
            self._answered(notice)
