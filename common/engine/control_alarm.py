"""CONTROL of the account table as an alarm: it must equal what was deposited.

Right after a fill the wallet and the books tell of different moments, and a deposit shows in the
wallet before its history has been read. So only a difference that stays is an alarm, and before it
becomes one the history is read anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

LOOK_AFTER = timedelta(seconds=3)
ALARM_AFTER = timedelta(seconds=10)
LOOK_EVERY = timedelta(seconds=30)


class ControlAlarm:
    """Remembers since when CONTROL of each currency has been off."""

    def __init__(self, now: Callable[[], datetime], look: Callable[[], None]) -> None:
        self._now = now
        self._look = look  # have the wallet's history read soon
        self._off_since: dict[str, datetime] = {}
        self._alarm_from: dict[str, datetime] = {}  # of what has been off since before a look
        self._looked_at: datetime | None = None

    def watch(self, currency: str, control: int | None, deposited: int | None) -> bool:
        """Take the figures of this moment; return whether they are an alarm."""
        if control is None or deposited is None or control == deposited:
            self._off_since.pop(currency, None)
            self._alarm_from.pop(currency, None)
            return False
        now = self._now()
        since = self._off_since.setdefault(currency, now)
        rested = self._looked_at is None or now - self._looked_at >= LOOK_EVERY
        if now - since >= LOOK_AFTER and rested:
            self._looked_at = now
            self._look()
        # A look for an earlier difference tells nothing of this one: no alarm before the next.
        if self._looked_at is not None and self._looked_at >= since:
            read = self._looked_at + ALARM_AFTER - LOOK_AFTER
            self._alarm_from.setdefault(currency, max(read, since + ALARM_AFTER))
        alarm_from = self._alarm_from.get(currency)
        return alarm_from is not None and now >= alarm_from
