"""One line of a form: a label, a field, and a place for a hint or for what is wrong."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from tkinter.font import Font

from display.parameter_fields import HINT_WIDTH, LABEL_WIDTH


class Line:
    """A label, a widget, and a place for a hint or for what is wrong."""

    def __init__(
        self, parent: tk.Misc, font: Font, row: int, label: str, widget: ttk.Widget
    ) -> None:
        self.widget = widget
        ttk.Label(parent, text=label, width=LABEL_WIDTH).grid(
            row=row, column=0, sticky="w", padx=(0, 8), pady=3
        )
        widget.grid(row=row, column=1, sticky="ew", pady=3)
        wrap = HINT_WIDTH * font.measure("0")
        self._said = ttk.Label(parent, width=HINT_WIDTH, wraplength=wrap)
        self._said.grid(row=row, column=2, sticky="w", padx=(8, 0))

    @property
    def said(self) -> str:
        """What stands beside the field."""
        return str(self._said["text"])

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a hint, or what is wrong."""
        style = "Error.TLabel" if bad else "Hint.TLabel"
        if self.said != text or str(self._said["style"]) != style:
            self._said.configure(text=text, style=style)
