"""What is to be done later, by the engine's clock."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from common.engine.ports import Clock


class Deadlines:
    """Actions with the time from which on they are due; of one time in the order of asking."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def later(self, delay: float, action: Callable[[], None]) -> None:
        """Have something done after `delay` seconds."""
        due = self._clock.monotonic() + delay
        heapq.heappush(self._waiting, (due, next(self._order), action))

    def patience(self, most: float) -> float:
        """Return the seconds until the first is due, at most `most`."""
        if not self._waiting:
            return most
        return min(most, self._waiting[0][0] - self._clock.monotonic())

    def run(self) -> None:
        """Do all that is due."""
        while self._waiting and self._waiting[0][0] <= self._clock.monotonic():
            heapq.heappop(self._waiting)[2]()
