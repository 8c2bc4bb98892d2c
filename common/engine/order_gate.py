"""Permits for orders of bots, looked at again in the moment before a request is written.

The engine gives a permit with each request that a strategy asked for, and takes permits back when
automatic trading or a bot is switched off. The thread that writes to the socket asks whether its
permit still stands; it reads two numbers that only the engine changes.
"""

from __future__ import annotations

from dataclasses import dataclass


class OrderGate:
    """Counts how often permits were taken back: of all bots, and of each."""

    def __init__(self) -> None:
        self._of_all = 0
        self._of_each: dict[str, int] = {}

    def issue(self, emi: str) -> Permit:
        """Return a permit for one request of a bot."""
        return Permit(self, emi, self._of_all, self._of_each.get(emi, 0))

    def revoke(self, emi: str | None = None) -> None:
        """Take back every permit of a bot, or of all; later ones are not touched."""
        if emi is None:
            self._of_all += 1
        else:
            self._of_each[emi] = self._of_each.get(emi, 0) + 1

    def stands(self, permit: Permit) -> bool:
        """Whether a permit was not taken back. Any thread."""
        return (permit.of_all, permit.of_each) == (
            self._of_all,
            self._of_each.get(permit.emi, 0),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Permit:
    """The right to write one request, until it is taken back."""

    gate: OrderGate
    emi: str
    of_all: int
    of_each: int

    def stands(self) -> bool:
        """Whether the request may be written now."""
        return self.gate.stands(self)
