"""Closing the window while something is open: keep the orders, cancel them, or do not close."""

from __future__ import annotations

import logging
import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from common.domain.commands import CancelAll, Scope, SetTrading
from common.domain.orders import Phase
from common.engine.previews import orders_of
from common.engine.snapshot import Snapshot
from display.dialogs import Desk, Dialog, set_enabled
from display.theme import Theme

log = logging.getLogger(__name__)

WITHIN = 1.5  # seconds that cancelled orders may take to be gone before the window closes anyway


def open_matters(snapshot: Snapshot) -> list[str]:
    """Return in words what a closed window would leave behind; empty: nothing."""
    orders = snapshot.orders
    unknown = sum(1 for row in orders if row.phase is Phase.UNKNOWN)
    lines = []
    if snapshot.trading:
        lines.append("TRADING is ON: the bots end with the program")
    if orders:
        own = _count(snapshot, own=True)
        lines.append(
            f"{len(orders)} open order{'' if len(orders) == 1 else 's'}, {own} of this program"
        )
    if unknown:
        lines.append(
            f"the outcome of {unknown} is not known yet; the next start asks the exchange again"
        )
    held = [row.emi for row in snapshot.robots if row.position]
    if lines and held:
        lines.append(f"positions stay as they are: {', '.join(held)}")
    if lines and any(row.dead_man and row.dead_man.until for row in snapshot.markets):
        lines.append("the dead man's switch is taken back: orders that are kept stay for good")
    return lines


class CloseDialog(Dialog):
    """Four ways on; the harmless one has the keyboard."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        desk: Desk,
        snapshot: Snapshot,
        leave: Callable[[], None],
    ) -> None:
        super().__init__(parent, theme, desk, kind="close", title="Close Tmatic")
        self._leave = leave
        self._snapshot = snapshot
        self._cancelled: tuple[Scope, ...] = ()  # what is being cancelled before the end
        self._since = 0.0
        self._left = False
        self._make_widgets()
        self.follow(snapshot)

    def _make_widgets(self) -> None:
        body = self.body
        self._matters = ttk.Label(body, name="matters", wraplength=520, justify="left")
        self._matters.grid(row=0, column=0, columnspan=4, sticky="w", pady=(0, 8))
        self.keep = self._button(1, "keep", "Close, keep orders", self._leave_soon)
        self.mine = self._button(2, "mine", "Close, cancel mine", lambda: self._cancel(own=True))
        self.all = self._button(3, "all", "Close, cancel ALL", lambda: self._cancel(own=False))
        self.stay = self._button(4, "stay", "Do not close", self.close)
        self.message.grid(row=2, column=0, columnspan=4, sticky="ew", pady=(6, 0))

    def _button(self, place: int, name: str, text: str, press: Callable[[], None]) -> ttk.Button:
        style = "Sell.TButton" if name in ("mine", "all") else "TButton"
        button = ttk.Button(self.body, name=name, text=text, style=style, command=press)
        button.bind("<Return>", lambda _event: button.invoke())
        button.grid(row=1, column=place - 1, sticky="nsew", padx=(0 if place == 1 else 4, 0))
        return button

    @property
    def matters(self) -> str:
        """What would be left behind."""
        return str(self._matters["text"])

    @property
    def leaving(self) -> bool:
        """Whether orders are being cancelled before the end."""
        return bool(self._cancelled)

    def follow(self, snapshot: Snapshot) -> None:
        """Take a snapshot: what is open now, or how far the cancelling is."""
        self._snapshot = snapshot
        text = "\n".join(open_matters(snapshot)) or "nothing is open any more"
        if self._matters["text"] != text:
            self._matters["text"] = text
        if self.leaving:
            self._wait(snapshot)
        else:
            super().follow(snapshot)

    def follow_state(self) -> None:
        """Enable what can be done now."""
        set_enabled(self.keep, not self.leaving)
        set_enabled(self.stay, not self.leaving)
        set_enabled(self.mine, not self.leaving and _count(self._snapshot, own=True) > 0)
        set_enabled(self.all, not self.leaving and bool(self._snapshot.orders))

    def _cancel(self, *, own: bool) -> None:
        """Stop the bots, cancel, and leave as soon as the orders are gone."""
        if self.leaving:
            return
        self._since = self._desk.monotonic()
        self._cancelled = tuple(Scope(row.market, own=own) for row in self._snapshot.markets)
        self._desk.submit(SetTrading(on=False))
        for scope in self._cancelled:
            self._desk.submit(CancelAll(self._desk.next_event(), scope))
        self.follow(self._snapshot)

    def _wait(self, snapshot: Snapshot) -> None:
        left = [row for scope in self._cancelled for row in orders_of(snapshot, scope)]
        late = self._desk.monotonic() - self._since > WITHIN
        self.say(f"cancelling: {len(left)} left\u2026")
        self.follow_state()
        if left and late:
            log.error("closed while the exchange had not confirmed %d cancels: %s", len(left), left)
        if not left or late:
            self._leave_soon()

    def _leave_soon(self) -> None:
        """Leave when whoever calls has finished: the window is taken away with all it holds."""
        if not self._left:
            self._left = True
            self.after_idle(self._leave)


def _count(snapshot: Snapshot, *, own: bool) -> int:
    markets = [row.market for row in snapshot.markets]
    return sum(len(orders_of(snapshot, Scope(market, own=own))) for market in markets)
