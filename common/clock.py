"""The clock of the machine."""

from __future__ import annotations

import time
from datetime import datetime, timezone


class SystemClock:
    """Wall time and a time that never goes back."""

    def now(self) -> datetime:
        """Return the time of day, aware UTC."""
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start."""
        return time.monotonic()
