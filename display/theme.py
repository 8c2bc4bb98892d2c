"""Colours and fonts: one dark and one light palette, and the styles of the ttk widgets."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Mapping
from dataclasses import dataclass
from tkinter import font as tkfont
from tkinter import ttk

from display.cells import Tone

_MONOSPACE = (
    "DejaVu Sans Mono",
    "Consolas",
    "Menlo",
    "Liberation Mono",
    "Noto Sans Mono",
    "Courier New",
    "Courier",
)
_POINTS = 9  # size of the letters unless the user changes it
_SIZES = range(7, 19)
_NARROW = 1150  # pixels of the window below which letters are a point smaller


@dataclass(frozen=True, slots=True)
class Palette:
    """Every colour of one theme; texts on `panel` have a contrast of 4.5 or more."""

    name: str
    window: str  # between the panels
    panel: str
    stripe: str  # every other row
    header: str
    line: str
    selection: str
    field: str  # of an entry
    bid_bar: str
    ask_bar: str
    own_buy: str
    own_sell: str
    on_colour: str  # text on own_buy, own_sell and the badges
    on_warn: str  # text on the tone WARN
    tones: Mapping[Tone, str]


DARK = Palette(
    name="dark",
    window="#0b0e12",
    panel="#12171d",
    stripe="#161c23",
    header="#1d252e",
    line="#2b3540",
    selection="#1f3f63",
    field="#0d1116",
    bid_bar="#12301f",
    ask_bar="#3b1b20",
    own_buy="#1a7f37",
    own_sell="#b62331",
    on_colour="#ffffff",
    on_warn="#141000",
    tones={
        Tone.TEXT: "#dbe2ea",
        Tone.DIM: "#8a97a6",
        Tone.GOOD: "#45c463",
        Tone.BAD: "#ff6d70",
        Tone.WARN: "#e6b450",
        Tone.ACCENT: "#79b8ff",
        Tone.OWN_BUY: "#ffffff",
        Tone.OWN_SELL: "#ffffff",
    },
)
LIGHT = Palette(
    name="light",
    window="#dde2e8",
    panel="#ffffff",
    stripe="#f5f7f9",
    header="#e8ecf1",
    line="#c5ccd5",
    selection="#cfe3ff",
    field="#ffffff",
    bid_bar="#dcf2e2",
    ask_bar="#fce0e1",
    own_buy="#1a7f37",
    own_sell="#b62331",
    on_colour="#ffffff",
    on_warn="#ffffff",
    tones={
        Tone.TEXT: "#1a2129",
        Tone.DIM: "#5a6673",
        Tone.GOOD: "#0f6d2c",
        Tone.BAD: "#b91c28",
        Tone.WARN: "#855300",
        Tone.ACCENT: "#0b4fb3",
        Tone.OWN_BUY: "#ffffff",
        Tone.OWN_SELL: "#ffffff",
    },
)
PALETTES = {palette.name: palette for palette in (DARK, LIGHT)}


class Theme:
    """The palette in use and the named fonts, which every widget follows when they change."""

    def __init__(self, root: tk.Misc, name: str) -> None:
        if name not in PALETTES:
            raise ValueError(f"theme {name!r} is not one of {', '.join(PALETTES)}")
        self.palette = PALETTES[name]
        self._root = root
        self._style = ttk.Style(root)
        self._style.theme_use("clam")
        family = _choose(tkfont.families(root), _MONOSPACE) or str(
            tkfont.nametofont("TkFixedFont", root).actual("family")
        )
        self._points = _POINTS
        self._narrow = False
        self.mono = tkfont.Font(root, family=family)
        self.bold = tkfont.Font(root, family=family, weight="bold")
        self.large = tkfont.Font(root, family=family, weight="bold")
        self._size_fonts()
        self.apply()

    def colour(self, tone: Tone) -> str:
        """Return the colour of a tone."""
        return self.palette.tones[tone]

    def switch(self) -> None:
        """Take the other palette; widgets are restyled by their owner."""
        self.palette = LIGHT if self.palette is DARK else DARK
        self.apply()

    def zoom(self, points: int) -> None:
        """Make every font larger or smaller, within sensible sizes."""
        if self._points + points in _SIZES:
            self._points += points
            self._size_fonts()

    def fit(self, width: int) -> bool:
        """Take smaller letters in a window too narrow for the tables; True when that changes."""
        narrow = width < _NARROW
        if narrow == self._narrow:
            return False
        self._narrow = narrow
        self._size_fonts()
        return True

    def _size_fonts(self) -> None:
        size = self._points - self._narrow
        self.mono.configure(size=size)
        self.bold.configure(size=size)
        self.large.configure(size=size + 5)

    def apply(self) -> None:
        """Give the ttk widgets the colours of the palette."""
        palette, style = self.palette, self._style
        text, dim = self.colour(Tone.TEXT), self.colour(Tone.DIM)
        style.configure(
            ".",
            background=palette.panel,
            foreground=text,
            font=self.mono,
            bordercolor=palette.line,
            lightcolor=palette.panel,
            darkcolor=palette.panel,
            troughcolor=palette.panel,
            fieldbackground=palette.field,
            insertcolor=text,
            selectbackground=palette.selection,
            selectforeground=text,
            arrowcolor=dim,
            focuscolor=self.colour(Tone.ACCENT),
        )
        style.configure("Window.TFrame", background=palette.window)
        style.configure("Hint.TLabel", foreground=dim)
        style.configure("Error.TLabel", foreground=self.colour(Tone.BAD))
        style.configure("Bold.TLabel", font=self.bold)
        self._buttons()
        self._notebook()
        self._inputs()

    def _buttons(self) -> None:
        palette, style = self.palette, self._style
        dim = self.colour(Tone.DIM)
        off = [("disabled", palette.header)]
        style.configure("TButton", background=palette.header, padding=(8, 4), relief="flat")
        style.map(
            "TButton",
            background=[*off, ("active", palette.line)],
            foreground=[("disabled", dim)],
        )
        style.configure(
            "Stop.TButton", foreground=self.colour(Tone.BAD), font=self.bold, padding=(8, 2)
        )
        style.configure("Small.TButton", padding=(6, 0))
        style.configure("Step.TButton", padding=(4, 1), width=2)
        for name, colour in (("Buy", palette.own_buy), ("Sell", palette.own_sell)):
            style.configure(
                f"{name}.TButton",
                background=colour,
                foreground=palette.on_colour,
                font=self.bold,
                padding=(8, 7),
            )
            style.map(
                f"{name}.TButton",
                background=[*off, ("active", colour)],
                foreground=[("disabled", dim)],
            )

    def _notebook(self) -> None:
        palette, style = self.palette, self._style
        style.configure(
            "TNotebook",
            background=palette.window,
            borderwidth=0,
            tabmargins=(0, 0, 0, 0),
            lightcolor=palette.window,
            bordercolor=palette.window,
        )
        style.configure("TNotebook.Tab", background=palette.window, padding=(12, 2), borderwidth=1)
        style.map(
            "TNotebook.Tab",
            background=[("selected", palette.header)],
            foreground=[("selected", self.colour(Tone.ACCENT)), ("", self.colour(Tone.DIM))],
            lightcolor=[("selected", palette.header), ("", palette.window)],
            bordercolor=[("selected", palette.line), ("", palette.window)],
            padding=[("selected", (12, 2))],
        )

    def _inputs(self) -> None:
        palette, style = self.palette, self._style
        dim = self.colour(Tone.DIM)
        style.configure("TEntry", padding=3)
        style.map("TEntry", fieldbackground=[("disabled", palette.panel)])
        style.map("TEntry", foreground=[("disabled", dim)])
        style.configure("TRadiobutton", padding=(2, 1), indicatorbackground=palette.field)
        style.map(
            "TRadiobutton",
            background=[("active", palette.panel)],
            foreground=[("selected", self.colour(Tone.ACCENT)), ("", dim)],
            indicatorbackground=[("selected", self.colour(Tone.ACCENT))],
        )
        style.configure("TCheckbutton", padding=(2, 1), indicatorbackground=palette.field)
        style.map(
            "TCheckbutton",
            background=[("active", palette.panel)],
            indicatorbackground=[("selected", self.colour(Tone.ACCENT))],
        )
        style.configure("TCombobox", padding=3, background=palette.header)
        style.map(
            "TCombobox",
            fieldbackground=[("readonly", palette.field), ("disabled", palette.panel)],
            foreground=[("disabled", dim)],
            selectbackground=[("readonly", palette.field)],
            selectforeground=[("readonly", self.colour(Tone.TEXT))],
        )
        # The list that drops down is a plain Tk widget, styled by the option database.
        for option, value in (
            ("background", palette.field),
            ("foreground", self.colour(Tone.TEXT)),
            ("selectBackground", palette.selection),
            ("selectForeground", self.colour(Tone.TEXT)),
            ("font", str(self.mono)),
        ):
            self._root.option_add(f"*TCombobox*Listbox.{option}", value)
        style.configure(
            "Horizontal.TProgressbar",
            background=self.colour(Tone.ACCENT),
            troughcolor=palette.field,
            thickness=10,
        )
        for orient in ("Vertical", "Horizontal"):
            style.configure(
                f"{orient}.TScrollbar",
                background=palette.line,
                troughcolor=palette.panel,
                borderwidth=0,
                arrowsize=10,
                gripcount=0,
            )
            style.map(f"{orient}.TScrollbar", background=[("disabled", palette.panel)])


def _choose(installed: tuple[str, ...], wanted: tuple[str, ...]) -> str | None:
    names = set(installed)
    return next((name for name in wanted if name in names), None)
