"""Move or cancel one order: the one whose key lay under the press, wherever its row is now."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from common.domain.commands import AmendOrder, CancelOrder
from common.domain.market import Book
from common.engine.snapshot import Health, OrderRow, RobotRow, Snapshot
from display.dialogs import Desk, Dialog, StepField, checked, go_on, set_enabled
from display.fields import parse_price, parse_quantity, second_thought, step_price, step_quantity
from display.formats import price_text, quantity_text, quantity_unit
from display.presenter import order_price
from display.theme import Theme

GONE = "order no longer open"


class AmendDialog(Dialog):
    """Price and rest of an open order, Move and Cancel order."""

    def __init__(self, parent: tk.Misc, theme: Theme, desk: Desk, *, row: OrderRow) -> None:
        super().__init__(parent, theme, desk, kind="amend", title=f"Order: {row.side} {row.symbol}")
        self.key = row.key
        self._row = row
        self._gone = False
        self._book = Book()
        self._robot: RobotRow | None = None
        self._blocked = ""  # why the order cannot be moved now; cancelling is always possible
        self._make_widgets()

    def _make_widgets(self) -> None:
        body, row, instrument = self.body, self._row, self._row.instrument
        self._heading = ttk.Label(body, style="Bold.TLabel", text=self._describe())
        self._heading.grid(row=0, column=0, columnspan=5, sticky="w", pady=(0, 6))
        ttk.Label(body, text=f"{row.emi}   {row.key}", style="Hint.TLabel").grid(
            row=1, column=0, columnspan=5, sticky="w", pady=(0, 6)
        )
        self.price = StepField(
            body,
            self._theme.mono,
            2,
            f"Price, {instrument.quote_currency}",
            "price",
            lambda text, steps: step_price(text, instrument, steps, row.price),
        )
        self.quantity = StepField(
            body,
            self._theme.mono,
            3,
            f"Rest, {quantity_unit(instrument)}",
            "quantity",
            lambda text, steps: step_quantity(text, instrument, steps),
        )
        self.price.text.set("" if row.price is None else price_text(row.price, instrument))
        self.quantity.text.set(quantity_text(row.leaves, instrument))
        buttons = ttk.Frame(body, name="buttons")
        buttons.grid(row=4, column=0, columnspan=5, sticky="ew", pady=(8, 6))
        self.move = ttk.Button(buttons, name="move", text="Move", command=self.press_move)
        self.cancel = ttk.Button(
            buttons,
            name="cancel",
            text="Cancel order",
            style="Sell.TButton",
            command=self.press_cancel,
        )
        self.move.pack(side="left", fill="both", expand=True, padx=(0, 4))
        self.cancel.pack(side="left", fill="both", expand=True, padx=(4, 0))
        self.message.grid(row=5, column=0, columnspan=5, sticky="ew")
        for button in (self.move, self.cancel):
            button.bind("<Return>", lambda event: event.widget.invoke())
        for field in (self.price, self.quantity):
            field.text.trace_add("write", lambda *_: self._edited())
            field.entry.bind("<Return>", lambda event: go_on(event.widget))

    def _describe(self) -> str:
        row = self._row
        rest = quantity_text(row.leaves, row.instrument)
        whole = quantity_text(row.quantity, row.instrument)
        return f"{row.side} {rest} of {whole} {row.symbol} at {order_price(row)}"

    @property
    def heading(self) -> str:
        """What is said of the order as it is now."""
        return str(self._heading["text"])

    def follow(self, snapshot: Snapshot) -> None:
        """Take a snapshot: the order as it is now, or that it is not there any more."""
        row = next((each for each in snapshot.orders if each.key == self.key), None)
        self._gone = row is None
        view = snapshot.books.get(self._row.symbol)
        self._book = view.book if view else Book()
        self._robot = next(
            (
                each
                for each in snapshot.robots
                if (each.market, each.emi) == (self._row.market, self._row.emi)
            ),
            None,
        )
        if row is not None and row != self._row:
            self._row = row
            self._heading["text"] = self._describe()
        market = next((each for each in snapshot.markets if each.market == self._row.market), None)
        self._blocked = ""
        if market is None or market.health is not Health.LIVE:
            health = market.health if market else Health.OFFLINE
            self._blocked = f"{self._row.market} is {health}: the order can only be cancelled"
        super().follow(snapshot)

    def follow_state(self) -> None:
        """Enable what may be done with the order now."""
        free = not self._gone and not self.waiting
        may_move = free and not self._blocked
        self.price.enable(may_move and self._row.price is not None)
        self.quantity.enable(may_move)
        set_enabled(self.move, may_move)
        set_enabled(self.cancel, free)
        if self._gone and not self.waiting:
            self.say(GONE, bad=True)
        elif free and self._blocked:
            self.say(self._blocked, bad=True)

    def press_move(self) -> None:
        """Send what differs of price and rest, once."""
        row, instrument = self._row, self._row.instrument
        if self.waiting or self._gone or self._blocked:
            return
        price = row.price
        if row.price is not None:
            price = checked(self.price, lambda text: parse_price(text, instrument))
        leaves = checked(self.quantity, lambda text: parse_quantity(text, instrument))
        if leaves is None or (price is None and row.price is not None):
            return
        new_price = price if price != row.price else None
        new_leaves = leaves if leaves != row.leaves else None
        if new_price is None and new_leaves is None:
            self.say("nothing differs from the order as it is", bad=True)
            return
        question = (
            None
            if price is None
            else second_thought(row.side, price, leaves, self._book, instrument, self._robot)
        )
        if not self.confirmed(question, (new_price, new_leaves)):
            return
        self.dispatch(lambda event: AmendOrder(event, row.market, self.key, new_price, new_leaves))

    def press_cancel(self) -> None:
        """Cancel the order, once; possible in every state of the market."""
        if self.waiting or self._gone:
            return
        self.dispatch(lambda event: CancelOrder(event, self._row.market, self.key))

    def _edited(self) -> None:
        self.forget_question()
        self.price.complain("")
        self.quantity.complain("")
        if not self.waiting and not self._gone and not self._blocked:
            self.say("")
