"""The time of the market: real, faster, or standing still until it is stepped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from api.simulator.refusals import Refused

FASTEST = 10_000.0
LONGEST_STEP = 366 * 86_400.0  # seconds


class MarketTime:
    """Market time that runs `speed` times as fast as the wall clock; 0: only when stepped."""

    def __init__(self, wall: Callable[[], datetime], speed: float = 1.0) -> None:
        """Begin at the time of the wall clock. Raises Refused for an impossible speed."""
        self._wall = wall
        self._since = self._base = wall()
        self._speed = _checked(speed)

    @property
    def speed(self) -> float:
        """How many times as fast as the wall clock."""
        return self._speed

    def now(self) -> datetime:
        """Return the time of the market, aware UTC."""
        return self._base + (self._wall() - self._since) * self._speed

    def set_speed(self, speed: float) -> None:
        """Run at another speed from now on."""
        speed = _checked(speed)
        wall, now = self._wall(), self.now()
        self._since, self._base, self._speed = wall, now, speed

    def catch_up(self, moment: datetime) -> None:
        """Go on to a moment if that is ahead: time never goes back."""
        self._base += max(timedelta(), moment - self.now())

    def step(self, seconds: float) -> None:
        """Go on at once."""
        if not 0 <= seconds <= LONGEST_STEP:
            raise Refused(f"A step is 0 to {LONGEST_STEP:.0f} seconds; time never goes back")
        self._base += timedelta(seconds=seconds)


def _checked(speed: float) -> float:
    if not 0 <= speed <= FASTEST:
        raise Refused(f"A speed is 0 to {FASTEST:.0f}")
    return speed
