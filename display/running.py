"""The window from its opening to its end, around a program that it does not know."""

from __future__ import annotations

import sys
import tkinter as tk
from collections.abc import Callable
from typing import Protocol

from common.domain.commands import Command
from common.engine.snapshot import Snapshot
from common.errors import ConfigurationError
from display.app import Terminal, make_root
from display.backtest import BackTests

SIGNAL_POLL = 200  # milliseconds
SWITCH_INTERVAL = 0.0005  # seconds


class Program(Protocol):
    """What the window needs; all of it returns at once."""

    @property
    def refresh_rate(self) -> int:
        """Repaints a second."""

    @property
    def backtests(self) -> BackTests:
        """Runs back-tests beside the window."""

    def snapshot(self) -> Snapshot:
        """Return the newest state."""

    def submit(self, command: Command) -> None:
        """Take what the user asks for."""

    def next_event(self) -> int:
        """Return a number for a user action."""


def favour_window() -> None:
    """Let the window's thread have its turn soon when others are busy.

    Each of the many calls of Tk in a repaint gives the interpreter away and has to get it back; by
    default a busy thread keeps it for 5 ms each time.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)


def open_root() -> tk.Tk:
    """Return a window that is not shown yet; ConfigurationError when there is no display."""
    try:
        root = make_root()
    except tk.TclError as error:
        raise ConfigurationError(
            f"There is no display to open a window on ({error}). Start from a desktop session, "
            "set DISPLAY, or run without a window: --headless"
        ) from error
    root.withdraw()
    return root


def show(
    root: tk.Tk,
    program: Program,
    *,
    theme: str,
    profile_name: str,
    stop_wanted: Callable[[], bool],
) -> None:
    """Show the window until it is closed, or a signal asks for the end."""
    favour_window()
    terminal = Terminal(
        root,
        snapshot=program.snapshot,
        submit=program.submit,
        next_event=program.next_event,
        refresh_rate=program.refresh_rate,
        title="Tmatic",
        theme=theme,
        profile_name=profile_name,
        backtests=program.backtests,
    )

    def poll() -> None:
        if stop_wanted():
            terminal.close()
        else:
            root.after(SIGNAL_POLL, poll)

    poll()
    terminal.run()
