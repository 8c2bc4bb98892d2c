"""Time for exchanges and engines that live faster than the world."""

from __future__ import annotations

from datetime import datetime, timedelta


class VirtualClock:
    """A clock that moves when it is told to. Satisfies `common.engine.ports.Clock`."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._seconds = 0.0

    def now(self) -> datetime:
        """Return the virtual wall time, aware UTC."""
        return self._start + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        """Return the virtual seconds since the start."""
        return self._seconds

    def move_to(self, seconds: float) -> None:
        """Go on to a number of seconds since the start; never back."""
        self._seconds = max(self._seconds, seconds)
