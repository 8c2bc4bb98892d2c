"""Fills that strategies are still to be told of. A bot takes one call at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from common.domain.books import SIDE_BUY, SIDE_FUNDING, Entry
from common.domain.bots import BotFill
from common.domain.orders import Side

MOST_FILLS = 1000  # of one bot that wait, e.g. while automatic trading is off; the oldest go


class Fills:
    """What waits for each bot that wants to be told."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[BotFill]] = {}  # of those that take fills
        self._told: set[str] = set()  # are in a call about fills now
        self._held: set[str] = set()  # a bar closed while they were

    def set_taker(self, emi: str, takes: bool) -> None:
        """Say whether a bot's strategy wants to be told."""
        if takes:
            self._waiting.setdefault(emi, deque(maxlen=MOST_FILLS))
        else:
            self.forget(emi)

    def forget(self, emi: str) -> None:
        """The strategy of a bot has ended."""
        self._waiting.pop(emi, None)
        self._told.discard(emi)
        self._held.discard(emi)

    def take(self, entries: Sequence[Entry]) -> list[str]:
        """Take rows of the books; return the bots that are to be told of some."""
        found: dict[str, None] = {}
        for entry in entries:
            if entry.emi in self._waiting and entry.side != SIDE_FUNDING and entry.quantity:
                self._waiting[entry.emi].append(_fill(entry))
                found[entry.emi] = None
        return list(found)

    def pending(self, emi: str) -> tuple[BotFill, ...]:
        """Return what a bot is to be told of."""
        return tuple(self._waiting.get(emi, ()))

    def handed(self, emi: str) -> None:
        """A bot is told of all that was pending."""
        self._waiting[emi].clear()
        self._told.add(emi)

    def hold_bar(self, emi: str) -> bool:
        """A bar has closed while a bot was busy; whether it only waits for a call about fills."""
        if emi in self._told:
            self._held.add(emi)
        return emi in self._told

    def finished(self, emi: str) -> bool:
        """The call of a bot has returned; whether a bar waits for it."""
        self._told.discard(emi)
        held = emi in self._held
        self._held.discard(emi)
        return held


def _fill(entry: Entry) -> BotFill:
    order = f"{entry.number}.{entry.refer}" if entry.number and entry.refer else ""
    side = Side.BUY if entry.side == SIDE_BUY else Side.SELL
    return BotFill(side, entry.trade_price, entry.quantity, order, entry.at)
