"""The engine's inbox: bounded for the stream, never waiting for anybody else."""

from __future__ import annotations

import threading
from collections import deque

from common.engine.items import RawText


class Mailbox:
    """A queue of items for one reader.

    Only stream texts are bounded: when `limit` of them wait, the stream's thread waits too and TCP
    pushes back. Replies, commands and ledger outcomes are few and must never be held up, least of
    all by the screen's thread, so they are always taken at once.
    """

    def __init__(self, limit: int = 20_000) -> None:
        self._limit = limit
        self._items: deque[object] = deque()
        self._texts = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: object) -> None:
        """Add an item; a `RawText` waits while too many of them are unread."""
        with self._changed:
            if isinstance(item, RawText):
                while self._texts >= self._limit and not self._closed:
                    self._changed.wait()
                self._texts += 1
            self._items.append(item)
            self._changed.notify_all()

    def get(self, timeout: float) -> object | None:
        """Return the oldest item, or None when none came within `timeout` seconds."""
        with self._changed:
            if not self._items and timeout > 0:
                self._changed.wait(timeout)
            if not self._items:
                return None
            item = self._items.popleft()
            if isinstance(item, RawText):
                self._texts -= 1
                self._changed.notify_all()
            return item

    def close(self) -> None:
        """Let every waiting writer go on; what they leave is never read."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._items)
