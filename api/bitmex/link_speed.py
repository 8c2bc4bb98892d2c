"""Whether a stream keeps up, told by its own pings; pure.

The answer to a ping waits behind everything that is already on its way, so its delay is the age of
the news, whatever clocks say. A link that falls behind is relieved of public topics, so that orders
and executions come through; once it keeps up, the session is renewed with all of them.
"""

from __future__ import annotations

from enum import Enum

PING_EVERY = 2.0  # seconds
LATE = 2.0  # seconds of delay beyond which prices are not those of now
CALM = 1.0  # seconds of delay up to which a relieved link keeps up
LOOK_EVERY = 0.5  # seconds
FIRST_WAIT, LONGEST_WAIT = 10.0, 30.0  # seconds that a relieved link has to keep up
FORGIVEN_AFTER = 600.0  # seconds without relief after which the wait is the first one again


class Pings:
    """The pings of one session. One thread writes; `lag` may be read by others."""

    def __init__(self, now: float, every: float = PING_EVERY) -> None:
        """`now` and all other times are monotonic seconds."""
        self._every = every
        self._sent_at: float | None = None  # of the ping that has not been answered yet
        self._next_at = now + every
        self._last = 0.0

    def due(self, now: float) -> bool:
        """Tell whether to ping now, and take it that this is done."""
        if self._sent_at is not None or now < self._next_at:
            return False
        self._sent_at = now
        self._next_at = now + self._every
        return True

    def answered(self, now: float) -> None:
        """A pong has come."""
        sent_at, self._sent_at = self._sent_at, None
        if sent_at is not None:
            self._last = now - sent_at

    def lag(self, now: float) -> float:
        """Return the seconds by which what comes is late, as far as it is known."""
        sent_at = self._sent_at
        return self._last if sent_at is None else max(self._last, now - sent_at)


class Step(Enum):
    """What to do about a link."""

    NOTHING = "nothing"
    RELIEVE = "relieve"  # leave public topics out
    RENEW = "renew"  # it keeps up again: open a session with all topics


class Relief:
    """Decides when a link is relieved and when its session is renewed."""

    def __init__(self) -> None:
        self.active = False
        self._next_look = 0.0
        self._calm_since: float | None = None
        self._wait = FIRST_WAIT
        self._relieved_at = 0.0

    def new_session(self) -> None:
        """All topics are subscribed again."""
        self.active = False
        self._calm_since = None

    def look(self, lag: float, now: float) -> Step:
        """Return what to do with a link that is `lag` seconds behind at `now` (monotonic)."""
        if now < self._next_look:
            return Step.NOTHING
        self._next_look = now + LOOK_EVERY
        if not self.active:
            return self._relieve(now) if lag > LATE else Step.NOTHING
        if lag > CALM:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        elif now - self._calm_since >= self._wait:
            self._wait = min(2 * self._wait, LONGEST_WAIT)
            return Step.RENEW
        return Step.NOTHING

    def _relieve(self, now: float) -> Step:
        if now - self._relieved_at > FORGIVEN_AFTER:
            self._wait = FIRST_WAIT
        self.active = True
        self._relieved_at = now
        self._calm_since = None
        return Step.RELIEVE


def words(lag: float, *, relieved: bool) -> str:
    """Return why prices are not those of now, "" while they are."""
    if relieved:
        return "the link is too slow: prices are left out until it keeps up"
    return f"the link is slow: news comes more than {LATE:.0f} s late" if lag > LATE else ""
