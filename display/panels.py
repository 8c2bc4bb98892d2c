"""The state line, the exchange box, the information panel and the sheet of keys."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from tkinter import ttk

from common.domain.executions import Network
from common.engine.snapshot import DeadManRow, Health, Level, MarketRow, Notice, Snapshot
from display.cells import Tone
from display.formats import time_text
from display.gauges import is_scarce, requests_text
from display.market_words import MODES, health_tone, health_words, worst_market
from display.paper import Paper
from display.theme import Theme
from display.verdict import books_state

KEYS = (
    ("F1", "show or hide this sheet"),
    ("F2", "what is wrong now, what the program does about it, what you can do"),
    ("F3", "read settings, robots and algo again; trading goes OFF"),
    ("F4", "stop: no new entries, cancel orders, flatten; says beforehand what it will do"),
    ("F5", "the panel of the robot that was chosen last"),
    ("F6", "dark or light colours"),
    (
        "F7",
        "compare the books with the exchange now; the same as a click on the state of the books",
    ),
    ("F8", "write all tables as CSV files into the profile's folder exports"),
    ("F9", "automatic trading ON or OFF"),
    ("Ctrl +  Ctrl -", "larger or smaller letters"),
    ("Tab, Shift-Tab", "next or previous table or field"),
    ("Up, Down, Return", "choose a row; the same as a click on it"),
    ("Return, Escape", "in an order window: nothing is sent by Return; Escape closes it"),
    ("click a position", "select its symbol for the order book"),
    ("click the order book", "new order at that price (F9 OFF)"),
    ("click an order", "move or cancel it"),
    ("click a robot", "WORK or OFF"),
    ("right click a robot", "its panel: results, orders, trades, log, settings"),
    ("Ctrl n", "the form of a new bot"),
)
HELP_LINE = (
    "F1 keys   F2 problems   F3 reload   F4 stop   F5 robot   F6 colours   F7 verify   F8 export   "
    "F9 trading on/off   click: book, order, robot"
)
_SILENT = 5.0  # seconds without a new snapshot after which the window says so
_LINES = 300  # of the information panel


class StateLine(tk.Frame):
    """TRADING ON/OFF, mode, health, books, clock: always in words, not by colour alone."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        on_verify: Callable[[], None],
        on_stop: Callable[[], None],
    ) -> None:
        super().__init__(parent, name="state")
        self._theme = theme
        self._beat: tuple[int, float] = (-1, 0.0)
        self.trading = tk.Label(self, name="trading", font=theme.large, width=13, padx=6, pady=2)
        self.mode = tk.Label(self, name="mode", font=theme.large, width=8, padx=6, pady=2)
        self.health = tk.Label(self, name="health", font=theme.bold, anchor="w", padx=12)
        self.books = tk.Label(self, name="books", font=theme.bold, anchor="w", padx=12)
        self.books.configure(cursor="hand2")
        self.books.bind("<ButtonRelease-1>", lambda _event: on_verify())
        self.clock = tk.Label(self, name="clock", font=theme.large, anchor="e", padx=10)
        self.stop = ttk.Button(self, name="stop", text="STOP\u2026", style="Stop.TButton")
        self.stop.configure(command=on_stop, takefocus=True)
        self.stop.bind("<Return>", lambda _event: on_stop())
        self.trading.pack(side="left")
        self.stop.pack(side="left", fill="y", padx=(2, 0))
        self.mode.pack(side="left", padx=(2, 0))
        self.dot = tk.Label(self, name="dot", font=theme.bold, padx=0)
        self.dot.pack(side="right", padx=(0, 8))
        self.clock.pack(side="right")
        self.health.pack(side="left")
        self.books.pack(side="left", fill="x", expand=True)

    def show(self, snapshot: Snapshot, now: float) -> None:
        """Show a snapshot at `now`, monotonic seconds, by which a silent engine is noticed."""
        if snapshot.beat != self._beat[0]:
            self._beat = (snapshot.beat, now)
        silent = now - self._beat[1]
        palette, theme = self._theme.palette, self._theme
        self.configure(background=palette.panel)
        _set(self.trading, *self._trading(snapshot))
        _set(self.mode, MODES[snapshot.network], *self._mode_colours(snapshot.network))
        text, tone = _health(worst_market(snapshot.markets), silent)
        _set(self.health, text, theme.colour(tone), palette.panel)
        words, verdict = books_state(snapshot.markets, snapshot.accounts) or ("", Tone.DIM)
        _set(self.books, words, theme.colour(verdict), palette.panel)
        late = Tone.BAD if silent >= _SILENT else Tone.TEXT
        _set(self.clock, f"{time_text(snapshot.at)} UTC", theme.colour(late), palette.panel)
        self._beat_dot(snapshot, late if late is Tone.BAD else Tone.GOOD)

    def _beat_dot(self, snapshot: Snapshot, tone: Tone) -> None:
        """Let a dot beat with the core, not with the window: one that stands still is a warning."""
        dot = "\u25cf" if snapshot.beat % 2 else "\u25cb"
        _set(self.dot, dot, self._theme.colour(tone), self._theme.palette.panel)

    def _trading(self, snapshot: Snapshot) -> tuple[str, str, str]:
        palette, warn = self._theme.palette, self._theme.colour(Tone.WARN)
        if not snapshot.trading:
            return "TRADING OFF", warn, palette.header
        if not snapshot.entries:
            return "EXITS ONLY", palette.on_warn, warn
        return "TRADING ON", palette.on_colour, palette.own_buy

    def _mode_colours(self, network: Network) -> tuple[str, str]:
        palette, theme = self._theme.palette, self._theme
        if network is Network.REAL:
            return palette.on_colour, palette.own_sell
        if network is Network.TEST:
            return palette.on_warn, theme.colour(Tone.WARN)
        return palette.panel, theme.colour(Tone.ACCENT)


