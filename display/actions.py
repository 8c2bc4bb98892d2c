"""What clicks do: select a symbol, open order windows, switch robots. Holds the open windows."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from common.domain.commands import SetRobotStatus
from common.domain.instruments import Symbol
from common.domain.orders import Side
from common.domain.robots import Status
from common.engine.snapshot import Level, Notice, PositionRow, RobotRow, Snapshot
from common.engine.stop_levels import Level as StopLevel
from common.engine.stop_levels import Target
from display.amend import GONE, AmendDialog
from display.closing import CloseDialog
from display.dialogs import Desk, Dialog
from display.presenter import position_key, robot_key
from display.stop import StopDialog
from display.theme import Theme
from display.ticket import LOCKED, OrderTicket

AnyDialog = TypeVar("AnyDialog", bound=Dialog)
_GUARD = 0.3  # seconds within which a repeated key or click counts as one


class Guard:
    """Tells a key that is held down, or a double click, from one that is meant again."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._last: dict[str, float] = {}

    def repeated(self, what: str) -> bool:
        """Return whether `what` came again within 300 ms; each repetition extends the time."""
        now = self._monotonic()
        last = self._last.get(what)
        self._last[what] = now
        return last is not None and now - last < _GUARD


class Actions:
    """The clicks of the window and the order windows that they open."""

    def __init__(
        self,
        root: tk.Tk,
        theme: Theme,
        desk: Desk,
        say: Callable[[Level, str], None],
        guard: Guard,
    ) -> None:
        self._root = root
        self._theme = theme
        self._desk = desk
        self._say = say
        self._guard = guard
        self._snapshot: Snapshot | None = None
        self._last_emi: dict[Symbol, str] = {}
        self._dialogs: list[Dialog] = []
        self.selected: PositionRow | None = None

    # ---- what it is told --------------------------------------------------------------------

    def take(self, snapshot: Snapshot) -> None:
        """Take a snapshot; the selected symbol stays while it is listed, else the first row."""
        self._snapshot = snapshot
        key = position_key(self.selected) if self.selected else None
        rows = snapshot.positions
        first = rows[0] if rows else None
        self.selected = next((row for row in rows if position_key(row) == key), first)

    def follow_dialogs(self) -> None:
        """Let every open window enable what may be done now."""
        if self._snapshot is not None:
            for dialog in self.dialogs():
                dialog.follow(self._snapshot)

    def answer(self, notice: Notice) -> None:
        """Give an answer to the window that waits for it."""
        if notice.event is not None:
            for dialog in self.dialogs():
                dialog.answer(notice)

    def restyle(self) -> None:
        """Give the open windows the colours of the theme as they are now."""
        for dialog in self.dialogs():
            dialog.restyle()

    def dialogs(self) -> list[Dialog]:
        """Return the order windows that are open."""
        self._dialogs = [dialog for dialog in self._dialogs if dialog.winfo_exists()]
        return list(self._dialogs)

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest snapshot, if there is one."""
        return self._snapshot

    def say(self, level: Level, text: str) -> None:
        """Add a line of the window's own to the information panel."""
        self._say(level, text)

    # ---- clicks -----------------------------------------------------------------------------

    def select(self, key: str) -> None:
        """Select the symbol of a position's row."""
        if self._snapshot is not None:
            rows = self._snapshot.positions
            self.selected = next((row for row in rows if position_key(row) == key), self.selected)

    def click_book(self, price: Decimal | None, side: Side | None) -> None:
        """Open the order ticket of the selected symbol at a price, or give the open one that price.

        While automatic trading is on there is only a line that says so.
        """
        del side  # both sides open the same ticket: Buy and Sell are its buttons
        snapshot, row = self._snapshot, self.selected
        if snapshot is None or row is None:
            self._say(Level.INFO, "there is no symbol to trade yet")
            return
        if snapshot.trading:
            self._say(Level.WARNING, LOCKED)
            return
        ticket = self._ticket(row)
        ticket.follow(snapshot)
        ticket.offer(price, self._last_emi.get(row.symbol))
        self.bring(ticket, ticket.quantity.entry)

    def _ticket(self, row: PositionRow) -> OrderTicket:
        for dialog in self.dialogs():
            if isinstance(dialog, OrderTicket) and dialog.belongs_to(row.market, row.symbol):
                return dialog
        symbol = row.symbol

        def used(emi: str) -> None:
            self._last_emi[symbol] = emi

        return OrderTicket(
            self._root,
            self._theme,
            self._desk,
            market=row.market,
            symbol=symbol,
            instrument=row.instrument,
            used=used,
        )

    def click_order(self, key: str) -> None:
        """Open the window of the order with this key, if it is still there."""
        if self._snapshot is None:
            return
        for dialog in self.dialogs():
            if isinstance(dialog, AmendDialog) and dialog.key == key:
                self.bring(dialog, dialog.price.entry)
                return
        row = next((each for each in self._snapshot.orders if each.key == key), None)
        if row is None:
            self._say(Level.WARNING, GONE)
            return
        opened = AmendDialog(self._root, self._theme, self._desk, row=row)
        opened.follow(self._snapshot)
        self.bring(opened, opened.price.entry)

    def open_stop(self, level: StopLevel = StopLevel.CANCEL, target: Target | None = None) -> None:
        """Open the stop window, or bring the open one to the front with this level and target."""
        if self._snapshot is None:
            return
        known = next((each for each in self.dialogs() if isinstance(each, StopDialog)), None)
        dialog = known or StopDialog(self._root, self._theme, self._desk, self._snapshot)
        if not dialog.waiting:
            dialog.choose(level, target)
        dialog.follow(self._snapshot)
        self.bring(dialog, dialog.leave)

    def open_close(self, leave: Callable[[], None]) -> None:
        """Ask what to do with what is open, or bring that question to the front."""
        if self._snapshot is None:
            leave()
            return
        known = next((each for each in self.dialogs() if isinstance(each, CloseDialog)), None)
        dialog = known or CloseDialog(self._root, self._theme, self._desk, self._snapshot, leave)
        self.bring(dialog, dialog.stay)

    def click_robot(self, key: str) -> None:
        """Switch a bot of the table `robots` between WORK and OFF; others have no switch."""
        if self._snapshot is None or self._guard.repeated(f"robot {key}"):
            return
        robot = next((each for each in self._snapshot.robots if robot_key(each) == key), None)
        if robot is None:
            self._say(Level.WARNING, "robot no longer listed")
        elif robot.status in (Status.WORK, Status.OFF) or robot.startable:
            work = robot.status is not Status.WORK
            self._desk.submit(SetRobotStatus(robot.market, robot.emi, work))
        else:
            self._say(Level.WARNING, f"{robot.emi} is {robot.status}: {no_switch(robot)}")

    def open_dialog(self, make: Callable[[tk.Misc, Theme, Desk], AnyDialog]) -> AnyDialog:
        """Open a window that is made by `make`, and give it the keyboard."""
        dialog = make(self._root, self._theme, self._desk)
        if self._snapshot is not None:
            dialog.follow(self._snapshot)
        self.bring(dialog, dialog.first())
        return dialog

    def bring(self, dialog: Dialog, focus: tk.Misc) -> None:
        """Show a window that may be new, in front of all, and give the keyboard to a part of it."""
        if dialog not in self._dialogs:
            self._dialogs.append(dialog)
            shift = 24 * (len(self._dialogs) - 1)
            x = self._root.winfo_rootx() + self._root.winfo_width() // 3 + shift
            y = self._root.winfo_rooty() + self._root.winfo_height() // 3 + shift
            dialog.open_at(x, y)
        dialog.lift()
        focus.focus_force()


def no_switch(robot: RobotRow) -> str:
    """Return in words why a bot cannot be switched by a click."""
    if robot.status is Status.RESERVED:
        return "it takes manual orders and has no strategy to switch"
    if robot.status is Status.NOT_DEFINED:
        return "it has no row in the table robots; its orders and position can be closed by hand"
    if robot.status is Status.NOT_IN_LIST:
        return f"add {robot.symbol.ticker} to the settings to trade it"
    return robot.problem or "its row or its strategy is wrong"
