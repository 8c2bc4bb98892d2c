"""Where things of the window are on the screen and what it shows, for tests and tours.

what         key                                   what         key
------------ ------------------------------------  -----------  -------------------------------
book         price, or "Buy price", "Sell price"   ticket       price quantity emi buy sell
position     ticker, or ticker.category            amend        price quantity move cancel
order        OrderRow.key
robot        EMI                                   tab          Orders Trades Funding Results
period       day week month                        state        trading mode health books clock
close        keep mine all stay
stop         entries cancel flatten target do leave                  (state also: stop)
bot_form     emi symbol timeframe capital strategy save leave, "parameter NAME", "on_stop cancel"
bot_delete   do leave          backtest     from to run stop    new_bot
bot          switch edit delete backtest cancel flatten day week month curve
bot_tab      Results Orders Trades Funding Log    bot_order    OrderRow.key
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from tkinter import ttk

from common.domain.orders import Side
from common.engine.stop_levels import Level
from display.actions import Actions
from display.amend import AmendDialog
from display.bot_panel import BotPanel
from display.bot_tabs import BOT_TABS
from display.cells import Row
from display.closing import CloseDialog
from display.dialogs import Dialog
from display.layout import TABS, Layout
from display.stop import StopDialog
from display.tables import Table
from display.ticket import OrderTicket


def locate(layout: Layout, actions: Actions, what: str, key: str | None) -> tuple[int, int]:
    """Return the middle of a thing in coordinates of the screen, scrolled into sight first."""
    layout.update_idletasks()
    place = _find(layout, actions, what, key or "")
    if place is None:
        raise LookupError(f"the window shows no {what} {key or ''}".rstrip())
    return place


def _find(layout: Layout, actions: Actions, what: str, key: str) -> tuple[int, int] | None:
    if what == "book":
        return _book_row(layout, key)
    if what in ("position", "order", "robot"):
        return _table_row(layout, what, key)
    if what == "tab":
        return _tab(layout.tabs, key, TABS)
    if what in ("bot_tab", "bot_order"):
        return _bot(actions, what, key)
    return _middle(_widget(layout, actions, what, key))


def _widget(layout: Layout, actions: Actions, what: str, key: str) -> object:
    if what == "period":
        return _period(layout, key)
    if what == "new_bot":
        return layout.new_bot
    if what == "state":
        return getattr(layout.state_line, key, None)
    return _dialog_parts(actions, what).get(key)


def _bot(actions: Actions, what: str, key: str) -> tuple[int, int] | None:
    """Return a tab, or the row of an order, of the newest open panel of a bot."""
    for dialog in reversed(actions.dialogs()):
        if isinstance(dialog, BotPanel):
            if what == "bot_tab":
                return _tab(dialog.tabs, key, BOT_TABS)
            dialog.tabs.open_tab("Orders")
            dialog.update_idletasks()
            return dialog.tabs.orders.row_at_root(key)
    return None


def _table_row(layout: Layout, what: str, key: str) -> tuple[int, int] | None:
    if what == "position":
        return _row(layout.positions, lambda row: key in (row.texts[0], ".".join(row.texts[:2])))
    if what == "order":
        layout.open_tab("Orders")
        return layout.orders.row_at_root(key)
    return _row(layout.robots, lambda row: row.texts[0] == key)


def _book_row(layout: Layout, key: str) -> tuple[int, int] | None:
    side, _, text = key.rpartition(" ")
    try:
        return layout.book.row_at_root(Decimal(text), Side(side) if side else None)
    except (InvalidOperation, ValueError):
        return None


def _row(table: Table, is_meant: Callable[[Row], bool]) -> tuple[int, int] | None:
    row = next((each for each in table.rows if is_meant(each)), None)
    return table.row_at_root(row.key) if row else None


def _tab(tabs: ttk.Notebook, key: str, names: Sequence[str]) -> tuple[int, int] | None:
    """Return a point on a tab; Tk tells which tab is at a point, not the other way round."""
    if key not in names:
        return None
    wanted, y = names.index(key), 10
    xs = [
        x
        for x in range(0, tabs.winfo_width(), 4)
        if str(tabs.tk.call(str(tabs), "index", f"@{x},{y}")) == str(wanted)
    ]
    return (tabs.winfo_rootx() + xs[len(xs) // 2], tabs.winfo_rooty() + y) if xs else None


def _period(layout: Layout, key: str) -> tk.Misc | None:
    return next((b for period, b in layout.results.periods.items() if period.value == key), None)


def _dialog_parts(actions: Actions, what: str) -> dict[str, tk.Misc]:
    """Return the widgets of the newest open window of a kind."""
    for dialog in reversed(actions.dialogs()):
        if what == dialog.kind and dialog.parts():
            return dialog.parts()
        if what == "ticket" and isinstance(dialog, OrderTicket):
            return {
                "price": dialog.price.entry,
                "quantity": dialog.quantity.entry,
                "emi": dialog.emi,
                "buy": dialog.buy,
                "sell": dialog.sell,
            }
        if what == "amend" and isinstance(dialog, AmendDialog):
            return {
                "price": dialog.price.entry,
                "quantity": dialog.quantity.entry,
                "move": dialog.move,
                "cancel": dialog.cancel,
            }
        if what == "close" and isinstance(dialog, CloseDialog):
            names = ("keep", "mine", "all", "stay")
            return {name: dialog.body.children[name] for name in names}
        if what == "stop" and isinstance(dialog, StopDialog):
            levels = {
                level.name.lower(): dialog.body.children[level.name.lower()] for level in Level
            }
            return {**levels, "target": dialog.target, "do": dialog.do, "leave": dialog.leave}
    return {}


def _middle(widget: object) -> tuple[int, int] | None:
    if not isinstance(widget, tk.Misc) or not widget.winfo_ismapped():
        return None
    x = widget.winfo_rootx() + widget.winfo_width() // 2
    return x, widget.winfo_rooty() + widget.winfo_height() // 2


def describe(layout: Layout, actions: Actions) -> dict[str, object]:
    """Return every text of the window: state, tables by row key, book, notices, open windows."""
    state, book = layout.state_line, layout.book.table
    parts = ("trading", "mode", "health", "books", "clock")
    return {
        "state": {part: str(getattr(state, part)["text"]) for part in parts},
        "selected": str(actions.selected.symbol) if actions.selected else None,
        "tables": {
            table.winfo_name(): [[row.key, *row.texts] for row in table.rows]
            for table in layout.tables
        },
        "book": [
            {"side": str(row.side), "price": str(row.price), "texts": row.texts, "own": row.own}
            for row in (*reversed(book.asks), *book.bids)
        ],
        "notices": layout.notices.lines(),
        "problems": [problem.cause for problem in layout.problem_line.problems],
        "dialogs": [_describe_dialog(dialog) for dialog in actions.dialogs()],
    }


def _describe_dialog(dialog: Dialog) -> dict[str, object]:
    return {
        "kind": dialog.kind,
        "title": dialog.title(),
        "message": str(dialog.message["text"]),
        "waiting": dialog.waiting,
        **dialog.shown(),
    }
