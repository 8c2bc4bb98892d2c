"""The line of a bot's results over time, on a plain canvas."""

from __future__ import annotations

import tkinter as tk
from typing import Literal

from common.domain.bot_story import BotStory
from display.cells import Tone
from display.curve_shape import LEFT, RIGHT, shape
from display.theme import Theme

_Anchor = Literal["center", "nw", "sw", "se"]


class Curve(tk.Canvas):
    """Draws a story; nothing is touched while story and size are as before."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(
            parent, name="curve", height=120, width=200, highlightthickness=0, borderwidth=0
        )
        self._theme = theme
        self._story: BotStory | None = None
        self.drawn = 0  # how often it was painted
        self.bind("<Configure>", lambda _event: self._draw())
        self.restyle()

    def show(self, story: BotStory | None) -> None:
        """Draw a story."""
        if story is not self._story:
            self._story = story
            self._draw()

    def restyle(self) -> None:
        """Take the colours and fonts of the theme as they are now."""
        self.configure(background=self._theme.palette.panel)
        self._draw()

    def _draw(self) -> None:
        self.drawn += 1
        self.delete("all")
        width, height = self.winfo_width(), self.winfo_height()
        story = self._story
        found = shape(story.curve, story.key.scale, width, height) if story else None
        if found is None:
            note = "no trades yet" if story else "reading the books\u2026"
            self._text(width // 2, height // 2, note, "center")
            return
        self.create_line(
            *(LEFT, found.zero, width - RIGHT, found.zero),
            fill=self._theme.palette.line,
            dash=(4, 3),
        )
        tone = {1: Tone.GOOD, 0: Tone.ACCENT, -1: Tone.BAD}[found.gain]
        self.create_line(*found.line, fill=self._theme.colour(tone), width=2)
        currency = story.key.currency if story else ""
        self._text(LEFT, 2, f"{found.top} {currency}", "nw")
        self._text(LEFT, height - 18, found.bottom, "sw")
        self._text(LEFT, height - 2, found.begins, "sw")
        self._text(width - RIGHT, height - 2, f"{found.ends} UTC", "se")

    def _text(self, x: int, y: int, text: str, anchor: _Anchor) -> None:
        colour = self._theme.colour(Tone.DIM)
        self.create_text(x, y, text=text, anchor=anchor, font=self._theme.mono, fill=colour)
