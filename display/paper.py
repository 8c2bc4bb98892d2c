"""Text that is read, not written."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from display.cells import Tone
from display.theme import Theme


class Paper(tk.Text):
    """A text with a tag for each tone. `framed`: a field of a dialog, not a part of the window.

    `copied`: people mark parts of it, so the pointer is that of a text.
    """

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        *,
        name: str,
        height: int,
        width: int = 20,
        wrap: Literal["none", "word"] = "word",
        framed: bool = False,
        copied: bool = False,
    ) -> None:
        super().__init__(
            parent,
            name=name,
            height=height,
            width=width,
            wrap=wrap,
            state="disabled",
            font=theme.mono,
            borderwidth=0,
            highlightthickness=1 if framed else 0,
            padx=6,
            pady=4 if framed else 2,
            takefocus=False,
            cursor="xterm" if copied else "arrow",
        )
        self._theme = theme
        self._framed = framed
        self.restyle()

    @contextmanager
    def rewritten(self) -> Iterator[None]:
        """Empty the paper and let it be written on inside the block."""
        self.configure(state="normal")
        self.delete("1.0", "end")
        try:
            yield
        finally:
            self.configure(state="disabled")

    @property
    def text(self) -> str:
        """What is written, without the empty lines around it."""
        return self.get("1.0", "end").strip("\n")

    def restyle(self) -> None:
        """Take the colours of the theme as they are now."""
        palette, colour = self._theme.palette, self._theme.colour
        self.configure(
            background=palette.field if self._framed else palette.panel,
            foreground=colour(Tone.TEXT),
            selectbackground=palette.selection,
            selectforeground=colour(Tone.TEXT),
            highlightbackground=palette.line,
            highlightcolor=palette.line,
        )
        for tone in Tone:
            self.tag_configure(tone.value, foreground=colour(tone))
