"""Notices that the database takes too long over what it was asked to write.

The ledger's own thread is waiting then and cannot say so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

SLOW_SECONDS = 5.0
LOOK_SECONDS = 0.5


class SlowWatch:
    """Calls `slow` once for each piece of work that takes longer than `limit` seconds."""

    def __init__(self, slow: Callable[[], None], limit: float = SLOW_SECONDS) -> None:
        self._slow = slow
        self._limit = limit
        self._since: float | None = None  # monotonic seconds; one store, one load: no lock needed
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-watch", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def begin(self) -> None:
        """Work begins; repeated attempts at the same work are part of it."""
        if self._since is None:
            self._since = time.monotonic()

    def end(self) -> None:
        """The work is done."""
        self._since = None

    def stop(self) -> None:
        """Stop looking."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        told: float | None = None
        while not self._ended.wait(min(LOOK_SECONDS, self._limit / 2)):
            since = self._since
            if since is not None and since != told and time.monotonic() - since > self._limit:
                told = since
                self._slow()
