"""How far the exchange's clock is ahead of ours, learned from its answers; pure.

A `Date` header tells the exchange's time in whole seconds, rounded down, at some moment between
sending and receiving. So each answer bounds the offset on both sides; the estimate moves only when
an answer contradicts it, and then no further than to the nearest bound.

It is counted on a local time that goes on evenly from the start: a local clock that is set while
the program runs changes neither signatures nor the closes of candles.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

EXPIRES_AFTER = 10  # seconds that a signed request stays valid


class ExchangeClock:
    """The exchange's time. What is learned is one float, replaced whole: any thread may read it."""

    def __init__(
        self,
        local: Callable[[], float] | None = None,
        wall: Callable[[], float] | None = None,
    ) -> None:
        """`local` is a time in UNIX seconds that never jumps, `wall` that of the machine."""
        self._local = local or _even_time()
        self._wall = wall or local or time.time
        self._ahead = 0.0  # of `local`, in seconds

    @property
    def offset(self) -> float:
        """Seconds that the exchange's clock is ahead of the machine's."""
        return self.seconds() - self._wall()

    def now(self) -> datetime:
        """Return the exchange's time, aware UTC."""
        return datetime.fromtimestamp(0, timezone.utc) + timedelta(seconds=self.seconds())

    def seconds(self) -> float:
        """Return the exchange's time in UNIX seconds."""
        return self._local() + self._ahead

    def local(self) -> float:
        """Return the local time that never jumps, in UNIX seconds."""
        return self._local()

    def expires(self) -> int:
        """Return the moment until which a request signed now is valid, in UNIX seconds."""
        return int(self.seconds()) + EXPIRES_AFTER

    def observe_date(self, header: str | None, sent: float, received: float) -> None:
        """Learn from a Date header; `sent` and `received` are of `local()`."""
        try:
            told = parsedate_to_datetime(header).timestamp() if header else None
        except ValueError:
            return  # not a date: nothing to learn
        if told is not None:
            self.observe(told, sent, received)

    def observe(self, told: float, sent: float, received: float) -> None:
        """Learn from the exchange's time, told in whole seconds rounded down."""
        lowest, highest = told - received, told + 1.0 - sent
        self._ahead = min(max(self._ahead, lowest), max(lowest, highest))


def _even_time() -> Callable[[], float]:
    began = time.time() - time.monotonic()
    return lambda: began + time.monotonic()
