"""What texts that cannot be read mean for a session; pure."""

from __future__ import annotations

from collections import deque

from common.errors import ExchangeUnavailable, ProtocolError

MOST = 3  # unreadable texts within WITHIN seconds end a session
WITHIN = 60.0


class BadTexts:
    """Counts the unreadable texts of one session."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=MOST)

    def note(
        self, error: ProtocolError, now: float, *, is_market: bool
    ) -> ExchangeUnavailable | None:
        """Return why the session has to end, None while it need not.

        A text that may have told of an order or execution ends it: a new session fetches what it
        said. Of the market the next text tells more; only three in a minute are a broken session.
        """
        if not is_market:
            return ExchangeUnavailable(f"a text of the stream cannot be read: {error}")
        self._times.append(now)
        if len(self._times) == MOST and now - self._times[0] <= WITHIN:
            return ExchangeUnavailable(f"the stream cannot be read: {error}")
        return None
