"""The request budget of an account, shared by the REST threads.

The exchange counts requests in buckets that refill continuously and tells what is left with each
answer. A fifth of every bucket is kept for cancels, which are paced but never refused here. Source:
BitMEX API documentation, "Request Rate Limits".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from math import ceil

from common.domain.market import RequestsLeft

LIMITS = {"": 120.0, "-1s": 10.0}  # a minute for everything, a second for orders
RESERVE = 0.2  # share kept for cancels
_REFILL = {"": 60.0, "-1s": 1.0}  # header suffix -> seconds in which an empty bucket refills


class Budget:
    """Says how long a request has to wait.

    It starts with the limits of the exchange's documentation, and learns those that are told.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        # Three threads spend from one budget of the account; whoever spends holds this lock.
        self._lock = threading.Lock()
        now = monotonic()
        self._buckets = {
            suffix: _Bucket(LIMITS[suffix], seconds, LIMITS[suffix], now)
            for suffix, seconds in _REFILL.items()
        }
        self._closed_until = 0.0

    def take(self, *, counts_as_order: bool) -> float:
        """Spend one request and return 0, or spend nothing and return the seconds to wait."""
        with self._lock:
            now = self._monotonic()
            names = ("", "-1s") if counts_as_order else ("",)
            buckets = [self._buckets[name] for name in names]
            waits = [bucket.wait(now) for bucket in buckets]
            wait = max([self._closed_until - now, *waits, 0.0])
            if wait <= 0.0:
                for bucket in buckets:
                    bucket.spend()
            return wait

    def take_reserve(self) -> float:
        """Spend one request of a cancel, whatever is left; return the seconds to wait before it."""
        with self._lock:
            now = self._monotonic()
            for bucket in self._buckets.values():
                bucket.spend()
            return max(bucket.debt(now) for bucket in self._buckets.values())

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from the rate-limit headers of an answer."""
        with self._lock:
            now = self._monotonic()
            for suffix, seconds in _REFILL.items():
                left = _number(headers.get(f"x-ratelimit-remaining{suffix}"))
                limit = _number(headers.get(f"x-ratelimit-limit{suffix}"))
                if left is not None:
                    capacity = limit or self._buckets[suffix].capacity
                    self._buckets[suffix] = _Bucket(capacity, seconds, left, now)

    def gauge(self) -> RequestsLeft:
        """Return what is left now, for the screen."""
        with self._lock:
            now = self._monotonic()
            minute, second = self._buckets[""], self._buckets["-1s"]
            return RequestsLeft(
                minute=minute.left(now),
                minute_limit=int(minute.capacity),
                second=second.left(now),
                second_limit=int(second.capacity),
                closed_for=max(0, ceil(self._closed_until - now)),
            )

    def close(self, seconds: float) -> None:
        """Send nothing but cancels for a while: the exchange has said that it is too much."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._monotonic() + seconds)


class _Bucket:
    """Tokens that refill continuously up to the capacity."""

    def __init__(self, capacity: float, seconds: float, left: float, now: float) -> None:
        self.capacity = capacity
        self._rate = capacity / seconds
        self._left = left
        self._at = now

    def left(self, now: float) -> int:
        """Return the whole tokens that are there, the reserve included."""
        self._refill(now)
        return max(0, int(self._left))

    def _refill(self, now: float) -> None:
        self._left = min(self.capacity, self._left + (now - self._at) * self._rate)
        self._at = now

    def wait(self, now: float) -> float:
        """Return the seconds until one token above the reserve is there."""
        self._refill(now)
        return max(0.0, (self.capacity * RESERVE + 1.0 - self._left) / self._rate)

    def debt(self, now: float) -> float:
        """Return the seconds until what was spent too much has refilled."""
        self._refill(now)
        return max(0.0, -self._left / self._rate)

    def spend(self) -> None:
        self._left -= 1.0


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