def _health(market: MarketRow | None, silent: float) -> tuple[str, Tone]:
    if silent >= _SILENT:
        return f"SILENT: nothing has come from the engine for {silent:.0f} s", Tone.BAD
    if market is None:
        return "STARTING", Tone.WARN
    tone = health_tone(market.health)
    if market.health is Health.BLOCKED and any(d.blocks for d in market.verification.differences):
        return str(market.health), tone  # the state of the books beside it says why
    return f"{market.health}: {health_words(market)}", tone


def _set(label: tk.Label, text: str, colour: str, background: str) -> None:
    """Change a label only where it differs; a changed text costs a layout."""
    if label["text"] != text:
        label["text"] = text
    if str(label["foreground"]) != colour or str(label["background"]) != background:
        label.configure(foreground=colour, background=background)


class ExchangeBox(Paper):
    """Name, account, endpoint and connection of each market, the reason and the progress."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(parent, theme, name="exchange", height=3)
        self._shown: Sequence[MarketRow] | None = None
        self.tag_configure("bold", font=theme.bold)
        self.bind("<Configure>", lambda _event: self._fit())

    def show(self, markets: Sequence[MarketRow]) -> None:
        """Show the markets; nothing is touched when they are as before."""
        if markets == self._shown:
            return
        self._shown = markets
        with self.rewritten():
            if not markets:
                self.insert("end", "no exchange yet", (Tone.DIM.value,))
            for number, market in enumerate(markets):
                if number:
                    self.insert("end", "\n")
                self._write(market)
        self._fit()

    def _fit(self) -> None:
        """Be as high as the text needs with the width of now, so that no reason is cut off."""
        needed = self.tk.call(str(self), "count", "-displaylines", "1.0", "end")
        height = max(3, min(int(needed or 1), 12))
        if int(self["height"]) != height:
            self.configure(height=height)

    def _write(self, market: MarketRow) -> None:
        account = "-" if market.account is None else f"{market.account} {market.account_name}"
        self.insert("end", market.market, ("bold", Tone.ACCENT.value))
        self.insert("end", f"  {MODES[market.network]}  {market.endpoint}\n", (Tone.DIM.value,))
        self.insert("end", "account ", (Tone.DIM.value,))
        self.insert("end", account.strip())
        gauge = requests_text(market.requests_left)
        if gauge:
            tone = Tone.WARN if is_scarce(market.requests_left) else Tone.DIM
            self.insert("end", f"   {gauge}", (tone.value,))
        self.insert("end", "\n")
        self.insert("end", str(market.health), ("bold", health_tone(market.health).value))
        words = market.reason or health_words(market)
        self.insert("end", f"  {words}", (health_tone(market.health).value,))
        if market.progress and market.health is not Health.LIVE:
            self.insert("end", f"\n{market.progress}", (Tone.DIM.value,))
        if abs(market.clock_ahead) > SHOWN_SKEW:
            side = "behind" if market.clock_ahead > 0 else "ahead of"
            skew = f"this computer's clock is {abs(market.clock_ahead)} s {side} the exchange's"
            self.insert("end", f"\n{skew}", (Tone.WARN.value,))
        if market.dead_man is not None:
            self.insert("end", f"\n{dead_man_words(market.dead_man)}", (Tone.WARN.value,))


def dead_man_words(switch: DeadManRow) -> str:
    """Return the state of the dead man's switch, without its running time: it would flicker."""
    if switch.until is None:
        return f"dead man's switch of {switch.seconds} s: NOT ARMED {switch.problem}".rstrip()
    if switch.problem:
        return f"dead man's switch: {switch.problem}; all orders go at {switch.until:%H:%M:%S}"
    return (
        f"dead man's switch armed: {switch.seconds} s of silence cancel ALL orders of the account"
    )


