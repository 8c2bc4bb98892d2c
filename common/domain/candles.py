"""Candles of one instrument and timeframe: trades and quotes in, closed bars out.

Bars lie on a grid of whole timeframes counted from 1970-01-01T00:00Z, in exchange time. A bar opens
at the close of the bar before it, and its high and low include that open, as in the bars that
exchanges serve for download; so a bar built here equals the same bar downloaded. Without a bar
before it, a bar opens at its first trade.

What was not seen is not made up: bars slept through are left out, and a bar seen only in part is
kept but marked. `missing_since` says from where on a download would complete the series, and `join`
takes the download in. Prices are float: they are shown and given to strategies, never booked.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from math import isnan, nan

from common.domain.market import Candle, Trade

DAYS_KEPT_OF_1M = 35
DEFAULT_LIMIT = DAYS_KEPT_OF_1M * 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_A_MINUTE = timedelta(minutes=1)
_SLACK = 64  # a part of the limit that may be surplus: columns move only now and then


class CandleSeries:
    """The closed bars of one instrument, and the one that is being built.

    `limit` bounds the number of bars kept, to a 64th of it; the oldest are forgotten first. One
    thread only.
    """

    def __init__(self, timeframe: int, limit: int = DEFAULT_LIMIT) -> None:
        if timeframe < 1 or limit < 1:
            raise ValueError(f"timeframe {timeframe} and limit {limit} must be at least 1")
        self.timeframe = timeframe  # minutes
        self.late_trades = 0  # dropped: their bar was closed already
        self._limit = limit
        self._bars = _Columns()
        self._partial: set[int] = set()  # starts of bars that were seen only in part
        self._current: int | None = None  # start of the open bar, minutes since 1970
        self._whole = False  # the open bar has been watched since its first instant
        self._hole: int | None = None  # first start that is absent or partial
        self._building: dict[int, _Building] = {}  # of the open bar and of the one after it
        self._bid: float | None = None
        self._ask: float | None = None

    def __len__(self) -> int:
        return len(self._bars)

    @property
    def missing_since(self) -> datetime | None:
        """Start of the first bar that is absent or was seen in part; None: nothing is missing."""
        return None if self._hole is None else _moment(self._hole)

    def absent_before(self, index: int) -> int:
        """Return how many bars are missing between a closed bar and the one before it."""
        place, starts = index % len(self._bars), self._bars.starts
        return (starts[place] - starts[place - 1]) // self.timeframe - 1 if place else 0

    def partial(self, start: datetime) -> bool:
        """Whether the closed bar that begins at `start` was seen only in part."""
        return _minute(start) in self._partial

    def whole(self, start: datetime) -> bool:
        """Whether the bar that begins at `start` is there, complete."""
        return self._bars.find(_minute(start)) is not None and not self.partial(start)

    def __getitem__(self, index: int) -> Candle:
        """Return a closed bar; negative: counted from the newest. IndexError: there is none."""
        size = len(self._bars)
        if not -size <= index < size:
            raise IndexError(f"bar {index} of {size}")
        return self._bars.candle(index % size)

    def tail(self, count: int) -> list[Candle]:
        """Return the last `count` closed bars, oldest first. Missing bars leave no place."""
        size = len(self._bars)
        return [self._bars.candle(i) for i in range(max(0, size - max(0, count)), size)]

    def since(self, start: datetime) -> list[Candle]:
        """Return the closed bars that begin at `start` or later, oldest first."""
        first = bisect_left(self._bars.starts, _minute_up(start))
        return [self._bars.candle(i) for i in range(first, len(self._bars))]

    def resume(self, now: datetime) -> None:
        """Say that trades are seen from `now` on, after a start or a break.

        The bar open at `now` is partial, unless `now` is its first instant.
        """
        current = self._floor(_minute(now))
        expected = self._bars.starts[-1] + self.timeframe if len(self._bars) else current
        current = max(current, expected)  # a clock set back must not open a closed bar again
        if self._hole is None:
            self._hole = min(expected, current)
        self._current = current
        self._whole = _moment(current) >= now
        self._building = {s: b for s, b in self._building.items() if s >= current}
        self._find_hole()

    def doubt(self, since: datetime) -> None:
        """Say that trades after `since` may have been missed: bars open then are partial."""
        first = self._floor(_minute(since))
        doubtful = self._bars.starts[bisect_left(self._bars.starts, first) :]
        self._partial.update(doubtful)
        if len(doubtful):
            self._hole = doubtful[0] if self._hole is None else min(self._hole, doubtful[0])

    def add_trade(self, trade: Trade) -> None:
        """Take a public trade into the bar of its own time."""
        if self._current is None:
            self.resume(trade.at)
        start = self._floor(_minute(trade.at))
        current = start if self._current is None else self._current
        if start < current:
            self.late_trades += 1
            return
        if start > current + self.timeframe:
            return  # beyond the next bar: whatever lies between will have been slept through
        price = float(trade.price)
        if start in self._building:
            self._building[start].add(price, trade.quantity)
        else:
            self._building[start] = _Building(price, price, price, price, trade.quantity)

    def set_quote(self, bid: Decimal | float | None, ask: Decimal | float | None) -> None:
        """Remember the best prices; a bar keeps those that stand at its close."""
        self._bid = None if bid is None else float(bid)
        self._ask = None if ask is None else float(ask)

    def next_close(self, now: datetime) -> datetime:
        """Return when `close` is to be called next; not later than `now`: at once."""
        current = self._floor(_minute(now)) if self._current is None else self._current
        return _moment(current + self.timeframe)

    def close(self, now: datetime) -> Candle | None:
        """Close the open bar if it is over at `now` and return it.

        A bar without trades repeats the last close with volume 0. None: the bar is not over, or
        nothing is known of it, or more than a whole bar has been slept through; then the open bar
        is dropped too, for its last trades and its closing quote were not seen.
        """
        if self._current is None:
            self.resume(now)
            return None
        passed = _minute(now) - self._current
        if passed < self.timeframe:
            return None
        if passed >= 2 * self.timeframe:
            self.resume(now)
            return None
        return self._close_current(self._current)

    def join(self, candles: Iterable[Candle], *, revised: bool = False) -> int:
        """Take downloaded bars in; return how many of them were used.

        A bar that was watched from beginning to end here stays, unless the bars given are said to
        be `revised` ones; one seen in part is replaced. Bars not closed here yet are ignored.
        ValueError: a start that is not on the grid.
        """
        fresh: dict[int, Candle] = {}
        for candle in candles:
            start = self._grid_start(candle)
            mine = self._bars.find(start)
            if self._current is not None and start >= self._current:
                continue
            if mine is None:
                fresh[start] = candle
            elif revised or start in self._partial:
                fresh[start] = _with_quote_of(candle, mine)
        if fresh:
            self._partial -= fresh.keys()
            self._bars.merge(fresh)
            self._trim()
        self._find_hole()
        return len(fresh)

    # ---- helpers ----

    def _close_current(self, start: int) -> Candle | None:
        built = self._building.pop(start, None)
        before = self._close_before(start)
        if built is None and before is not None:
            built = _Building(before, before, before, before, 0)
        elif built is not None and before is not None:
            built.open_at(before)
        whole, self._whole = self._whole, True
        self._current = start + self.timeframe
        if built is None:
            self._hole = start if self._hole is None else self._hole
            return None
        if not whole:
            self._partial.add(start)
        self._bars.append(start, built, self._bid, self._ask)
        self._trim()
        self._find_hole()
        return self._bars.candle(len(self._bars) - 1)

    def _close_before(self, start: int) -> float | None:
        """Return the close of the bar right before `start`; older ones say nothing of its price."""
        if len(self._bars) and self._bars.starts[-1] == start - self.timeframe:
            return self._bars.closes[-1]
        return None

    def _find_hole(self) -> None:
        """Move `_hole` past the bars that are whole now; None when none is left."""
        if self._hole is None:
            return
        starts = self._bars.starts
        index = bisect_left(starts, self._hole)
        while index < len(starts) and starts[index] == self._hole:
            if self._hole in self._partial:
                return
            self._hole += self.timeframe
            index += 1
        nothing_left = self._current is None or self._hole > self._current
        if nothing_left or (self._hole == self._current and self._whole):
            self._hole = None

    def _trim(self) -> None:
        surplus = len(self._bars) - self._limit
        if surplus > self._limit // _SLACK:
            self._bars.forget(surplus)
            oldest = self._bars.starts[0]
            self._partial = {start for start in self._partial if start >= oldest}
            if self._hole is not None:
                self._hole = max(self._hole, oldest)

    def _floor(self, minute: int) -> int:
        return minute - minute % self.timeframe

    def _grid_start(self, candle: Candle) -> int:
        start = _minute(candle.start)
        if start % self.timeframe or _moment(start) != candle.start:
            raise ValueError(f"a bar of {self.timeframe} min cannot begin at {candle.start}")
        return start


@dataclass(slots=True)
class _Building:
    """A bar in the making."""

    open: float
    high: float
    low: float
    close: float
    volume: int

    def add(self, price: float, quantity: int) -> None:
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.volume += quantity

    def open_at(self, price: float) -> None:
        self.open = price
        self.high = max(self.high, price)
        self.low = min(self.low, price)


class _Columns:
    """Closed bars, one array a column: 60 bytes a bar. NaN stands for an unseen quote."""

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

    def append(self, start: int, bar: _Building, bid: float | None, ask: float | None) -> None:
        self.starts.append(start)
        self.opens.append(bar.open)
        self.highs.append(bar.high)
        self.lows.append(bar.low)
        self.closes.append(bar.close)
        self.bids.append(nan if bid is None else bid)
        self.asks.append(nan if ask is None else ask)
        self.volumes.append(bar.volume)

    def candle(self, index: int) -> Candle:
        bid, ask = self.bids[index], self.asks[index]
        return Candle(
            start=_moment(self.starts[index]),
            open=self.opens[index],
            high=self.highs[index],
            low=self.lows[index],
            close=self.closes[index],
            volume=self.volumes[index],
            bid=None if isnan(bid) else bid,
            ask=None if isnan(ask) else ask,
        )

    def find(self, start: int) -> Candle | None:
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

    def _extend(self, bars: dict[int, Candle]) -> None:
        for start in sorted(bars):
            bar = bars[start]
            built = _Building(bar.open, bar.high, bar.low, bar.close, bar.volume)
            self.append(start, built, bar.bid, bar.ask)

    def forget(self, count: int) -> None:
        for column in self._columns():
            del column[:count]

    def _columns(self) -> tuple[array[int] | array[float], ...]:
        floats = (self.opens, self.highs, self.lows, self.closes, self.bids, self.asks)
        return (self.starts, self.volumes, *floats)


def _with_quote_of(candle: Candle, mine: Candle) -> Candle:
    """Keep the quote seen here where the download has none."""
    bid = mine.bid if candle.bid is None else candle.bid
    ask = mine.ask if candle.ask is None else candle.ask
    return replace(candle, bid=bid, ask=ask)


def _minute(at: datetime) -> int:
    return (at - _EPOCH) // _A_MINUTE


def _minute_up(at: datetime) -> int:
    return -((_EPOCH - at) // _A_MINUTE)


def _moment(minute: int) -> datetime:
    return _EPOCH + minute * _A_MINUTE
