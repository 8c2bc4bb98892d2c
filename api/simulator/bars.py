"""Bars to be replayed: one instrument, one length, no gaps; and the path inside each of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from common.domain.market import Candle

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. Prices in ticks; bid and ask at the close, 0 where they are not known."""

    start: int  # minutes since 1970
    open: int
    high: int
    low: int
    close: int
    volume: int  # contracts
    bid: int = 0
    ask: int = 0


class Bars:
    """Bars one after the other, 64 bytes each."""

    def __init__(self, minutes: int, ticks_per_unit: int) -> None:
        self.minutes = minutes
        self.ticks_per_unit = ticks_per_unit
        self.first = 0  # start of the first bar, minutes since 1970
        self._columns = tuple(array("q") for _ in range(7))

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, index: int) -> Bar:
        """Return a bar by its place, from 0 on."""
        return Bar(self.first + index * self.minutes, *(c[index] for c in self._columns))

    def __iter__(self) -> Iterator[Bar]:
        return (self[index] for index in range(len(self)))

    @property
    def end(self) -> int:
        """Minute in which the last bar ends."""
        return self.first + len(self) * self.minutes

    def append(self, bar: Bar) -> None:
        """Add the bar that follows. ValueError: it does not."""
        if not len(self):
            self.first = bar.start
        elif bar.start != self.end:
            raise ValueError(f"a bar from {moment(self.end)} on was due, not {moment(bar.start)}")
        figures = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.bid, bar.ask)
        for column, figure in zip(self._columns, figures, strict=True):
            column.append(figure)

    def index_at(self, minute: int) -> int:
        """Return the place of the first bar that starts at a minute or later, within the bars."""
        place = -((self.first - minute) // self.minutes)
        return min(max(0, place), len(self))

    def between(self, begin: int, end: int) -> Bars:
        """Return the bars that begin in a span of minutes."""
        first, last = self.index_at(begin), self.index_at(end)
        cut = Bars(self.minutes, self.ticks_per_unit)
        cut.first = self.first + first * self.minutes
        cut._columns = tuple(column[first:last] for column in self._columns)
        return cut

    def candles(self, first: int, last: int, timeframe: int) -> tuple[Candle, ...]:
        """Return the whole candles of a timeframe among the bars from place `first` to `last`."""
        group: list[Bar] = []
        made: list[Candle] = []
        needed = timeframe // self.minutes
        for index in range(first, last):
            bar = self[index]
            if bar.start % timeframe == 0:
                group = []
            group.append(bar)
            if len(group) == needed and group[0].start % timeframe == 0:
                made.append(self._candle(group))
        return tuple(made)

    def _candle(self, group: list[Bar]) -> Candle:
        unit, last = self.ticks_per_unit, group[-1]
        return Candle(
            start=moment(group[0].start),
            open=group[0].open / unit,
            high=max(bar.high for bar in group) / unit,
            low=min(bar.low for bar in group) / unit,
            close=last.close / unit,
            volume=sum(bar.volume for bar in group),
            bid=last.bid / unit if last.bid else None,
            ask=last.ask / unit if last.ask else None,
        )


def path(bar: Bar) -> tuple[int, int, int, int]:
    """Return the prices that a bar is taken to have gone through, in ticks.

    From the open to the nearer extreme, to the other one, to the close; down first when both are
    equally far.
    """
    if bar.open - bar.low <= bar.high - bar.open:
        return bar.open, bar.low, bar.high, bar.close
    return bar.open, bar.high, bar.low, bar.close


def moment(minute: int) -> datetime:
    """Return a minute since 1970 as a time."""
    return EPOCH + timedelta(minutes=minute)


def minute_of(at: datetime) -> int:
    """Return the minute since 1970 that a time lies in."""
    return (at - EPOCH) // timedelta(minutes=1)
