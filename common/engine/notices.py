"""The lines of the information panel."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime

from common.engine.snapshot import Level, Notice

log = logging.getLogger(__name__)

_LOG_LEVEL = {
    Level.INFO: logging.INFO,
    Level.WARNING: logging.WARNING,
    Level.ERROR: logging.ERROR,
}


class NoticeBoard:
    """Keeps the newest notices, each with a number of its own; it outlives an F3."""

    def __init__(self, now: Callable[[], datetime], keep: int = 300) -> None:
        self._now = now
        self._notices: deque[Notice] = deque(maxlen=keep)
        self._number = 0

    def post(
        self, level: Level, text: str, event: int | None = None, refused: bool = False
    ) -> None:
        """Show a line; `event` is the user action that it answers."""
        self._number += 1
        self._notices.append(Notice(self._number, self._now(), level, text, event, refused))
        log.log(_LOG_LEVEL[level], "%s", text)

    def info(self, text: str, event: int | None = None) -> None:
        """Show that something happened as it should."""
        self.post(Level.INFO, text, event)

    def warning(self, text: str, event: int | None = None) -> None:
        """Show something that mended itself or that a person should know."""
        self.post(Level.WARNING, text, event)

    def error(self, text: str, event: int | None = None) -> None:
        """Show something that a person should look at."""
        self.post(Level.ERROR, text, event)

    def refuse(self, text: str, event: int | None) -> None:
        """Answer a user action with no."""
        self.post(Level.WARNING, text, event, refused=True)

    def all(self) -> tuple[Notice, ...]:
        """Return the notices kept, oldest first."""
        return tuple(self._notices)
