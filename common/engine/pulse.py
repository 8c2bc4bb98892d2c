"""What the stream last said and when: whether prices are those of now."""

from __future__ import annotations

from common.engine.items import RawText
from common.engine.ports import Clock, Gateway

STALE_AFTER = 5.0  # seconds without a word; the exchange is asked every two
LATE = 2.0  # seconds that a text may wait in this process


class Pulse:
    """The present session of the stream, as the engine hears it."""

    def __init__(self, clock: Clock, gateway: Gateway) -> None:
        self.complete = False  # every image has arrived
        self._clock = clock
        self._gateway = gateway
        self._heard_at = 0.0
        self._late = 0.0  # seconds that the newest text has waited in this process

    def opened(self) -> None:
        """A session has begun."""
        self._heard_at = self._clock.monotonic()
        self._late = 0.0

    def heard(self, item: RawText) -> None:
        """A text has come."""
        self._heard_at = item.received_at
        self._late = self._clock.monotonic() - item.received_at

    def quiet(self) -> float:
        """Return the seconds since the last word."""
        return self._clock.monotonic() - self._heard_at

    def stale(self) -> str:
        """Return why the prices are not those of now, "" while they are."""
        if self.quiet() > STALE_AFTER:
            return f"no data for {self.quiet():.0f} s"
        if self._late > LATE:
            return f"this computer does not keep up: news is more than {LATE:.0f} s old"
        return self._gateway.trouble()

    def fresh(self) -> bool:
        """Whether everything is there and of now."""
        return self.complete and not self.stale()
