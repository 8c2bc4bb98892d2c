"""The last quote of every minute: noted where the exchange ran, else made from the candles."""

from __future__ import annotations

from dataclasses import dataclass

from api.simulator.candles import Candles
from api.simulator.contracts import Contract
from api.simulator.prices import MINUTE, Prices, mix, stream_of

KEPT_MINUTES = 7 * 1440
_MOST_LOTS = 500  # of a made size


@dataclass(frozen=True, slots=True)
class Quote:
    """Best prices in ticks and their sizes; a side without orders has no price."""

    bid: int | None
    bid_size: int
    ask: int | None
    ask_size: int


class ClosingQuotes:
    """The closing quotes of one instrument. Minutes are numbered from the epoch by their start."""

    def __init__(self, contract: Contract, prices: Prices, candles: Candles) -> None:
        self._contract = contract
        self._candles = candles
        self._stream = stream_of(prices.seed, "quotes " + contract.symbol)
        self._noted: dict[int, Quote] = {}  # without a gap, oldest first
        self._last = 0  # the newest minute of them

    def note(self, time: int, quote: Quote) -> None:
        """Take a quote as the last one of its minute so far."""
        minute = time // MINUTE
        if self._noted:
            before = self._noted[self._last]
            for quiet in range(max(self._last + 1, minute - KEPT_MINUTES), minute):
                self._noted[quiet] = before
        self._noted[minute] = quote
        self._last = minute
        while len(self._noted) > KEPT_MINUTES:
            del self._noted[next(iter(self._noted))]

    def at(self, end: int) -> Quote:
        """Return the last quote before a time, which may lie ahead."""
        minute = end // MINUTE - 1
        if self._noted and minute > self._last:
            return self._noted[self._last]
        return self._noted.get(minute) or self._made(minute)

    def _made(self, minute: int) -> Quote:
        """Return a quote whose bid is the close of the minute and whose ask is a tick higher."""
        noise, lot = mix(self._stream ^ minute), self._contract.lot
        close = self._candles.bar(minute, 1).close
        bid_lots, ask_lots = noise % _MOST_LOTS, (noise >> 32) % _MOST_LOTS
        return Quote(close, (1 + bid_lots) * lot, close + 1, (1 + ask_lots) * lot)
