"""The order ticket: a limit order by hand, for a symbol that never changes under it."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from decimal import Decimal
from tkinter import ttk

from common.domain.commands import PlaceOrder
from common.domain.instruments import Instrument, Symbol
from common.domain.market import Book
from common.domain.orders import Side
from common.domain.robots import reserved_emi
from common.engine.snapshot import Health, RobotRow, Snapshot
from display.dialogs import Desk, Dialog, StepField, checked, go_on, set_enabled
from display.fields import (
    FieldError,
    check_bot,
    emi_choices,
    parse_price,
    parse_quantity,
    second_thought,
    step_price,
    step_quantity,
)
from display.formats import price_text, quantity_text, quantity_unit
from display.theme import Theme

LOCKED = "Automatic trading is ON: manual orders are locked. F9 switches it OFF."


class OrderTicket(Dialog):
    """Price, quantity, bot, Buy and Sell."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        desk: Desk,
        *,
        market: str,
        symbol: Symbol,
        instrument: Instrument,
        used: Callable[[str], None],
    ) -> None:
        super().__init__(
            parent, theme, desk, kind="ticket", title=f"New order: {symbol} on {market}"
        )
        self._market = market
        self._symbol = symbol
        self._instrument = instrument
        self._used = used  # is told the EMI that an order was sent for
        self._choices: Sequence[RobotRow] = ()
        self._book = Book()
        self._locked = ""
        self._was_locked = False
        self._make_widgets()

    def _make_widgets(self) -> None:
        body, instrument = self.body, self._instrument
        ttk.Label(body, text=self.title(), style="Bold.TLabel").grid(
            row=0, column=0, columnspan=5, sticky="w", pady=(0, 6)
        )
        self.price = StepField(
            body,
            self._theme.mono,
            1,
            f"Price, {instrument.quote_currency}",
            "price",
            self._step_price,
        )
        self.quantity = StepField(
            body,
            self._theme.mono,
            2,
            f"Quantity, {quantity_unit(instrument)}",
            "quantity",
            lambda text, steps: step_quantity(text, instrument, steps),
        )
        self.quantity.text.set(quantity_text(instrument.lot_size, instrument))
        ttk.Label(body, text="Bot (EMI)").grid(row=3, column=0, sticky="w", pady=3)
        self.emi = ttk.Combobox(body, name="emi", state="readonly", width=24, font=self._theme.mono)
        self.emi.grid(row=3, column=1, columnspan=3, sticky="ew", pady=3)
        self._bot_problem = ttk.Label(body, style="Error.TLabel", wraplength=250)
        self._bot_problem.grid(row=3, column=4, sticky="w", padx=(8, 0))
        self._make_buttons()
        self.message.grid(row=5, column=0, columnspan=5, sticky="ew")
        for field in (self.price, self.quantity):
            field.text.trace_add("write", lambda *_: self._edited())
            field.entry.bind("<Return>", lambda event: go_on(event.widget))
        for wheel in ("<MouseWheel>", "<Button-4>", "<Button-5>"):
            # Turning the wheel over the box must not hand the order to another bot.
            self.emi.bind(wheel, lambda _event: "break")
        self.emi.bind("<<ComboboxSelected>>", lambda _event: self._edited())

    def _make_buttons(self) -> None:
        buttons = ttk.Frame(self.body, name="buttons")
        buttons.grid(row=4, column=0, columnspan=5, sticky="ew", pady=(8, 6))
        self.buy = self._button(buttons, Side.BUY)
        self.sell = self._button(buttons, Side.SELL)
        self.buy.pack(side="left", fill="x", expand=True, padx=(0, 4))
        self.sell.pack(side="left", fill="x", expand=True, padx=(4, 0))

    def _button(self, parent: ttk.Frame, side: Side) -> ttk.Button:
        button = ttk.Button(
            parent,
            name=side.value.lower(),
            text=f"{side} limit",
            style=f"{side}.TButton",
            command=lambda: self.press(side),
        )
        button.bind("<Return>", lambda _event: button.invoke())
        return button

    # ---- what it is told --------------------------------------------------------------------

    @property
    def bot_problem(self) -> str:
        """What is said beside the choice of the bot."""
        return str(self._bot_problem["text"])

    def belongs_to(self, market: str, symbol: Symbol) -> bool:
        """Return whether this is the ticket of a symbol."""
        return (self._market, self._symbol) == (market, symbol)

    def offer(self, price: Decimal | None, emi: str | None) -> None:
        """Take the price that was clicked and the bot that was used last for the symbol."""
        if self.waiting:
            return
        if price is not None:
            self.price.text.set(price_text(price, self._instrument))
        names = [robot.emi for robot in self._choices]
        for wanted in (emi, reserved_emi(self._symbol), *names):
            if wanted in names:
                self.emi.current(names.index(wanted))
                break

    def follow(self, snapshot: Snapshot) -> None:
        """Take a snapshot: the bots to choose from, the book, and whether trading by hand is on."""
        view = snapshot.books.get(self._symbol)
        self._book = view.book if view else Book()
        self._choose_from(emi_choices(snapshot.robots, self._market, self._symbol))
        self._locked = self._lock(snapshot)
        super().follow(snapshot)

    def _choose_from(self, choices: Sequence[RobotRow]) -> None:
        names = [robot.emi for robot in choices]
        if names != [robot.emi for robot in self._choices]:
            chosen = self.emi.get()
            self.emi.configure(values=names)
            if chosen not in names:
                self.emi.set("")
        self._choices = choices

    def _lock(self, snapshot: Snapshot) -> str:
        if snapshot.trading:
            return LOCKED
        market = next((row for row in snapshot.markets if row.market == self._market), None)
        if market is None:
            return f"{self._market} is not in the settings any more"
        if market.health is not Health.LIVE:
            return f"{self._market} is {market.health}: {market.reason or 'orders have to wait'}"
        return ""

    def follow_state(self) -> None:
        """Enable the fields unless trading by hand is locked or an answer is awaited."""
        free = not self._locked and not self.waiting
        self.price.enable(free)
        self.quantity.enable(free)
        set_enabled(self.emi, free)
        set_enabled(self.buy, free)
        set_enabled(self.sell, free)
        if self._locked and not self.waiting:
            self.say(self._locked, bad=True)
        elif free and str(self.message["text"]) and self._was_locked:
            self.say("")
        self._was_locked = bool(self._locked)

    # ---- what it does -----------------------------------------------------------------------

    def press(self, side: Side) -> None:
        """Check the fields and send the order, once."""
        if self.waiting or self._locked:
            return
        order = self._read(side)
        if order is None:
            return
        price, contracts, emi = order
        robot = next((each for each in self._choices if each.emi == emi), None)
        question = second_thought(side, price, contracts, self._book, self._instrument, robot)
        if not self.confirmed(question, (side, *order)):
            return
        self._used(emi)
        self.dispatch(
            lambda event: PlaceOrder(event, self._market, self._symbol, emi, side, price, contracts)
        )

    def _read(self, side: Side) -> tuple[Decimal, int, str] | None:
        """Return price, contracts and EMI; None after saying beside a field what is wrong."""
        price = checked(self.price, lambda text: parse_price(text, self._instrument))
        contracts = checked(self.quantity, lambda text: parse_quantity(text, self._instrument))
        robot = next((each for each in self._choices if each.emi == self.emi.get()), None)
        problem = "" if robot else "choose a bot"
        if robot and contracts:
            try:
                check_bot(robot, side, contracts)
            except FieldError as error:
                problem = str(error)
        self._bot_problem["text"] = problem
        if price is None or contracts is None or robot is None or problem:
            return None
        return price, contracts, robot.emi

    def _step_price(self, text: str, steps: int) -> str:
        best = self._book.bids or self._book.asks
        return step_price(text, self._instrument, steps, best[0][0] if best else None)

    def _edited(self) -> None:
        """Forget what was said about fields that have changed since."""
        self.forget_question()
        self._bot_problem["text"] = ""
        self.price.complain("")
        self.quantity.complain("")
        if not self._locked and not self.waiting:
            self.say("")
