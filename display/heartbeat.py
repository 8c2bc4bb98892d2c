"""How punctual the refresh loop is: what tells a frozen window from a live one."""

from __future__ import annotations


class Heartbeat:
    """Times of the refresh loop, in seconds of a monotonic clock."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._due: float | None = None
        self._began = 0.0
        self.turns = 0
        self.late = 0.0  # of the last turn
        self.worst_late = 0.0  # since the last `reset`
        self.worst_paint = 0.0  # longest turn since the last `reset`

    def begin(self, now: float) -> None:
        """Note that a turn begins."""
        self.turns += 1
        self._began = now
        self.late = 0.0 if self._due is None else max(0.0, now - self._due)
        self.worst_late = max(self.worst_late, self.late)

    def end(self, now: float) -> float:
        """Note that the turn is over and return the seconds until the next one is due."""
        self.worst_paint = max(self.worst_paint, now - self._began)
        planned = (self._began if self._due is None else self._due) + self._interval
        # A window that was held up does not hurry after the turns that it has missed.
        self._due = planned if planned > now else now + self._interval
        return self._due - now

    def reset(self) -> None:
        """Forget the worst figures."""
        self.worst_late = 0.0
        self.worst_paint = 0.0