SHOWN_SKEW = 2  # seconds between the clocks up to which nothing is said
_LEVEL_TONES = {Level.INFO: Tone.TEXT, Level.WARNING: Tone.WARN, Level.ERROR: Tone.BAD}
_LEVEL_MARKS = {Level.INFO: " ", Level.WARNING: "!", Level.ERROR: "\u2715"}


@dataclass(frozen=True, slots=True)
class LocalNotice:
    """A line that the window itself has to say."""

    at: datetime
    level: Level
    text: str


class NoticePanel(ttk.Frame):
    """The information panel: the newest line on top, at most a few hundred kept."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(parent, name="notices")
        self._paper = Paper(self, theme, name="paper", height=6)
        bar = ttk.Scrollbar(self, orient="vertical", command=self._paper.yview)
        self._paper.configure(yscrollcommand=bar.set)
        self.rowconfigure(0, weight=1)
        self.columnconfigure(0, weight=1)
        self._paper.grid(row=0, column=0, sticky="nsew")
        bar.grid(row=0, column=1, sticky="ns")
        self._theme = theme
        self.restyle()

    def add(self, notices: Sequence[Notice | LocalNotice]) -> None:
        """Put lines on top, the last of them uppermost."""
        if not notices:
            return
        paper = self._paper
        paper.configure(state="normal")
        for notice in notices:
            tone = _LEVEL_TONES[notice.level].value
            clock = time_text(notice.at)[11:]
            mark = _LEVEL_MARKS[notice.level]
            paper.insert("1.0", f"{mark} {one_line(notice.text)}\n", (tone, "notice"))
            paper.insert("1.0", f"{clock} ", (Tone.DIM.value, "notice"))
        paper.delete(f"{_LINES + 1}.0", "end")
        paper.configure(state="disabled")
        paper.yview_moveto(0.0)

    def lines(self) -> list[str]:
        """Return what is written, newest first."""
        return self._paper.text.split("\n")

    def restyle(self) -> None:
        """Take the colours of the theme as they are now."""
        self._paper.restyle()
        self._paper.tag_configure("notice", lmargin2=self._theme.mono.measure("00:00:00 ! "))


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters, shortened if it is very long."""
    plain = "".join(each if each.isprintable() else " " for each in text).strip()
    return plain if len(plain) <= 500 else plain[:499] + "\u2026"


def open_sheet(root: tk.Misc, theme: Theme) -> tk.Toplevel:
    """Open the sheet of keys and return its window."""
    palette = theme.palette
    sheet = tk.Toplevel(root, name="keys", background=palette.line)
    sheet.title("Keys")
    width = max(len(key) for key, _ in KEYS)
    lines = "\n".join(f"{key:<{width}}   {words}" for key, words in KEYS)
    text = tk.Label(sheet, text=lines, font=theme.mono, justify="left")
    text.configure(background=palette.panel, foreground=theme.colour(Tone.TEXT))
    text.configure(padx=16, pady=14)
    text.pack(padx=2, pady=2)
    sheet.bind("<Escape>", lambda _event: sheet.destroy())
    sheet.transient(root.winfo_toplevel())
    sheet.geometry(f"+{root.winfo_rootx() + 80}+{root.winfo_rooty() + 80}")
    sheet.focus_force()
    return sheet
