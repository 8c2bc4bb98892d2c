"""An instrument whose market is a sequence of bars: price, mark and index follow them."""

from __future__ import annotations

from collections.abc import Callable

from api.simulator.contracts import SATOSHI, Contract
from api.simulator.instruments import Instrument
from api.simulator.prices import Prices

Rate = Callable[[int], int]  # ms of a funding time -> rate in ppm


class BarPrices(Prices):
    """The rate that quanto contracts are counted with, which stays as it is."""

    def __init__(self, contract: Contract) -> None:
        super().__init__(0)
        self._rate = contract.quote_multiplier or SATOSHI

    def satoshi_per_dollar(self, time: int) -> int:
        """Return the rate that notionals use, the same at any time."""
        return self._rate


class BarInstrument(Instrument):
    """Mark and index are the last price; what customers trade leaves the market as it is."""

    def __init__(self, contract: Contract, time: int, ticks: int, rate: Rate) -> None:
        self._first = ticks
        self._rate = rate
        self.next_funding = 0  # ms
        super().__init__(contract, BarPrices(contract), time)

    def move(self, ticks: int, time: int) -> None:
        """Let the price be here now."""
        self.last = ticks
        self.mark = self.index = ticks * self.contract.mark_scale // self.contract.ticks_per_unit
        self.marked = self.updated = time

    def trade(self, time: int, ticks: int, quantity: int, value: int) -> None:
        """Leave the market as it is: trades of customers are not part of it."""

    def revalue(self, time: int) -> None:
        """Keep the prices: they follow the bars."""

    def funding_ppm(self, time: int) -> int:
        """Return the rate of the next funding time."""
        return self._rate(self.next_funding) if self.contract.is_perpetual else 0

    def _begin(self, time: int) -> None:
        self.move(self._first, time)
        self.previous_close = self.mark
        self.hours.append(self._past_hour(time // 3_600_000))
