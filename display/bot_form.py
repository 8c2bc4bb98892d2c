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
from display.bot_fields import TIMEFRAMES, read_capital, read_emi, read_timeframe
from display.bot_words import capital_text, middle, timeframe_text
from display.dialogs import Desk, Dialog, select_all, set_enabled
from display.fields import FieldError
from display.form_line import Line
from display.own_variables import OwnText
from display.parameter_fields import (
    FIELD_WIDTH,
    ParameterFields,
)
from display.theme import Theme

ON_STOP = {
    OnStop.LEAVE: "leave its orders",
    OnStop.CANCEL: "cancel its orders",
}
BY_INIT = "(algo/init.py)"  # what the form calls a strategy without a name
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
        self._make_texts()
        self._make_lines()
        self._make_buttons()
        self._choose_strategy()

    # ---- widgets ----------------------------------------------------------------------------

    def _make_texts(self) -> None:
        known = self.known
        self.emi_text = OwnText(self, known.emi if known else "")
        self.symbol_text = OwnText(self, str(known.symbol) if known else "")
        self.timeframe_text = OwnText(
            self, timeframe_text(known.timeframe) if known else TIMEFRAMES[2]
        )
        self.capital_text = OwnText(self, str(known.capital) if known else "1")
        self.strategy_text = OwnText(self, (known.strategy or BY_INIT) if known else "")
        self.on_stop_text = OwnText(self, (known.on_stop if known else OnStop.LEAVE).value)

    def _make_lines(self) -> None:
        body, font = self.body, self._theme.mono
        ttk.Label(body, text=self.title(), style="Bold.TLabel").grid(
            row=0, column=0, columnspan=3, sticky="w", pady=(0, 6)
        )
        self.emi = Line(body, font, 1, "EMI", self._entry("emi", self.emi_text))
        self.symbol = Line(body, font, 2, "Instrument", self._box("symbol", self.symbol_text, ()))
        self.timeframe = Line(
            body,
            font,
            3,
            "Timeframe",
            self._box("timeframe", self.timeframe_text, TIMEFRAMES, free=True),
        )
        self.capital = Line(
            body, font, 4, "CAPITAL, lots", self._entry("capital", self.capital_text)
        )
        self.strategy = Line(
            body, font, 5, "Strategy", self._box("strategy", self.strategy_text, ())
        )
        self.parameters = ParameterFields(body, self._theme, self.check)
        self.parameters.grid(row=6, column=0, columnspan=3, sticky="ew")
        policy = ttk.Frame(body, name="policy")
        self.policies = {
            each: ttk.Radiobutton(policy, text=words, value=each.value, variable=self.on_stop_text)
            for each, words in ON_STOP.items()
        }
        for button in self.policies.values():
            button.pack(side="left", padx=(0, 10))
        self.on_stop = Line(body, font, 7, "On its error", policy)
        self.on_stop.say("when it is stopped by its own fault")
        body.columnconfigure(2, weight=1)  # what is left over is not for the fields
        body.update_idletasks()
        self.parameters.align(max(policy.winfo_reqwidth(), self.emi.widget.winfo_reqwidth()))
        for text in (self.emi_text, self.symbol_text, self.timeframe_text, self.capital_text):
            text.trace_add("write", lambda *_: self.check())
        self.strategy_text.trace_add("write", lambda *_: self._choose_strategy())

    def _entry(self, name: str, text: OwnText) -> ttk.Entry:
        entry = ttk.Entry(
            self.body, name=name, textvariable=text, font=self._theme.mono, width=FIELD_WIDTH
        )
        entry.bind("<Control-a>", lambda _event: select_all(entry))
        return entry

    def _box(
        self, name: str, text: OwnText, values: Sequence[str], *, free: bool = False
    ) -> ttk.Combobox:
        box = ttk.Combobox(
            self.body,
            name=name,
            textvariable=text,
            values=list(values),
            font=self._theme.mono,
            width=FIELD_WIDTH,
        )
        box.configure(state="normal" if free else "readonly", height=12)
        box.bind("<Control-a>", lambda _event: select_all(box))
        for wheel in ("<MouseWheel>", "<Button-4>", "<Button-5>"):
            box.bind(wheel, lambda _event: "break")  # no value changes under the pointer
        return box

    def _make_buttons(self) -> None:
        buttons = ttk.Frame(self.body, name="buttons")
        buttons.grid(row=8, column=0, columnspan=3, sticky="ew", pady=(8, 6))
        word = "Save" if self.known else "Create bot"
        self.save = ttk.Button(buttons, name="save", text=word, command=self.press)
        self.leave = ttk.Button(buttons, name="leave", text="Close", command=self.close)
        self.save.pack(side="left", fill="both", expand=True, padx=(0, 4))
        self.leave.pack(side="left", fill="both", padx=(4, 0))
        for button in (self.save, self.leave):
            button.bind("<Return>", lambda event: event.widget.invoke())
        self.message.grid(row=9, column=0, columnspan=3, sticky="ew")

    # ---- what it is told --------------------------------------------------------------------

    def follow(self, snapshot: Snapshot) -> None:
        """Take a snapshot: the names that are taken, the instruments, prices."""
        self._snapshot = snapshot
        self._robots = snapshot.robots
        self._offer(snapshot.catalog)
        rows = {str(row.symbol): row for row in snapshot.positions if row.symbol in snapshot.books}
        if rows.keys() != self._instruments.keys():
            _values(self.symbol.widget, tuple(rows))
            if not self.symbol_text.get() and rows:
                self.symbol_text.set(next(iter(rows)))
        self._instruments = rows
        self.check()
        super().follow(snapshot)

    def follow_state(self) -> None:
        """Enable what may be changed now."""
        free, new = not self.waiting, self.known is None
        set_enabled(self.emi.widget, free and new)
        set_enabled(self.symbol.widget, free and new)
        for line in (self.timeframe, self.capital, self.strategy):
            set_enabled(line.widget, free)
        self.parameters.enable(free)
        set_enabled(self.save, free and self._draft is not None)

    def restyle(self) -> None:
        """Take the colours of the theme as they are now."""
        super().restyle()
        if hasattr(self, "parameters"):
            self.parameters.restyle()

    # ---- what it does -----------------------------------------------------------------------

    def check(self) -> None:
        """Read every field, say beside each what is wrong, and keep what all of them describe."""
        emi = self._read(self.emi, self._read_emi)
        symbol = self._read(self.symbol, self._read_symbol)
        timeframe = self._read(self.timeframe, lambda: read_timeframe(self.timeframe_text.get()))
        capital = self._read(self.capital, lambda: read_capital(self.capital_text.get()))
        strategy = self._read(self.strategy, self._read_strategy)
        parameters = self._read_parameters()
        if capital is not None and symbol is not None:
            self.capital.say(self._capital_hint(capital, symbol))
        if timeframe is not None:
            self.timeframe.say(f"{timeframe} minutes")
        if strategy is not None:
            self.strategy.say(self._strategy_hint(strategy))
        self._draft = None
        if emi and symbol and timeframe and capital and None not in (strategy, parameters):
            self._draft = BotForm(
                emi,
                symbol,
                timeframe,
                capital,
                strategy or "",
                tuple((parameters or {}).items()),
                OnStop(self.on_stop_text.get()),
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

    def _read_emi(self) -> str:
        text = self.emi_text.get()
        if self.known is not None:
            return self.known.emi
        symbol = self.symbol_text.get()
        return read_emi(text, self._robots, self._market(symbol), symbol)

    def _read_symbol(self) -> Symbol:
        if self.known is not None:
            return self.known.symbol
        row = self._instruments.get(self.symbol_text.get())
        if row is None:
            raise FieldError("choose one of the subscribed instruments")
        return row.symbol

    def _read_strategy(self) -> str:
        name = self._strategy
        if self.known is None and name not in self._strategies:
            raise FieldError(
                "choose a strategy" if self._strategies else "the folder algo offers no strategy"
            )
        return name

    def _read_parameters(self) -> dict[str, str] | None:
        known = self.known
        if known is not None and self._strategy == known.strategy not in self._strategies:
            return dict(known.parameters)  # nobody can say now what they may be
        return self.parameters.read()

    @property
    def _strategy(self) -> str:
        text = self.strategy_text.get()
        return "" if text == BY_INIT else text

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
        before = self._strategies.get(self._strategy)
        self._catalog = catalog
        self._strategies = {each.name: each for each in catalog.strategies}
        own = (BY_INIT,) if self.known is not None and not self.known.strategy else ()
        _values(self.strategy.widget, (*own, *self._strategies))
        if not self.strategy_text.get() and self._strategies:
            self.strategy_text.set(next(iter(self._strategies)))
        elif self._strategies.get(self._strategy) != before:
            self._choose_strategy()

    def _choose_strategy(self) -> None:
        """Show the parameters that the chosen strategy declares."""
        chosen = self._strategies.get(self._strategy)
        kept: Mapping[str, str] = {}
        if self.known is not None and self._strategy == self.known.strategy:
            kept = dict(self.known.parameters)
        self.parameters.show(chosen.parameters if chosen else (), kept)
        self.check()

    def first(self) -> tk.Misc:
        """Return the field to begin with."""
        return (self.emi if self.known is None else self.timeframe).widget

    # ---- for tests and tours ----------------------------------------------------------------

    def parts(self) -> dict[str, tk.Misc]:
        """Return what can be clicked, by name."""
        lines = ("emi", "symbol", "timeframe", "capital", "strategy")
        return {
            **{name: getattr(self, name).widget for name in lines},
            **{f"on_stop {each.value}": button for each, button in self.policies.items()},
            **{f"parameter {name}": w for name, w in self.parameters.widgets().items()},
            "save": self.save,
            "leave": self.leave,
        }

    def shown(self) -> dict[str, object]:
        """Return what is said beside the fields."""
        lines = ("emi", "symbol", "timeframe", "capital", "strategy")
        return {
            "said": {name: getattr(self, name).said for name in lines}
            | {f"parameter {name}": said for name, said in self.parameters.said().items()},
            "ready": self._draft is not None,
        }


def _values(widget: ttk.Widget, values: Sequence[str]) -> None:
    if isinstance(widget, ttk.Combobox):
        widget.configure(values=list(values))
