"""Text cells on a canvas: the one place that tells Tk what has changed, and nothing else.

A canvas of text items is several times faster than labels in a grid, because a changed text asks
no geometry manager for a new layout.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Sequence
from dataclasses import dataclass, field

from display.cells import Tone
from display.theme import Theme


@dataclass(slots=True)
class _Line:
    items: list[int]
    texts: list[str] = field(default_factory=list)
    tones: list[Tone] = field(default_factory=list)


class CellGrid:
    """Lines of text items of a canvas; `painted` counts the items that Tk was told to change."""

    def __init__(self, canvas: tk.Canvas, theme: Theme, columns: int) -> None:
        self._canvas = canvas
        self._theme = theme
        self._columns = columns
        self._lines: list[_Line] = []
        self._call = canvas.tk.call  # without tkinter's option handling: half the time
        self._path = str(canvas)
        self.painted = 0

    def __len__(self) -> int:
        return len(self._lines)

    def resize(self, lines: int) -> None:
        """Have this many lines; new ones are empty and are placed by `place`."""
        while len(self._lines) > lines:
            self._canvas.delete(*self._lines.pop().items)
        while len(self._lines) < lines:
            items = [
                self._canvas.create_text(0, 0, font=self._theme.mono, tags="cell")
                for _ in range(self._columns)
            ]
            line = _Line(items, [""] * self._columns, [Tone.TEXT] * self._columns)
            for item in items:
                self._canvas.itemconfigure(item, fill=self._theme.colour(Tone.TEXT))
            self._lines.append(line)

    def place(self, line: int, y: int, xs: Sequence[int], anchors: Sequence[str]) -> None:
        """Put the cells of a line at its middle height `y` and their columns' edges."""
        for item, x, anchor in zip(self._lines[line].items, xs, anchors, strict=True):
            self._call(self._path, "coords", item, x, y)
            self._call(self._path, "itemconfigure", item, "-anchor", anchor)

    def put(self, line: int, texts: Sequence[str], tones: Sequence[Tone]) -> None:
        """Show texts in a line; only cells that differ are touched."""
        held = self._lines[line]
        old_texts, old_tones = held.texts, held.tones
        for column, text in enumerate(texts):
            tone = tones[column]
            if tone is not old_tones[column]:
                colour = self._theme.palette.tones[tone]
                self._call(
                    self._path, "itemconfigure", held.items[column], "-text", text, "-fill", colour
                )
            elif text != old_texts[column]:
                self._call(self._path, "itemconfigure", held.items[column], "-text", text)
            else:
                continue
            old_texts[column] = text
            old_tones[column] = tone
            self.painted += 1

    def clear(self, line: int) -> None:
        """Show nothing in a line."""
        self.put(line, [""] * self._columns, self._lines[line].tones)

    def texts(self, line: int) -> tuple[str, ...]:
        """Return what a line shows."""
        return tuple(self._lines[line].texts)

    def recolour(self) -> None:
        """Paint every cell in the colours of the theme as it is now."""
        for line in self._lines:
            for item, tone in zip(line.items, line.tones, strict=True):
                self._canvas.itemconfigure(item, fill=self._theme.colour(tone))
