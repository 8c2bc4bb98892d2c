"""How a cancellation that was not confirmed is repeated: until the order is gone. Pure."""

from __future__ import annotations

from common.errors import AuthenticationFailed, RateLimited, TmaticError

FIRST_PAUSE = 1.0  # seconds, doubled with each try up to
USUAL_PAUSE = 5.0
REFUSED_PAUSE = 30.0  # where the exchange wants to hear less, or nothing, of this program
ALARM = 5  # tries after which a person is told in red


def pause_after(tries: int, error: TmaticError | None) -> float:
    """Return the seconds until the next try; `tries` have failed, the last one with `error`.

    A ban gets longer by asking on, and a 429 says how long it wants to hear nothing.
    """
    asked = error.retry_after if isinstance(error, RateLimited) else 0.0
    refused = isinstance(error, (AuthenticationFailed, RateLimited))
    longest = REFUSED_PAUSE if refused else USUAL_PAUSE
    return min(max(FIRST_PAUSE * 2.0 ** min(tries - 1, 10), asked), longest)
