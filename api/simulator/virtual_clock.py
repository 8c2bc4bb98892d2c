"""Time for exchanges and engines that live faster than the world."""

from __future__ import annotations

from datetime import datetime, timedelta


class VirtualClock:
    """A clock that moves when it is told to. Satisfies `common.engine.ports.Clock`."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._seconds = 0.0
        self._now = start

    def now(self) -> datetime:
        """Return the virtual wall time, aware UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the virtual seconds since the start."""
        return self._seconds

    def move_to(self, seconds: float) -> None:
        """Go on to a number of seconds since the start; never back."""
        if seconds > self._seconds:
            self._seconds = seconds
            self._now = self._start + timedelta(seconds=seconds)
