"""Makes the candles of the past ahead of the first request for them, a little at a time.

A month of hourly or daily candles takes half a second to make. Nobody should wait so long in the
middle of a market, so a server lets some hours be made between two looks at its clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from api.simulator.candles import Candles
from api.simulator.prices import HOUR


class Warming:
    """The hours of the past that nobody has asked for yet."""

    def __init__(self, candles: Iterable[Candles], dawn: int, now: int) -> None:
        """Begin with the newest hour before `now`; times in ms."""
        self._hours = _newest_first(list(candles), dawn // HOUR, now // HOUR)

    def go_on(self, hours: int) -> bool:
        """Make the candles of some hours; return whether any are left."""
        for _ in range(hours):
            found = next(self._hours, None)
            if found is None:
                return False
            candles, hour = found
            candles.make_hour(hour)
        return True


def _newest_first(candles: list[Candles], first: int, last: int) -> Iterator[tuple[Candles, int]]:
    for hour in range(last - 1, first - 1, -1):
        for one in candles:
            yield one, hour
