"""The way out of a session on which faults may bite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from api.simulator.fault_kinds import Place
from api.simulator.faults import Bite, Event, Faults
from api.simulator.frame_faults import Frame, head, spoil

GOING_AWAY = 1001


class Wire(Protocol):
    """A connection that can be treated badly. No method waits or raises."""

    def send(self, text: str) -> None:
        """Queue a text frame."""

    def send_frame(self, frame: Frame) -> None:
        """Queue a frame of any kind."""

    def close(self, code: int, reason: str) -> None:
        """End the connection after what is queued."""

    def cut(self) -> None:
        """Reset the connection."""

    def stall(self, seconds: float) -> None:
        """Send and read nothing for a while, then reset the connection."""

    def slow_down(self, rate: float, seconds: float) -> None:
        """Send at most `rate` bytes a second for a while."""


class FaultyOutlet:
    """Hands texts to a wire, through the faults that are armed."""

    def __init__(
        self,
        wire: Wire,
        faults: Faults,
        account: int | None,
    ) -> None:
        """Begin with the account that authenticated at the upgrade, if any."""
        self._wire = wire
        self._faults = faults
        self._account: Callable[[], int | None] = lambda: account
        self._repeat: Callable[[str], None] = lambda _table: None
        self._held: str | None = None  # a text that leaves after the next one

    def follow(self, account: Callable[[], int | None], repeat: Callable[[str], None]) -> None:
        """Know the session: its account, and how to send the images of a table once more."""
        self._account = account
        self._repeat = repeat

    def send(self, text: str) -> None:
        """Queue a text frame, or what a fault makes of it."""
        if self._faults.idle and self._held is None:
            self._wire.send(text)
            return
        held, self._held = self._held, None
        table, action = head(text)
        event = Event(Place.FRAME, self._account(), table=table, action=action, text=text)
        bite = self._faults.bite(event)
        if bite is None:
            self._wire.send(text)
        elif not self._break_connection(bite, text):
            self._break_text(bite, text, table)
        if held is not None:
            self._wire.send(held)

    def close(self, code: int, reason: str) -> None:
        """End the connection after what is queued."""
        self._wire.close(code, reason)

    def _break_connection(self, bite: Bite, text: str) -> bool:
        """Harm the connection if that is the fault; tell whether it was."""
        if bite.fault == "drop":
            self._wire.cut()
        elif bite.fault == "close":
            self._wire.close(bite.whole("code"), bite.text("reason"))
        elif bite.fault == "maintenance":
            self._wire.close(GOING_AWAY, "The system is going down for maintenance.")
        elif bite.fault == "half-open":
            self._wire.stall(bite.number("seconds"))
        elif bite.fault == "slow":
            self._wire.slow_down(bite.number("rate"), bite.number("seconds"))
            self._wire.send(text)
        else:
            return False
        return True

    def _break_text(self, bite: Bite, text: str, table: str) -> None:
        if bite.fault == "reorder":
            self._held = text
        elif bite.fault == "second-partial":
            self._wire.send(text)
            self._repeat(table)
        else:
            for frame in spoil(text, bite, self._faults.random):
                self._wire.send_frame(frame)
