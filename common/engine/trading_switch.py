"""F9: whether bots may trade, and whether they may open positions or only reduce them."""

from __future__ import annotations

from collections.abc import Mapping

from common.engine.market import Market
from common.engine.notices import NoticeBoard
from common.engine.snapshot import Health, Level


class TradingSwitch:
    """OFF after every start and F3. `entries` False while `on`: exits only."""

    def __init__(self, markets: Mapping[str, Market], notices: NoticeBoard) -> None:
        self.on = False
        self.entries = True
        self._markets = markets
        self._notices = notices

    def set(self, on: bool, entries: bool = True) -> None:
        """Switch, unless it is so already or no market can be traded on."""
        entries = entries or not on
        if (on, entries) == (self.on, self.entries):
            return
        not_live = [
            f"{name} is {m.health()[0]}"
            for name, m in self._markets.items()
            if m.health()[0] in (Health.BLOCKED, Health.OFFLINE)
        ]
        if on and not self.on and len(not_live) == len(self._markets):
            self._notices.post(Level.WARNING, f"TRADING stays OFF: {', '.join(not_live)}")
            return
        self.on, self.entries = on, entries
        only = "" if entries else ", EXITS ONLY: bots may only reduce their positions"
        self._notices.info(f"TRADING {'ON' if on else 'OFF'}{only}")
        for market in self._markets.values():
            market.state.exits_only = not entries
            if not on:
                market.desk.withdraw_bots()
            elif not entries:
                market.desk.withdraw_entries()

    def shut_gates(self) -> None:
        """The engine ends: nothing of a bot is written any more."""
        for market in self._markets.values():
            market.desk.gate.shut()

    def stop(self, reason: str) -> None:
        """Something happened that a person must look at before bots go on."""
        self._notices.error(reason)
        self.set(on=False)
