"""Permits for orders of bots, looked at again in the moment before a request is written.

The engine gives a permit with each request that a strategy asked for, and takes permits back when
automatic trading or a bot is switched off. A click does not wait for its turn in the engine's
inbox: it shuts the gate by itself, and the engine opens it again when it has acted on the click.
The thread that writes to the socket asks whether its permit stands.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from common.domain.commands import Flatten, SetRobotStatus, SetTrading
from common.engine.ports import Clock


class OrderGate:
    """Counts how often permits were taken back: of all bots, of each, and of all entries."""

    def __init__(self) -> None:
        self._of_all = 0
        self._of_each: dict[str, int] = {}
        self._of_entries = 0
        self._shut: Counter[str | None] = Counter()  # by clicks that were not acted on yet
        self._changing = threading.Lock()

    def issue(self, emi: str, *, entry: bool = True) -> Permit:
        """Return a permit for one request of a bot; entry: it may enlarge its position."""
        entries = self._of_entries if entry else None
        return Permit(self, emi, self._of_all, self._of_each.get(emi, 0), entries)

    def revoke(self, emi: str | None = None) -> None:
        """Take back every permit of a bot, or of all; later ones are not touched."""
        if emi is None:
            self._of_all += 1
        else:
            self._of_each[emi] = self._of_each.get(emi, 0) + 1

    def revoke_entries(self) -> None:
        """Take back the permits of all requests that may enlarge a position."""
        self._of_entries += 1

    def shut(self, emi: str | None = None) -> None:
        """Let no permit of a bot, or of any, stand until `reopen`. Any thread."""
        with self._changing:
            self._shut[emi] += 1

    def reopen(self, emi: str | None = None) -> None:
        """Undo one `shut`: permits that were not taken back meanwhile stand again."""
        with self._changing:
            self._shut[emi] -= 1

    def stands(self, permit: Permit) -> bool:
        """Whether a permit may be used now. Any thread."""
        return (
            not (self._shut[None] or self._shut[permit.emi])
            and permit.of_all == self._of_all
            and permit.of_each == self._of_each.get(permit.emi, 0)
            and permit.of_entries in (None, self._of_entries)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Permit:
    """The right to write one request, until it is taken back."""

    gate: OrderGate
    emi: str
    of_all: int
    of_each: int
    of_entries: int | None  # None: it can only reduce a position

    def stands(self) -> bool:
        """Whether the request may be written now."""
        return self.gate.stands(self)

    def refusal(self) -> str:
        """Return why the request may not be written now, "" while it may. Any thread."""
        return "" if self.stands() else "the bot may not trade any more"


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """The right to write one request for a while: what waits longer is not wanted any more."""

    permit: Permit | None  # None: a person asked
    until: float  # monotonic seconds
    clock: Clock

    def stands(self) -> bool:
        """Whether the request may be written now."""
        return not self.refusal()

    def refusal(self) -> str:
        """Return why the request may not be written now, "" while it may. Any thread."""
        if self.clock.monotonic() > self.until:
            return "it waited too long, and the price may have moved"
        return "" if self.permit is None else self.permit.refusal()


@dataclass(frozen=True, slots=True, eq=False)
class Reopen:
    """The item that follows a click which shut a gate: the engine has acted on the click."""

    gate: OrderGate
    emi: str | None

    def carry_out(self) -> None:
        """Open the gate again."""
        self.gate.reopen(self.emi)


def shut_for(command: object, gates: Mapping[str, OrderGate]) -> list[Reopen]:
    """Shut the gates (by market) of what a command switches off; return what opens them again."""
    shut: list[Reopen] = []
    if isinstance(command, SetTrading) and not command.on:
        shut = [Reopen(gate, None) for gate in gates.values()]
    elif isinstance(command, SetRobotStatus) and not command.work:
        shut = [Reopen(gates[command.market], command.emi)]
    elif isinstance(command, Flatten):  # it switches these bots off
        emis = {command.emi} if command.emi else {emi for emi, _ in command.sides}
        shut = [Reopen(gates[command.market], emi) for emi in sorted(emis)]
    for each in shut:
        each.gate.shut(each.emi)
    return shut
