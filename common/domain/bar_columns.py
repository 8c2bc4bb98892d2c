"""How closed bars are kept: one array a column, 60 bytes a bar, by the minute of their start."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from datetime import datetime, timedelta, timezone
from math import isnan, nan

from common.domain.market import Candle

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_A_MINUTE = timedelta(minutes=1)


class BarColumns:
    """Closed bars by ascending start. NaN stands for a quote that was not seen."""

    def __init__(self) -> None:
        self.starts = array("I")  # minutes since 1970, ascending, unique
        self.opens = array("d")
        self.highs = array("d")
        self.lows = array("d")
        self.closes = array("d")
        self.bids = array("d")
        self.asks = array("d")
        self.volumes = array("q")

    def __len__(self) -> int:
        return len(self.starts)

    def append(self, start: int, bar: Candle) -> None:
        """Add a bar that begins after all others."""
        self.starts.append(start)
        self.opens.append(bar.open)
        self.highs.append(bar.high)
        self.lows.append(bar.low)
        self.closes.append(bar.close)
        self.bids.append(nan if bar.bid is None else bar.bid)
        self.asks.append(nan if bar.ask is None else bar.ask)
        self.volumes.append(bar.volume)

    def candle(self, index: int) -> Candle:
        """Return a bar by its place."""
        bid, ask = self.bids[index], self.asks[index]
        return Candle(
            start=moment(self.starts[index]),
            open=self.opens[index],
            high=self.highs[index],
            low=self.lows[index],
            close=self.closes[index],
            volume=self.volumes[index],
            bid=None if isnan(bid) else bid,
            ask=None if isnan(ask) else ask,
        )

    def find(self, start: int) -> Candle | None:
        """Return the bar that begins at `start`, if it is there."""
        if not self.starts or start > self.starts[-1]:
            return None
        index = bisect_left(self.starts, start)
        found = index < len(self.starts) and self.starts[index] == start
        return self.candle(index) if found else None

    def merge(self, fresh: dict[int, Candle]) -> None:
        """Put bars where they belong; a bar of the same start is replaced."""
        first = bisect_left(self.starts, min(fresh))
        if first == len(self):  # they follow what is there
            self._extend(fresh)
            return
        tail = {self.starts[i]: self.candle(i) for i in range(first, len(self))} | fresh
        for column in self._columns():
            del column[first:]
        self._extend(tail)

    def forget(self, count: int) -> None:
        """Drop the oldest bars."""
        for column in self._columns():
            del column[:count]

    def _extend(self, bars: dict[int, Candle]) -> None:
        for start in sorted(bars):
            self.append(start, bars[start])

    def _columns(self) -> tuple[array[int] | array[float], ...]:
        floats = (self.opens, self.highs, self.lows, self.closes, self.bids, self.asks)
        return (self.starts, self.volumes, *floats)


def minute_of(at: datetime) -> int:
    """Return the whole minutes from 1970 to a moment, rounded down."""
    return (at - _EPOCH) // _A_MINUTE


def minute_up(at: datetime) -> int:
    """Return the whole minutes from 1970 to a moment, rounded up."""
    return -((_EPOCH - at) // _A_MINUTE)


def moment(minute: int) -> datetime:
    """Return the beginning of a minute since 1970, UTC."""
    return _EPOCH + minute * _A_MINUTE
