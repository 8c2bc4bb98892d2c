"""Identities that are never given twice, not even by a later run of a state saved too early."""

from __future__ import annotations

from api.simulator.prices import mix

ORIGIN = 1_767_225_600_000  # 2026-01-01; ms << 8 fits 48 bits until 2060
_PER_MILLISECOND_BITS = 8


class Ids:
    """A counter that starts at the clock: a run is always ahead of what an earlier one gave.

    256 numbers a millisecond are far more than an exchange of this size gives out, so that a run
    that was killed before it could save its counter cannot have reached the start of the next.
    """

    def __init__(self, seed: int, time: int) -> None:
        self._seed = mix(seed)
        self.last = (time - ORIGIN) << _PER_MILLISECOND_BITS

    def resume(self, last: int) -> None:
        """Go on after `last` if that is ahead of the clock."""
        self.last = max(self.last, last)

    def execution(self) -> str:
        """Return the id of an execution or a match."""
        return f"00000000-006d-1000-0000-{self._next():012x}"

    def ledger(self) -> str:
        """Return the id of a ledger row: funding, settlement, wallet."""
        return f"00000000-0077-1000-0000-{self._next():012x}"

    def order(self) -> str:
        """Return an order id: it looks random, but no two numbers give the same."""
        number = self._next()
        high, low = mix(number ^ self._seed), mix(mix(number) ^ self._seed)
        text = f"{high:016x}{low:016x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def number(self) -> int:
        """Return a number that is higher than all before."""
        return self._next()

    def _next(self) -> int:
        self.last += 1
        return self.last
