"""The form of a bot, new or known: every field is checked while it is typed, beside the field."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Mapping, Sequence
from tkinter import ttk
from typing import TypeVar

from common.domain.bot_form import BotForm
from common.domain.bots import OnStop
from common.domain.commands import SaveBot
from common.domain.instruments import Symbol
from common.domain.parameters import Catalog, StrategyInfo
from common.engine.snapshot import PositionRow, RobotRow, Snapshot
from display.bot_fields import read_capital, read_emi, read_timeframe
from display.bot_form_fields import ROWS, BotFormFields
from display.bot_words import capital_text, middle
from display.dialogs import Desk, Dialog, set_enabled
from display.fields import FieldError
from display.form_line import Line
from display.theme import Theme

Value = TypeVar("Value")


class BotFormDialog(Dialog):
    """Makes a bot, or changes one: `known` is the bot as it is."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        desk: Desk,
        *,
        known: RobotRow | None = None,
    ) -> None:
        title = f"Bot {known.emi}: settings" if known else "New bot"
        super().__init__(parent, theme, desk, kind="bot_form", title=title)
        self.known = known
        self._catalog = Catalog()
        self._strategies: dict[str, StrategyInfo] = {}
        self._robots: Sequence[RobotRow] = ()
        self._instruments: dict[str, PositionRow] = {}
        self._snapshot: Snapshot | None = None
        self._draft: BotForm | None = None
        self._make_fields()
        self._make_buttons()
        self._choose_strategy()

    # ---- widgets ----------------------------------------------------------------------------

    def _make_fields(self) -> None:
        ttk.Label(self.body, text=self.title(), style="Bold.TLabel").grid(
            row=0, column=0, columnspan=3, sticky="w", pady=(0, 6)
        )
        self.fields = BotFormFields(
            self,
            self.body,
            self._theme,
            self.known,
            changed=self.check,
            chosen=self._choose_strategy,
        )

    def _make_buttons(self) -> None:
        buttons = ttk.Frame(self.body, name="buttons")
        buttons.grid(row=ROWS + 1, column=0, columnspan=3, sticky="ew", pady=(8, 6))
        word = "Save" if self.known else "Create bot"
        self.save = ttk.Button(buttons, name="save", text=word, command=self.press)
        self.leave = ttk.Button(buttons, name="leave", text="Close", command=self.close)
        self.save.pack(side="left", fill="both", expand=True, padx=(0, 4))
        self.leave.pack(side="left", fill="both", padx=(4, 0))
        for button in (self.save, self.leave):
            button.bind("<Return>", lambda event: event.widget.invoke())
        self.message.grid(row=ROWS + 2, column=0, columnspan=3, sticky="ew")

    # ---- what it is told --------------------------------------------------------------------

    def follow(self, snapshot: Snapshot) -> None:
        """Take a snapshot: the names that are taken, the instruments, prices."""
        self._snapshot = snapshot
        self._robots = snapshot.robots
        self._offer(snapshot.catalog)
        rows = {str(row.symbol): row for row in snapshot.positions if row.symbol in snapshot.books}
        if rows.keys() != self._instruments.keys():
            self.fields.offer_symbols(tuple(rows))
        self._instruments = rows
        self.check()
        super().follow(snapshot)

    def follow_state(self) -> None:
        """Enable what may be changed now."""
        free = not self.waiting
        self.fields.enable(free=free, new=self.known is None)
        set_enabled(self.save, free and self._draft is not None)

    def restyle(self) -> None:
        """Take the colours of the theme as they are now."""
        super().restyle()
        if hasattr(self, "fields"):  # the dialog is styled before it has its fields
            self.fields.parameters.restyle()

    # ---- what it does -----------------------------------------------------------------------

    def check(self) -> None:
        """Read every field, say beside each what is wrong, and keep what all of them describe."""
        fields = self.fields
        emi = self._read(fields.emi, self._read_emi)
        symbol = self._read(fields.symbol, self._read_symbol)
        timeframe = self._read(
            fields.timeframe, lambda: read_timeframe(fields.timeframe_text.get())
        )
        capital = self._read(fields.capital, lambda: read_capital(fields.capital_text.get()))
        strategy = self._read(fields.strategy, self._read_strategy)
        parameters = self._read_parameters()
        self._say_hints(symbol, timeframe, capital, strategy)
        self._draft = None
        if emi and symbol and timeframe and capital and None not in (strategy, parameters):
            self._draft = BotForm(
                emi,
                symbol,
                timeframe,
                capital,
                strategy or "",
                tuple((parameters or {}).items()),
                OnStop(fields.on_stop_text.get()),
            )
        self.follow_state()

    def press(self) -> None:
        """Send what the form describes, once."""
        self.check()
        draft, known = self._draft, self.known
        if draft is None or self.waiting:
            return
        if known is not None and draft == self._form_of(known):
            self.say("nothing differs from what is kept", bad=True)
            return
        market = self._market(str(draft.symbol))
        self.dispatch(lambda event: SaveBot(event, market, draft, new=known is None))

    # ---- inside -----------------------------------------------------------------------------

    def _read(self, line: Line, read: Callable[[], Value]) -> Value | None:
        try:
            value = read()
        except FieldError as error:
            line.say(str(error), bad=True)
            return None
        line.say("")
        return value

    def _say_hints(
        self,
        symbol: Symbol | None,
        timeframe: int | None,
        capital: int | None,
        strategy: str | None,
    ) -> None:
        """Say beside the fields that are right what they mean."""
        fields = self.fields
        if capital is not None and symbol is not None:
            fields.capital.say(self._capital_hint(capital, symbol))
        if timeframe is not None:
            fields.timeframe.say(f"{timeframe} minutes")
        if strategy is not None:
            fields.strategy.say(self._strategy_hint(strategy))

    def _read_emi(self) -> str:
        text = self.fields.emi_text.get()
        if self.known is not None:
            return self.known.emi
        symbol = self.fields.symbol_text.get()
        return read_emi(text, self._robots, self._market(symbol), symbol)

    def _read_symbol(self) -> Symbol:
        if self.known is not None:
            return self.known.symbol
        row = self._instruments.get(self.fields.symbol_text.get())
        if row is None:
            raise FieldError("choose one of the subscribed instruments")
        return row.symbol

    def _read_strategy(self) -> str:
        name = self.fields.chosen_strategy
        if self.known is None and name not in self._strategies:
            raise FieldError(
                "choose a strategy" if self._strategies else "the folder algo offers no strategy"
            )
        return name

    def _read_parameters(self) -> dict[str, str] | None:
        known = self.known
        if (
            known is not None
            and self.fields.chosen_strategy == known.strategy not in self._strategies
        ):
            return dict(known.parameters)  # nobody can say now what they may be
        return self.fields.parameters.read()

    def _form_of(self, row: RobotRow) -> BotForm:
        """Return a bot as it is, without texts that are the defaults of now."""
        info = self._strategies.get(row.strategy)
        defaults = {spec.name: spec.default for spec in info.parameters} if info else {}
        return BotForm(
            row.emi,
            row.symbol,
            row.timeframe,
            row.capital,
            row.strategy,
            tuple((k, v) for k, v in row.parameters if defaults.get(k) != v),
            row.on_stop,
        )

    def _market(self, symbol: str) -> str:
        if self.known is not None:
            return self.known.market
        row = self._instruments.get(symbol)
        return row.market if row else ""

    def _capital_hint(self, lots: int, symbol: Symbol) -> str:
        row = self._instruments.get(str(symbol))
        if row is None or self._snapshot is None:
            return ""
        price = middle(self._snapshot.books.get(row.symbol))
        return capital_text(lots, row.instrument, price, row.scale)

    def _strategy_hint(self, name: str) -> str:
        info = self._strategies.get(name)
        if info is not None:
            return info.title
        if name:
            return "not found in the folder algo now; it is kept as it is"
        return "the function that algo/init.py names for the EMI"

    def _offer(self, catalog: Catalog) -> None:
        """Offer the strategies that were found, and ask for what the chosen one declares."""
        if catalog == self._catalog:
            return
        before = self._strategies.get(self.fields.chosen_strategy)
        self._catalog = catalog
        self._strategies = {each.name: each for each in catalog.strategies}
        by_init = self.known is not None and not self.known.strategy
        chosen = self.fields.offer_strategies(tuple(self._strategies), by_init=by_init)
        if not chosen and self._strategies.get(self.fields.chosen_strategy) != before:
            self._choose_strategy()

    def _choose_strategy(self) -> None:
        """Show the parameters that the chosen strategy declares."""
        chosen = self._strategies.get(self.fields.chosen_strategy)
        kept: Mapping[str, str] = {}
        if self.known is not None and self.fields.chosen_strategy == self.known.strategy:
            kept = dict(self.known.parameters)
        self.fields.parameters.show(chosen.parameters if chosen else (), kept)
        self.check()

    def first(self) -> tk.Misc:
        """Return the field to begin with."""
        fields = self.fields
        return (fields.emi if self.known is None else fields.timeframe).widget

    # ---- for tests and tours ----------------------------------------------------------------

    def parts(self) -> dict[str, tk.Misc]:
        """Return what can be clicked, by name."""
        return {**self.fields.parts(), "save": self.save, "leave": self.leave}

    def shown(self) -> dict[str, object]:
        """Return what is said beside the fields."""
        return {"said": self.fields.said(), "ready": self._draft is not None}
