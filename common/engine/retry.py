"""How long to wait before a market is brought up again."""

from __future__ import annotations

from common.errors import AuthenticationFailed, RateLimited, TmaticError

FIRST, MOST = 0.5, 30.0  # seconds
REFUSED = 30.0  # seconds after the exchange refused the key


class Retry:
    """Delays that grow from one failure to the next; a success begins with a new one."""

    def __init__(self) -> None:
        self._next = FIRST

    def after(self, error: TmaticError) -> float:
        """Return the seconds to wait after this failure."""
        if isinstance(error, AuthenticationFailed):
            return REFUSED
        delay = self._next
        self._next = min(2 * self._next, MOST)
        return max(delay, error.retry_after) if isinstance(error, RateLimited) else delay
