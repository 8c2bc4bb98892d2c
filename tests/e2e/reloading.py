"""F3 at bad moments, in the real window with its engine; counts what there is before and after.

`python -m tests.e2e.reloading PROFILE`: prints one JSON line, moment -> counts. Linux only: sockets
and processes are counted below /proc.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from common.domain.commands import SetTrading
from common.domain.orders import Side
from common.engine.bot_items import BotCall
from common.engine.snapshot import Health
from common.profile import find_profile
from common.program import FOLDER, Program
from display.app import Terminal, make_root
from tests.support.waiting import wait_until

APART = 0.31  # seconds; a key pressed again sooner counts as held down (display.actions)
PATIENCE = 40.0  # seconds for a reload
QUIET = 1.0  # seconds in which nothing begins or ends any more

SLOW = """
import pathlib, threading

MARKER = pathlib.Path(__file__).with_name("called")

def init_algo():
    from bots.variables import Variables as bot
    if "slowBot" in bot.robots:
        bot.robo["slowBot"] = algo

def algo(robot, frame, ticker, instrument):
    MARKER.write_text("yes", encoding="utf-8")
    threading.Event().wait()  # for ever: the reload must not wait for it
"""


class Scene:
    """The program and its window, driven from the window's own thread."""

    def __init__(self, profile: Path) -> None:
        self.root = make_root()
        self.pressed = 0.0  # monotonic seconds
        self.marker = profile / "algo" / "called"
        self.program = Program(find_profile(FOLDER, profile))
        self.program.open()
        self.terminal = Terminal(
            self.root,
            snapshot=self.program.snapshot,
            submit=self.program.submit,
            next_event=self.program.next_event,
            refresh_rate=self.program.refresh_rate,
        )
        self.terminal.start()

    def turn(self, until: Callable[[], object], what: str) -> None:
        """Let the window live until something is so."""

        def turned() -> object:
            self.root.update()
            return until()

        wait_until(turned, PATIENCE, what)

    def live(self) -> bool:
        """Whether the market is LIVE, all bots are loaded and nothing is under way."""
        snapshot = self.program.snapshot()
        market = next(iter(self.program._session.engine._markets.values()))
        return snapshot.markets[0].health is Health.LIVE and "slowBot" in market.dispatch._loaded

    def f3(self) -> None:
        """Press the key and wait for the session that it brings."""
        before = self.program._session
        self.press()
        self.turn(lambda: self.program._session is not before and self.live(), "the reload")

    def press(self) -> None:
        """Press F3 as a new press: what counts as held down is a matter of time."""
        self.turn(lambda: time.monotonic() > self.pressed + APART, "a new press")
        self.pressed = time.monotonic()
        self.root.focus_force()
        self.root.event_generate("<F3>")

    def settled(self) -> dict[str, object]:
        """Return how many there are of everything once nothing begins or ends any more."""
        last, since = self.count(), time.monotonic()

        def still() -> bool:
            nonlocal last, since
            now = self.count()
            if now != last:
                last, since = now, time.monotonic()
            return time.monotonic() - since > QUIET

        self.turn(still, "everything to stay as it is")
        return last

    def count(self) -> dict[str, object]:
        """Return how many there are of everything that a reload might leave behind."""
        for dialog in self.terminal.actions.dialogs():
            dialog.close()
        self.root.update()
        tk = self.root.tk
        return {
            "threads": dict(Counter(t.name for t in threading.enumerate() if t.name != "reader")),
            "processes": _children(),
            "sockets": _sockets(),
            "jobs": len(tk.splitlist(tk.call("after", "info"))),
            "bindings": len(tk.splitlist(tk.call("bind", "all"))),
            "widgets": _widgets(self.root),
            "commands": len(tk.splitlist(tk.call("info", "commands"))),
        }

    # ---- moments ----------------------------------------------------------------------------

    def ticket_open(self) -> None:
        """F3 while an order window stands open."""
        self.terminal.actions.click_book(Decimal(50_000), Side.BUY)
        self.f3()

    def history_loading(self) -> None:
        """F3 again and again while the last one is still reading; most are not listened to."""
        before = self.program._session
        for _ in range(5):
            self.press()
        self.turn(lambda: self.program._session is not before and self.live(), "the reloads")

    def order_in_flight(self) -> None:
        """F3 right after the request of a click on Buy was written to its socket."""
        written = _orders_written()
        self.terminal.actions.click_book(None, Side.BUY)
        ticket = self.terminal.actions.dialogs()[-1]
        best = next(iter(self.program.snapshot().books.values())).book.bids[-1][0]
        ticket.price.text.set(str(best - 1000))  # type: ignore[attr-defined]
        ticket.press(Side.BUY)  # type: ignore[attr-defined]
        self.turn(lambda: written, "the request")
        self.f3()
        self.turn(lambda: len(self.program.snapshot().orders) == 1, "the one order")

    def strategy_slow(self) -> None:
        """F3 while a strategy is in a call that takes long."""
        self.program.submit(SetTrading(on=True))
        market = next(iter(self.program._session.engine._markets.values()))
        self.turn(lambda: self.program.snapshot().trading, "TRADING ON")
        # What the engine does when a bar closes; that would be up to a minute away.
        view = market.dispatch._view(market.state.robots["slowBot"])
        assert view is not None
        ticker = market.gateway.ticker(view.robot.symbol)
        assert market.dispatch._runner.call("slowBot", BotCall(view, [], ticker, []))
        self.turn(self.marker.exists, "the call of the strategy")
        assert self.program.snapshot().trading
        self.f3()
        assert not self.program.snapshot().trading


def _orders_written() -> list[bytes]:
    """Return a list that grows by every order as soon as it is written to a socket."""
    written: list[bytes] = []
    send = HTTPConnection.send

    def noted(connection: HTTPConnection, data: Any) -> None:
        send(connection, data)
        if bytes(data).startswith(b"POST /api/v1/order "):
            written.append(bytes(data))

    HTTPConnection.send = noted  # type: ignore[assignment, method-assign]
    return written


def _children() -> int:
    """Return how many processes this one has started and not yet buried."""
    tasks = Path("/proc/self/task")
    return sum(
        len((task / "children").read_text(encoding="ascii").split()) for task in tasks.iterdir()
    )


def _sockets() -> int:
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            found += str(link.readlink()).startswith("socket:")
    return found


def _widgets(root: object) -> int:
    children = root.winfo_children()  # type: ignore[attr-defined]
    return 1 + sum(_widgets(child) for child in children)


def run(profile: Path) -> dict[str, object]:
    """Return the counts at the start and after each moment."""
    scene = Scene(profile)
    scene.turn(scene.live, "LIVE")
    scene.f3()  # the first one warms what is made once, such as connections for cancels
    counts: dict[str, object] = {"before": scene.settled()}
    for moment in ("ticket_open", "history_loading", "order_in_flight", "strategy_slow"):
        getattr(scene, moment)()
        counts[moment] = scene.settled()
    scene.terminal.close()
    scene.program.close()
    return counts


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]))))
