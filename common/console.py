"""Kill levels typed into a terminal that runs without a window.

A line of standard input is a wish, is answered with what it will do, and done on the line `yes`.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from common.domain.commands import Command, SetTrading
from common.engine.snapshot import Snapshot
from common.errors import ConfigurationError
from common.stop_words import Intended, Wish

HELP = (
    "type stop-entries, cancel-all [BOT or SYMBOL], flatten BOT or SYMBOL (each says what it will "
    "do and waits for yes), or trading off"
)
AGAIN_SECONDS = 1.0  # until a console that is in the background is read again

log = logging.getLogger(__name__)


class Console:
    """Takes lines, and says what becomes of them. `take` belongs to one thread."""

    def __init__(self, submit: Callable[[Command], None], next_event: Callable[[], int]) -> None:
        self._submit = submit
        self._next_event = next_event
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._intended: Intended | None = None  # what waits for a yes

    def read(self, source: TextIO) -> None:
        """Take lines from now on, on a thread of its own, until there are no more."""
        number = getattr(signal, "SIGTTIN", None)
        if number is not None:
            signal.signal(number, signal.SIG_IGN)  # in the background, reading would stop us
        threading.Thread(target=self._read, args=(source,), name="console", daemon=True).start()

    def type(self, line: str) -> None:
        """Take one line. Any thread."""
        self._lines.put(line)

    def take(self, snapshot: Snapshot) -> list[str]:
        """Act on what was typed since the last time; return what to say."""
        said: list[str] = []
        while not self._lines.empty():
            said += self._answer(self._lines.get().split(), snapshot)
        return said

    def _answer(self, words: list[str], snapshot: Snapshot) -> list[str]:
        intended, self._intended = self._intended, None
        if not words:
            return []
        if words == ["trading", "off"]:
            self._submit(SetTrading(on=False))
            return []
        try:
            if words == ["yes"]:
                return self._agreed(intended, snapshot)
            return self._ask(Intended.of(Wish.parse(words), snapshot))
        except ConfigurationError as error:
            return [f"NOT DONE: {error}; {HELP}"]

    def _ask(self, intended: Intended) -> list[str]:
        if intended.refusal:
            return [f"NOT DONE: {intended.refusal}"]
        self._intended = intended
        return [*(f"WILL {line}" for line in intended.lines), "type yes to have it done"]

    def _agreed(self, intended: Intended | None, snapshot: Snapshot) -> list[str]:
        """Do what was said, unless it would be something else by now."""
        if intended is None:
            return [f"there is nothing to agree to; {HELP}"]
        now = Intended.of(intended.wish, snapshot)
        if _kernel(now) != _kernel(intended):
            return ["it has changed meanwhile:", *self._ask(now)]
        for command in now.commands(self._next_event):
            self._submit(command)
        return []

    def _read(self, source: TextIO) -> None:
        while True:
            try:
                line = source.readline()
            except OSError:  # in the background of a shell; it may come to the front again
                time.sleep(AGAIN_SECONDS)
                continue
            except ValueError as error:
                log.error("the console is not read any more: %s", error)
                return
            if not line:
                return
            self._lines.put(line)


def _kernel(intended: Intended) -> list[object]:
    """Return what a person has agreed to: orders and sides; prices may move."""
    return [
        (target, {(row.key, row.leaves) for row in plan.orders}, plan.sides)
        for target, plan in intended.parts
    ]


def console_of(submit: Callable[[Command], None], next_event: Callable[[], int]) -> Console:
    """Return a console that reads standard input, where there is one."""
    console = Console(submit, next_event)
    if sys.stdin is not None and not sys.stdin.closed and os.isatty(sys.stdin.fileno()):
        console.read(sys.stdin)
    return console
