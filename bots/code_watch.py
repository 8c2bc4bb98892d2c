"""Notices that strategy files were saved; reads them on a thread of its own.

A change counts once the files have stood still for a whole interval, so that two saves in quick
succession, or a file half written, make one change. Content decides, not the time of a file.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from bots.sources import digest_of, modules_of

INTERVAL = 0.5  # seconds
_STOP_TIMEOUT = 10.0  # seconds

Digests = Mapping[str, str]  # path -> digest of its content
_Stamp = dict[str, tuple[int, int, int]]


class CodeWatch:
    """Calls `changed` with the digests of all modules of a folder after every change."""

    def __init__(
        self, folder: Path, changed: Callable[[Digests], None], interval: float = INTERVAL
    ) -> None:
        self._folder = folder
        self._changed = changed
        self._interval = interval
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bot-code", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ends.set()
        self._thread.join(_STOP_TIMEOUT)

    def _run(self) -> None:
        taken = seen = self._stamp()
        known = self._digests(taken)
        while not self._ends.wait(self._interval):
            stamp = self._stamp()
            still, seen = stamp == seen, stamp
            if not still or stamp == taken:
                continue
            taken, digests = stamp, self._digests(stamp)
            if digests != known:
                known = digests
                self._changed(digests)

    def _stamp(self) -> _Stamp:
        found: _Stamp = {}
        for path in modules_of(self._folder):
            with contextlib.suppress(OSError):  # it vanished in this moment
                state = path.stat()
                found[str(path)] = (state.st_mtime_ns, state.st_size, state.st_ino)
        return found

    @staticmethod
    def _digests(stamp: _Stamp) -> dict[str, str]:
        return {name: digest_of(Path(name)) for name in sorted(stamp)}
