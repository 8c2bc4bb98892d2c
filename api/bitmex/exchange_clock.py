"""How far the exchange's clock is ahead of ours, learned from its answers; pure.

A `Date` header tells the exchange's time in whole seconds, rounded down, at some moment between
sending and receiving. So each answer bounds the offset on both sides; the estimate moves only when
an answer contradicts it, and then no further than to the nearest bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

EXPIRES_AFTER = 10  # seconds that a signed request stays valid


class ExchangeClock:
    """The exchange's time. `offset` is one float, replaced whole, so any thread may read it."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self.offset = 0.0  # seconds the exchange's clock is ahead of the local one
        self._wall = wall

    def now(self) -> datetime:
        """Return the exchange's time, aware UTC."""
        return datetime.fromtimestamp(0, timezone.utc) + timedelta(seconds=self.seconds())

    def seconds(self) -> float:
        """Return the exchange's time in UNIX seconds."""
        return self._wall() + self.offset

    def wall(self) -> float:
        """Return the local time in UNIX seconds."""
        return self._wall()

    def expires(self) -> int:
        """Return the moment until which a request signed now is valid, in UNIX seconds."""
        return int(self.seconds()) + EXPIRES_AFTER

    def observe_date(self, header: str | None, sent: float, received: float) -> None:
        """Learn from a Date header; `sent` and `received` are local UNIX seconds."""
        try:
            told = parsedate_to_datetime(header).timestamp() if header else None
        except ValueError:
            return  # not a date: nothing to learn
        if told is not None:
            self.observe(told, sent, received)

    def observe(self, told: float, sent: float, received: float) -> None:
        """Learn from the exchange's time, told in whole seconds rounded down."""
        lowest, highest = told - received, told + 1.0 - sent
        self.offset = min(max(self.offset, lowest), max(lowest, highest))
