"""The window from its opening to its end, around a program that it does not know."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from typing import Protocol

from common.domain.commands import Command
from common.engine.snapshot import Snapshot
from common.errors import ConfigurationError
from display.app import Terminal, make_root

SIGNAL_POLL = 200  # milliseconds


class Program(Protocol):
    """What the window needs; all of it returns at once."""

    @property
    def refresh_rate(self) -> int:
        """Repaints a second."""

    def snapshot(self) -> Snapshot:
        """Return the newest state."""

    def submit(self, command: Command) -> None:
        """Take what the user asks for."""

    def next_event(self) -> int:
        """Return a number for a user action."""


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
    terminal = Terminal(
        root,
        snapshot=program.snapshot,
        submit=program.submit,
        next_event=program.next_event,
        refresh_rate=program.refresh_rate,
        title="Tmatic",
        theme=theme,
        profile_name=profile_name,
    )

    def poll() -> None:
        if stop_wanted():
            terminal.close()
        else:
            root.after(SIGNAL_POLL, poll)

    poll()
    terminal.run()
