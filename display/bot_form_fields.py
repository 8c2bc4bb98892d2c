"""The fields of the form of a bot: what can be typed and chosen, and what is said beside it."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk

from common.domain.bots import OnStop
from common.engine.snapshot import RobotRow
from display.bot_fields import TIMEFRAMES
from display.bot_words import timeframe_text
from display.dialogs import select_all, set_enabled
from display.form_line import Line
from display.own_variables import OwnText
from display.parameter_fields import FIELD_WIDTH, ParameterFields
from display.theme import Theme

BY_INIT = "(algo/init.py)"  # what the form calls a strategy without a name
ON_STOP = {
    OnStop.LEAVE: "leave its orders",
    OnStop.CANCEL: "cancel its orders",
}
ROWS = 7  # of the form that the fields fill, from row 1 on


class BotFormFields:
    """Lines in a `body`. They check nothing: `changed` is called after every edit.

    `chosen` is called after another strategy was chosen. The texts end with their `owner`.
    """

    def __init__(
        self,
        owner: tk.Misc,
        body: ttk.Frame,
        theme: Theme,
        known: RobotRow | None,
        *,
        changed: Callable[[], None],
        chosen: Callable[[], None],
    ) -> None:
        self._body = body
        self._theme = theme
        self._make_texts(owner, known)
        self._make_lines(changed)
        for text in (self.emi_text, self.symbol_text, self.timeframe_text, self.capital_text):
            text.trace_add("write", lambda *_: changed())
        self.strategy_text.trace_add("write", lambda *_: chosen())

    def _make_texts(self, owner: tk.Misc, known: RobotRow | None) -> None:
        self.emi_text = OwnText(owner, known.emi if known else "")
        self.symbol_text = OwnText(owner, str(known.symbol) if known else "")
        self.timeframe_text = OwnText(
            owner, timeframe_text(known.timeframe) if known else TIMEFRAMES[2]
        )
        self.capital_text = OwnText(owner, str(known.capital) if known else "1")
        self.strategy_text = OwnText(owner, (known.strategy or BY_INIT) if known else "")
        self.on_stop_text = OwnText(owner, (known.on_stop if known else OnStop.LEAVE).value)

    def _make_lines(self, changed: Callable[[], None]) -> None:
        body = self._body
        self.emi = self._line(1, "EMI", self._entry("emi", self.emi_text))
        self.symbol = self._line(2, "Instrument", self._box("symbol", self.symbol_text))
        frame = self._box("timeframe", self.timeframe_text, TIMEFRAMES, free=True)
        self.timeframe = self._line(3, "Timeframe", frame)
        self.capital = self._line(4, "CAPITAL, lots", self._entry("capital", self.capital_text))
        self.strategy = self._line(5, "Strategy", self._box("strategy", self.strategy_text))
        self.parameters = ParameterFields(body, self._theme, changed)
        self.parameters.grid(row=6, column=0, columnspan=3, sticky="ew")
        policy = self._policy()
        self.on_stop = self._line(ROWS, "On its error", policy)
        self.on_stop.say("when it is stopped by its own fault")
        body.columnconfigure(2, weight=1)  # what is left over is not for the fields
        body.update_idletasks()
        self.parameters.align(max(policy.winfo_reqwidth(), self.emi.widget.winfo_reqwidth()))

    def _line(self, row: int, label: str, widget: ttk.Widget) -> Line:
        return Line(self._body, self._theme.mono, row, label, widget)

    def _entry(self, name: str, text: OwnText) -> ttk.Entry:
        entry = ttk.Entry(
            self._body, name=name, textvariable=text, font=self._theme.mono, width=FIELD_WIDTH
        )
        entry.bind("<Control-a>", lambda _event: select_all(entry))
        return entry

    def _box(
        self, name: str, text: OwnText, values: Sequence[str] = (), *, free: bool = False
    ) -> ttk.Combobox:
        box = ttk.Combobox(
            self._body,
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

    def _policy(self) -> ttk.Frame:
        policy = ttk.Frame(self._body, name="policy")
        self._policies = {
            each: ttk.Radiobutton(policy, text=words, value=each.value, variable=self.on_stop_text)
            for each, words in ON_STOP.items()
        }
        for button in self._policies.values():
            button.pack(side="left", padx=(0, 10))
        return policy

    @property
    def chosen_strategy(self) -> str:
        """The name of the strategy; empty: the one that algo/init.py names."""
        text = self.strategy_text.get()
        return "" if text == BY_INIT else text

    def offer_symbols(self, names: Sequence[str]) -> None:
        """Offer these instruments; the first one where none is chosen yet."""
        _offer(self.symbol, self.symbol_text, names, names)

    def offer_strategies(self, names: Sequence[str], *, by_init: bool) -> bool:
        """Offer these strategies; tell whether the first one was chosen, as none was yet."""
        shown = (BY_INIT, *names) if by_init else names
        return _offer(self.strategy, self.strategy_text, shown, names)

    def enable(self, *, free: bool, new: bool) -> None:
        """Let be edited what may be: of a known bot neither its name nor its instrument."""
        for line in (self.emi, self.symbol):
            set_enabled(line.widget, free and new)
        for line in (self.timeframe, self.capital, self.strategy):
            set_enabled(line.widget, free)
        self.parameters.enable(free)

    def parts(self) -> dict[str, tk.Misc]:
        """Return what can be clicked, by name."""
        return {
            **{name: line.widget for name, line in self._lines().items()},
            **{f"on_stop {each.value}": button for each, button in self._policies.items()},
            **{f"parameter {name}": w for name, w in self.parameters.widgets().items()},
        }

    def said(self) -> dict[str, str]:
        """Return what is said beside the fields, by name."""
        parameters = self.parameters.said().items()
        return {name: line.said for name, line in self._lines().items()} | {
            f"parameter {name}": said for name, said in parameters
        }

    def _lines(self) -> dict[str, Line]:
        return {
            "emi": self.emi,
            "symbol": self.symbol,
            "timeframe": self.timeframe,
            "capital": self.capital,
            "strategy": self.strategy,
        }


def _offer(line: Line, text: OwnText, shown: Sequence[str], choices: Sequence[str]) -> bool:
    if isinstance(line.widget, ttk.Combobox):
        line.widget.configure(values=list(shown))
    if text.get() or not choices:
        return False
    text.set(choices[0])
    return True
