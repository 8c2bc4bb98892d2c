"""How much is borne: delays between attempts, and messages that cannot be read."""

from __future__ import annotations

import random
from collections.abc import Callable

from common.errors import AuthenticationFailed, NotTrusted, RateLimited, TmaticError

GARBLED_IN_A_MINUTE = 3
FIRST, MOST = 0.5, 30.0  # seconds
SPREAD = 0.25  # of a delay, by which it is made longer or shorter; three a second are allowed
REFUSED = 30.0  # seconds after the exchange refused the key, or could not be trusted


class Retry:
    """Delays that grow from one failure to the next; a success begins with a new one.

    Each is spread at random, so that terminals that fell together do not come back together.
    """

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._next = FIRST
        self._chance = chance

    def after(self, error: TmaticError) -> float:
        """Return the seconds to wait after this failure."""
        if isinstance(error, (AuthenticationFailed, NotTrusted)):
            return REFUSED
        delay = self._next * (1 + SPREAD * (2 * self._chance() - 1))
        self._next = min(2 * self._next, MOST)
        return max(delay, error.retry_after) if isinstance(error, RateLimited) else delay


class Garbled:
    """Counts messages of a stream that cannot be read."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def too_many(self, now: float) -> bool:
        """Count one at `now` (monotonic seconds); say whether the stream is to be left."""
        self._times = [at for at in self._times if now - at < 60] + [now]
        if len(self._times) < GARBLED_IN_A_MINUTE:
            return False
        self._times.clear()
        return True
