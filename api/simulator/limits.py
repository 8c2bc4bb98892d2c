"""Token buckets of the REST interface and the headers that tell about them.

Time is an argument: UNIX seconds of the wall clock. Two layers exist: requests a minute (120 with
a key, 30 without) and ten a second on the routes that change orders. Streams have two of their own:
how often one may connect, and how fast subscribe.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping

from api.simulator.credentials import RequestRefused

AUTHENTICATED_PER_MINUTE = 120
ANONYMOUS_PER_MINUTE = 30
ORDERS_PER_SECOND = 10
CONNECTS_PER_HOUR = 720
TOPICS_AT_ONCE = 1_000  # of one stream; as many again in TOPICS_PERIOD
TOPICS_PERIOD = 10.0  # seconds
MAX_CLIENTS = 10_000  # buckets kept; the one idle longest is full again long before it is dropped


class Bucket:
    """A token bucket that refills continuously."""

    def __init__(self, capacity: int, period: float) -> None:
        self.capacity = capacity
        self._rate = capacity / period  # tokens a second
        self._tokens = float(capacity)
        self._at = 0.0

    def refill(self, now: float) -> None:
        """Add what came in since the last call; a clock that steps back adds nothing."""
        passed = max(0.0, now - self._at)
        self._tokens = min(float(self.capacity), self._tokens + passed * self._rate)
        self._at = now

    @property
    def remaining(self) -> int:
        """Whole requests that are left."""
        return math.floor(self._tokens)

    def take(self) -> None:
        """Spend one token."""
        self._tokens -= 1

    def seconds_until(self, tokens: float) -> float:
        """Return how long the bucket needs until it holds `tokens`."""
        return max(0.0, (tokens - self._tokens) / self._rate)


class RateLimited(RequestRefused):
    """More requests than the limits allow; `headers` say when the next one passes."""

    def __init__(self, retry_after: int, headers: Mapping[str, str]) -> None:
        message = f"Rate limit exceeded, retry in {retry_after} seconds."
        headers = {**headers, "retry-after": str(retry_after)}
        super().__init__(429, message, "RateLimitError", headers)


class RateLimits:
    """Charges requests to their key or address."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._minutes: OrderedDict[Hashable, Bucket] = OrderedDict()
        self._seconds: OrderedDict[Hashable, Bucket] = OrderedDict()
        self._connects: OrderedDict[Hashable, Bucket] = OrderedDict()

    def charge(
        self, client: Hashable, now: float, *, authenticated: bool, changes_orders: bool
    ) -> Mapping[str, str]:
        """Take one token of each layer that the request belongs to; return the headers about it.

        Raises RateLimited, which costs nothing.
        """
        capacity = AUTHENTICATED_PER_MINUTE if authenticated else ANONYMOUS_PER_MINUTE
        minute = _bucket(self._minutes, (authenticated, client), capacity, 60.0)
        layers = [minute]
        if changes_orders:
            layers.append(_bucket(self._seconds, client, ORDERS_PER_SECOND, 1.0))
        for bucket in layers:
            bucket.refill(now)
        wait = max(bucket.seconds_until(1.0) for bucket in layers)
        if wait > 0 and self._enabled:
            raise RateLimited(math.ceil(wait), _headers(layers, now))
        if self._enabled:
            for bucket in layers:
                bucket.take()
        return _headers(layers, now)

    def connect(self, client: Hashable, now: float) -> int | None:
        """Count a connection; return how many more the hour allows, None: they are not limited.

        Raises RateLimited.
        """
        if not self._enabled:
            return None
        bucket = _bucket(self._connects, client, CONNECTS_PER_HOUR, 3600.0)
        bucket.refill(now)
        wait = bucket.seconds_until(1.0)
        if wait > 0:
            raise RateLimited(math.ceil(wait), {})
        bucket.take()
        return bucket.remaining

    def pace(self, clock: Callable[[], float]) -> Callable[[], float]:
        """Return what one stream asks before each topic: how many seconds it has to wait."""
        bucket = Bucket(TOPICS_AT_ONCE, TOPICS_PERIOD)

        def wait() -> float:
            bucket.refill(clock())
            seconds = bucket.seconds_until(1.0)
            if not seconds:
                bucket.take()
            return seconds

        return wait if self._enabled else unlimited


def unlimited() -> float:
    """Return that nothing has to wait."""
    return 0.0


def _bucket(
    buckets: OrderedDict[Hashable, Bucket], client: Hashable, capacity: int, period: float
) -> Bucket:
    bucket = buckets.get(client)
    if bucket is None:
        bucket = buckets[client] = Bucket(capacity, period)
        if len(buckets) > MAX_CLIENTS:
            buckets.popitem(last=False)
    buckets.move_to_end(client)
    return bucket


def _headers(layers: list[Bucket], now: float) -> dict[str, str]:
    minute = layers[0]
    headers = {
        "x-ratelimit-limit": str(minute.capacity),
        "x-ratelimit-remaining": str(minute.remaining),
        # Clients sleep until this moment after a 429: it is when the next request passes.
        "x-ratelimit-reset": str(math.ceil(now + max(b.seconds_until(1.0) for b in layers))),
    }
    if len(layers) > 1:
        headers["x-ratelimit-limit-1s"] = str(layers[1].capacity)
        headers["x-ratelimit-remaining-1s"] = str(layers[1].remaining)
    return headers
