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

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from common.domain.bar_columns import BarColumns, minute_of, minute_up, moment
from common.domain.market import Candle, Trade

DAYS_KEPT_OF_1M = 35
DEFAULT_LIMIT = DAYS_KEPT_OF_1M * 24 * 60
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
        self._bars = BarColumns()
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
        return None if self._hole is None else moment(self._hole)

    def absent_before(self, index: int) -> int:
        """Return how many bars are missing between a closed bar and the one before it."""
        place, starts = index % len(self._bars), self._bars.starts
        return (starts[place] - starts[place - 1]) // self.timeframe - 1 if place else 0

    def partial(self, start: datetime) -> bool:
        """Whether the closed bar that begins at `start` was seen only in part."""
        return minute_of(start) in self._partial

    def whole(self, start: datetime) -> bool:
        """Whether the bar that begins at `start` is there, complete."""
        return self._bars.find(minute_of(start)) is not None and not self.partial(start)

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
        first = bisect_left(self._bars.starts, minute_up(start))
        return [self._bars.candle(i) for i in range(first, len(self._bars))]

    def resume(self, now: datetime) -> None:
        """Say that trades are seen from `now` on, after a start or a break.

        The bar open at `now` is partial, unless `now` is its first instant.
        """
        current = self._floor(minute_of(now))
        expected = self._bars.starts[-1] + self.timeframe if len(self._bars) else current
        current = max(current, expected)  # a clock set back must not open a closed bar again
        if self._hole is None:
            self._hole = min(expected, current)
        self._current = current
        self._whole = moment(current) >= now
        self._building = {s: b for s, b in self._building.items() if s >= current}
        self._find_hole()

    def doubt(self, since: datetime) -> None:
        """Say that trades after `since` may have been missed: bars open then are partial."""
        first = self._floor(minute_of(since))
        doubtful = self._bars.starts[bisect_left(self._bars.starts, first) :]
        self._partial.update(doubtful)
        if len(doubtful):
            self._hole = doubtful[0] if self._hole is None else min(self._hole, doubtful[0])

    def add_trade(self, trade: Trade) -> None:
        """Take a public trade into the bar of its own time."""
        if self._current is None:
            self.resume(trade.at)
        start = self._floor(minute_of(trade.at))
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
        current = self._floor(minute_of(now)) if self._current is None else self._current
        return moment(current + self.timeframe)

    def close(self, now: datetime) -> Candle | None:
        """Close the open bar if it is over at `now` and return it.

        A bar without trades repeats the last close with volume 0. None: the bar is not over, or
        nothing is known of it, or more than a whole bar has been slept through; then the open bar
        is dropped too, for its last trades and its closing quote were not seen.
        """
        if self._current is None:
            self.resume(now)
            return None
        passed = minute_of(now) - self._current
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
        self._bars.append(start, built.closed(start, self._bid, self._ask))
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
        start = minute_of(candle.start)
        if start % self.timeframe or moment(start) != candle.start:
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

    def closed(self, start: int, bid: float | None, ask: float | None) -> Candle:
        """Return the bar as it is now, with the quote of now; `start`: minutes since 1970."""
        return Candle(
            start=moment(start),
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
            bid=bid,
            ask=ask,
        )

    def open_at(self, price: float) -> None:
        self.open = price
        self.high = max(self.high, price)
        self.low = min(self.low, price)


def _with_quote_of(candle: Candle, mine: Candle) -> Candle:
    """Keep the quote seen here where the download has none."""
    bid = mine.bid if candle.bid is None else candle.bid
    ask = mine.ask if candle.ask is None else candle.ask
    return replace(candle, bid=bid, ask=ask)
