"""The log files of the bots, one each. A thread of its own writes them: nobody waits for a disk.

Lines are redacted and cut like those of the terminal's log. A file that cannot be written loses its
lines, which the terminal's log says once.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from pathlib import Path
from urllib.parse import quote

from common.domain.bots import BotLine
from common.redaction import clean

log = logging.getLogger(__name__)

FILE_SIZE = 1_000_000  # bytes; the file before it is kept beside it
LONGEST_LINE = 1_000  # characters
_STOP_TIMEOUT = 10.0  # seconds

Written = tuple[str, tuple[BotLine, ...]]


class BotJournal:
    """Writes `<folder>/<EMI>.log`; None: nothing is written. Any thread may `write`."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._queue: queue.SimpleQueue[Written | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._failed: set[str] = set()

    def start(self) -> None:
        """Start the thread."""
        if self._folder is not None:
            self._thread = threading.Thread(target=self._run, name="bot-logs", daemon=True)
            self._thread.start()

    def write(self, emi: str, lines: tuple[BotLine, ...]) -> None:
        """Queue lines; returns at once."""
        if self._thread is not None:
            self._queue.put((emi, lines))

    def stop(self) -> None:
        """Write what is queued and end."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(_STOP_TIMEOUT)
            self._thread = None

    def _run(self) -> None:
        while (written := self._queue.get()) is not None:
            emi, lines = written
            try:
                self._append(emi, lines)
            except OSError as error:
                if emi not in self._failed:
                    self._failed.add(emi)
                    log.warning("the log of bot %s cannot be written: %s", emi, error)

    def _append(self, emi: str, lines: tuple[BotLine, ...]) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = log_path(self._folder, emi)
        if path.exists() and path.stat().st_size > FILE_SIZE:
            path.replace(path.with_suffix(".log.1"))
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(number, "a", encoding="utf-8", errors="replace", newline="\n") as file:
            file.writelines(_text(line) for line in lines)


def log_path(folder: Path, emi: str) -> Path:
    """Return the file of a bot; what cannot stand in a file name is written as %XX."""
    return folder / f"{quote(emi, safe=' ').replace('.', '%2E')}.log"


def _text(line: BotLine) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M:%S", line.at.utctimetuple())
    mark = "ERROR" if line.error else "INFO "
    first, *rest = line.text.splitlines() or [""]
    head = f"{moment}.{line.at.microsecond // 1000:03d} {mark} {clean(first, LONGEST_LINE)}\n"
    return head + "".join(f"    | {clean(part, LONGEST_LINE)}\n" for part in rest)
