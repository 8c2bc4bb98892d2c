"""The keys that ask something of the whole program: trading, reload, comparison, export."""

from __future__ import annotations

from collections.abc import Callable

from common.domain.commands import Command, ExportTables, Reload, SetTrading, VerifyBooks
from common.engine.snapshot import Level, Snapshot
from display.actions import Guard


class ProgramKeys:
    """Sends what the keys ask for; a key that is held down counts as pressed once."""

    def __init__(
        self,
        submit: Callable[[Command], None],
        guard: Guard,
        say: Callable[[Level, str], None],
    ) -> None:
        self._submit = submit
        self._guard = guard
        self._say = say
        self._seen: Snapshot | None = None
        self._reloading: int | None = None  # count of bring-ups when F3 was pressed

    def take(self, snapshot: Snapshot) -> None:
        """Take a snapshot: what is ON, and whether the reload has been done."""
        self._seen = snapshot
        if self._reloading is not None and snapshot.reloads > self._reloading:
            self._reloading = None

    def toggle_trading(self) -> None:
        """F9: switch automatic trading to the other state than is shown."""
        if self._guard.repeated("F9") or self._seen is None:
            return
        self._submit(SetTrading(on=not self._seen.trading))

    def reload(self) -> None:
        """F3: ask for a bring-up, once until it is done."""
        if self._guard.repeated("F3") or self._seen is None:
            return
        if self._reloading is not None:
            self._say(Level.INFO, "the reload is under way")
            return
        self._reloading = self._seen.reloads
        self._submit(Reload())

    def verify(self, how: str = "F7") -> None:
        """F7 or a click: have the books compared with the exchange."""
        if not self._guard.repeated(how) and self._seen is not None:
            self._submit(VerifyBooks())

    def export(self) -> None:
        """F8: have every table written as CSV."""
        if not self._guard.repeated("F8") and self._seen is not None:
            self._submit(ExportTables())
