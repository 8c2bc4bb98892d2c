"""The boxes behind the rows of a table: stripes, the selected row, the row of the keyboard."""

from __future__ import annotations

import tkinter as tk

from display.cells import Tone
from display.theme import Theme


class RowMarks:
    """Boxes on a canvas whose first row stands below a header of the same height.

    Lines count from the first row in sight; widths and heights are pixels.
    """

    def __init__(self, canvas: tk.Canvas, theme: Theme) -> None:
        self._canvas = canvas
        self._theme = theme
        self._height = 1
        self._selection = canvas.create_rectangle(0, 0, 0, 0, width=0, state="hidden")
        self._cursor = canvas.create_rectangle(0, 0, 0, 0, state="hidden")
        self._stripes: list[int] = []

    def restyle(self, row_height: int) -> None:
        """Take the colours of the theme as they are now, and the height of a row."""
        self._height = row_height
        palette, canvas = self._theme.palette, self._canvas
        canvas.itemconfigure(self._selection, fill=palette.selection)
        canvas.itemconfigure(self._cursor, outline=self._theme.colour(Tone.ACCENT))
        for item in self._stripes:
            canvas.itemconfigure(item, fill=palette.stripe)

    def place(self, selected: int | None, cursor: int | None, rows: int, width: int) -> None:
        """Mark these lines, and shade every other one of `rows` lines as wide as the columns."""
        self._place_stripes(rows // 2, width)
        seen = self._canvas.winfo_width()
        self._place_box(self._selection, selected, max(seen, 4000))  # also where it is scrolled
        self._place_box(self._cursor, cursor, seen - 1)

    def _place_stripes(self, wanted: int, width: int) -> None:
        while len(self._stripes) > wanted:
            self._canvas.delete(self._stripes.pop())
        while len(self._stripes) < wanted:
            fill = self._theme.palette.stripe
            item = self._canvas.create_rectangle(0, 0, 0, 0, width=0, fill=fill)
            self._canvas.tag_lower(item)
            self._stripes.append(item)
        for number, item in enumerate(self._stripes):
            top = self._height * (2 + 2 * number)
            self._canvas.coords(item, 0, top, width, top + self._height)

    def _place_box(self, item: int, line: int | None, right: int) -> None:
        if line is None:
            self._canvas.itemconfigure(item, state="hidden")
            return
        top = self._height * (line + 1)
        self._canvas.coords(item, 0, top, right, top + self._height)
        self._canvas.itemconfigure(item, state="normal")
