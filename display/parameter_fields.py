"""The parameters that a strategy declares, as fields of their type with help and allowed range."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from tkinter import ttk

from common.domain.parameters import NUMBERS, ParameterKind, ParameterSpec
from display.bot_fields import read_parameter, step_parameter
from display.dialogs import select_all, set_enabled
from display.fields import FieldError
from display.own_variables import OwnText
from display.theme import Theme

_MOST_HEIGHT = 210  # pixels; more parameters are scrolled
LABEL_WIDTH, FIELD_WIDTH, HINT_WIDTH = 14, 30, 48  # characters of the columns of the form


@dataclass
class _Row:
    spec: ParameterSpec
    text: OwnText
    widget: ttk.Widget
    said: ttk.Label


class ParameterFields(ttk.Frame):
    """One row for each parameter; `changed` is called after every edit."""

    def __init__(self, parent: tk.Misc, theme: Theme, changed: Callable[[], None]) -> None:
        super().__init__(parent, name="parameters")
        self._theme = theme
        self._changed = changed
        self._rows: list[_Row] = []
        self._column = 0
        self._canvas = tk.Canvas(self, highlightthickness=0, borderwidth=0, height=1, width=200)
        self._inner = ttk.Frame(self._canvas, name="inner")
        self._bar = ttk.Scrollbar(self, orient="vertical", command=self._canvas.yview)
        self._canvas.configure(yscrollcommand=self._bar.set)
        self._place = self._canvas.create_window(0, 0, anchor="nw", window=self._inner)
        self._canvas.grid(row=0, column=0, sticky="nsew")
        self.restyle()
        self.columnconfigure(0, weight=1)

    def show(self, specs: Sequence[ParameterSpec], kept: Mapping[str, str]) -> None:
        """Show these parameters with the texts that are kept, else their defaults."""
        self._inner.destroy()
        self._inner = ttk.Frame(self._canvas, name="inner")
        self._canvas.itemconfigure(self._place, window=self._inner)
        self._rows = []
        for number, spec in enumerate(specs):
            text = OwnText(self._inner, kept.get(spec.name, spec.default))
            self._rows.append(self._row(number, spec, text))
            text.trace_add("write", lambda *_: self._changed())
        self._fit()

    def read(self) -> dict[str, str] | None:
        """Return name -> text of what is not the default; None after saying what is wrong."""
        found: dict[str, str] = {}
        good = True
        for row in self._rows:
            try:
                text = read_parameter(row.spec, row.text.get())
            except FieldError as error:
                _say(row.said, str(error), "Error.TLabel")
                good = False
                continue
            _say(row.said, _hint(row.spec), "Hint.TLabel")
            if text != row.spec.default:
                found[row.spec.name] = text
        return found if good else None

    def enable(self, enabled: bool) -> None:
        """Let the fields be used or not."""
        for row in self._rows:
            set_enabled(row.widget, enabled)

    def widgets(self) -> dict[str, tk.Misc]:
        """Return the fields by the names of their parameters."""
        return {row.spec.name: row.widget for row in self._rows}

    def said(self) -> dict[str, str]:
        """Return what stands beside each field."""
        return {row.spec.name: str(row.said["text"]) for row in self._rows}

    def _row(self, number: int, spec: ParameterSpec, text: OwnText) -> _Row:
        inner = self._inner
        ttk.Label(inner, text=spec.name, width=LABEL_WIDTH).grid(
            row=number, column=0, sticky="w", padx=(0, 8), pady=3
        )
        widget = self._widget(spec, text)
        widget.grid(row=number, column=1, sticky="ew", pady=3)
        wrap = HINT_WIDTH * self._theme.mono.measure("0")
        # With its text from the start: a hint of two lines makes the row, and with it all, higher.
        said = ttk.Label(
            inner, text=_hint(spec), style="Hint.TLabel", width=HINT_WIDTH, wraplength=wrap
        )
        said.grid(row=number, column=2, sticky="w", padx=(8, 0))
        return _Row(spec, text, widget, said)

    def _widget(self, spec: ParameterSpec, text: OwnText) -> ttk.Widget:
        if spec.kind is ParameterKind.BOOLEAN:
            return ttk.Checkbutton(
                self._inner, variable=text, onvalue="true", offvalue="false", text="yes"
            )
        if spec.kind is ParameterKind.CHOICE:
            box = ttk.Combobox(
                self._inner,
                textvariable=text,
                values=list(spec.choices),
                state="readonly",
                width=FIELD_WIDTH,
            )
            box.configure(font=self._theme.mono)
            for wheel in ("<MouseWheel>", "<Button-4>", "<Button-5>"):
                box.bind(wheel, lambda _event: "break")
            return box
        entry = ttk.Entry(self._inner, textvariable=text, font=self._theme.mono, width=FIELD_WIDTH)
        if spec.kind in NUMBERS:
            entry.configure(justify="right")
            for key, steps in (("Up", 1), ("Down", -1)):
                entry.bind(f"<{key}>", lambda _event, n=steps: _move(spec, text, n))  # type: ignore[misc]
        entry.bind("<FocusIn>", lambda _event: self._see(entry))
        entry.bind("<Control-a>", lambda _event: select_all(entry))
        return entry

    def restyle(self) -> None:
        """Take the colours of the theme as they are now."""
        self._canvas.configure(background=self._theme.palette.panel)

    def align(self, width: int) -> None:
        """Make the column of the fields this wide, in pixels, as that of the form above is."""
        self._column = width
        self._inner.columnconfigure(1, minsize=width)

    def _fit(self) -> None:
        """Be as high as the rows need, and scroll what does not fit."""
        self._inner.columnconfigure(1, minsize=self._column)
        self._inner.update_idletasks()
        width, height = self._inner.winfo_reqwidth(), self._inner.winfo_reqheight()
        if not self._rows:
            height = 1
        self._canvas.configure(
            scrollregion=(0, 0, width, height), width=width, height=min(height, _MOST_HEIGHT)
        )
        if height > _MOST_HEIGHT:
            self._bar.grid(row=0, column=1, sticky="ns")
        else:
            self._bar.grid_remove()

    def _see(self, widget: ttk.Widget) -> None:
        """Scroll so that a field is in sight."""
        whole = max(1, self._inner.winfo_reqheight())
        top, bottom = self._canvas.yview()
        if not top * whole <= widget.winfo_y() <= bottom * whole - widget.winfo_height():
            self._canvas.yview_moveto(widget.winfo_y() / whole)


def _hint(spec: ParameterSpec) -> str:
    if spec.help and spec.kind not in NUMBERS:
        return spec.help  # the field itself shows what it can be
    return f"{spec.help} ({spec.range_text})" if spec.help else spec.range_text


def _say(label: ttk.Label, text: str, style: str) -> None:
    if label["text"] != text or str(label["style"]) != style:
        label.configure(text=text, style=style)


def _move(spec: ParameterSpec, text: OwnText, steps: int) -> str:
    text.set(step_parameter(spec, text.get(), steps))
    return "break"
