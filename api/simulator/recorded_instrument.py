"""Instruments whose prices come from a recording; what customers trade leaves them as they are."""

from __future__ import annotations

from collections.abc import Iterable

from api.simulator.contracts import MILLION, SATOSHI, Contract
from api.simulator.instruments import Instrument
from api.simulator.ports import Row
from api.simulator.prices import Prices
from api.simulator.recorded_contracts import decimal


class RecordedPrices(Prices):
    """The rate of quanto contracts, which stands as it was when the recording began."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """Take the rate from the recorded instruments."""
        super().__init__(0)
        self._rate = _satoshi_per_dollar(rows)

    def satoshi_per_dollar(self, time: int) -> int:
        """Return the rate that quanto notionals use, the same at any time."""
        return self._rate


class RecordedInstrument(Instrument):
    """An instrument of a recording.

    Mark and index begin with the recorded figures and keep their distance from the middle of the
    recorded book, because a recording of book, quotes and trades says nothing newer of them.
    """

    def __init__(self, contract: Contract, prices: Prices, time: int, row: Row) -> None:
        """Begin with the row of GET /instrument."""
        self._first_mark = round(decimal(row, "markPrice") * contract.mark_scale)
        index = row.get("indicativeSettlePrice", row["markPrice"])
        self._first_index = round(decimal({"index": index}, "index") * contract.mark_scale)
        last = decimal(row, "lastPrice") if "lastPrice" in row else decimal(row, "markPrice")
        self._first_last = round(last * contract.ticks_per_unit)
        self._rate = round(decimal(row, "fundingRate") * MILLION) if "fundingRate" in row else 0
        self._middle: int | None = None  # first sum of bid and ask in ticks
        super().__init__(contract, prices, time)

    def follow(self, bid: int, ask: int, time: int) -> bool:
        """Take mark and index from the recorded best prices; return whether they changed."""
        if self._middle is None:
            self._middle = bid + ask
        moved = (bid + ask - self._middle) * self.contract.mark_scale
        shift = moved // (2 * self.contract.ticks_per_unit)
        mark = self._first_mark + shift
        if mark == self.mark or mark <= 0:
            return False
        self.mark, self.index = mark, max(1, self._first_index + shift)
        self.marked = self.updated = time
        return True

    def mark_at_last(self) -> None:
        """Mark spot at its last recorded trade."""
        self.mark = self.last * self.contract.mark_scale // self.contract.ticks_per_unit

    def trade(self, time: int, ticks: int, quantity: int, value: int) -> None:
        """Leave the recorded market as it is: trades of customers are not part of it."""

    def revalue(self, time: int) -> None:
        """Keep the prices: they follow the recorded book."""

    def funding_ppm(self, time: int) -> int:
        """Return the recorded funding rate."""
        return self._rate if self.contract.is_perpetual else 0

    def _begin(self, time: int) -> None:
        self.last = self._first_last
        self.mark = self.previous_close = self._first_mark
        self.index = self._first_index


def _satoshi_per_dollar(rows: Iterable[Row]) -> int:
    """Return the rate that a quanto contract was recorded with, else the price of a coin."""
    listed = list(rows)
    for row in listed:
        if row.get("isQuanto") and "quoteToSettleMultiplier" in row:
            return max(1, round(decimal(row, "quoteToSettleMultiplier")))
    for row in listed:
        if row.get("isInverse") and row.get("underlying") == "XBT" and "markPrice" in row:
            return max(1, round(SATOSHI / decimal(row, "markPrice")))
    return 1
