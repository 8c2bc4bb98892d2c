"""The titles of columns on the first line of a canvas."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Sequence

from display.cells import Tone
from display.theme import Theme


class Header:
    """A box with one title above each column."""

    def __init__(self, canvas: tk.Canvas, theme: Theme, titles: Sequence[str]) -> None:
        self._canvas = canvas
        self._theme = theme
        self._box = canvas.create_rectangle(0, 0, 0, 0, width=0)
        self._titles = [canvas.create_text(0, 0, text=each, font=theme.bold) for each in titles]

    def restyle(self) -> None:
        """Take the colours of the theme as they are now."""
        self._canvas.itemconfigure(self._box, fill=self._theme.palette.header)
        for item in self._titles:
            self._canvas.itemconfigure(item, fill=self._theme.colour(Tone.DIM))

    def place(self, edges: Sequence[int], anchors: Sequence[str], height: int, width: int) -> None:
        """Let each title begin, or end by its anchor, at its edge; all in pixels."""
        for item, x, anchor in zip(self._titles, edges, anchors, strict=True):
            self._canvas.coords(item, x, height // 2)
            self._canvas.itemconfigure(item, anchor=anchor)
        self._canvas.coords(self._box, 0, 0, width, height)
