"""Notices that this computer slept or that somebody set its clock.

Both leave sockets that look alive and are not, and news that nobody heard. The wall clock goes on
while a computer sleeps and jumps when it is set; the other clock never jumps, and on some systems
stands still during sleep. So a gap between two looks, or between the two clocks, gives it away.
"""

from __future__ import annotations

from datetime import timedelta

from common.engine.ports import Clock

LEAP = 30.0  # seconds; the engine looks several times a second


class TimeWatch:
    """Compares the two clocks of the machine from one look to the next."""

    def __init__(self, clock: Clock, leap: float = LEAP) -> None:
        self._leap = leap  # seconds
        self._clock = clock
        self._wall = clock.now()
        self._steady = clock.monotonic()

    def leap(self) -> str:
        """Return what has happened since the last look in words, "" when time went on as usual."""
        wall, steady = self._clock.now(), self._clock.monotonic()
        by_wall = (wall - self._wall).total_seconds()
        by_steady = steady - self._steady
        self._wall, self._steady = wall, steady
        if by_steady > self._leap:
            return f"this program stood still for {_words(by_steady)}"
        if by_wall - by_steady > self._leap:
            return f"this computer slept, or its clock was set on, by {_words(by_wall - by_steady)}"
        if by_steady - by_wall > self._leap:
            return f"the clock of this computer was set back by {_words(by_steady - by_wall)}"
        return ""


def _words(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
