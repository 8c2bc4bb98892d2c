"""Candles of every size: live ones from trades, those of other times from the price path.

A minute in which the exchange ran has the bar of its trades; any other minute has a bar made
from the path of `prices`. Larger bars are sums of minutes. A bar is known by the END of its
bucket, opens where the one before it closed, and prices are in ticks.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from api.simulator.contracts import Contract
from api.simulator.prices import DAY, MINUTE, Prices, daily_volume, mix, stream_of

BIN_SIZES = {"1m": 1, "5m": 5, "1h": 60, "1d": 1440}  # minutes
_KEPT_MINUTES = 7 * 1440
_KEPT_HOURS = 256
_PART = (1 << 21) - 1  # a third of a 64-bit noise
_MADE = 60  # minutes of the path that are made together


@dataclass(slots=True)
class Bar:
    """A candle; prices in ticks, volume in contracts, turnover in money units."""

    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    trades: int = 0
    turnover: int = 0
    last_size: int | None = None

    def trade(self, ticks: int, quantity: int, value: int) -> None:
        """Count a trade."""
        self.high, self.low, self.close = max(self.high, ticks), min(self.low, ticks), ticks
        self.volume += quantity
        self.trades += 1
        self.turnover += value
        self.last_size = quantity

    def follow(self, later: Bar) -> None:
        """Extend this bar by the one after it."""
        self.high, self.low = max(self.high, later.high), min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.trades += later.trades
        self.turnover += later.turnover
        self.last_size = self.last_size if later.last_size is None else later.last_size

    def copy(self) -> Bar:
        """Return an independent copy."""
        return Bar(
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.trades,
            self.turnover,
            self.last_size,
        )


class Candles:
    """The candles of one instrument. Minutes are numbered from the epoch by their start."""

    def __init__(self, contract: Contract, prices: Prices) -> None:
        self._contract = contract
        self._prices = prices
        self.archive: list[str] = []  # finished live minutes as text, for the state
        self._live: OrderedDict[int, Bar] = OrderedDict()
        self._made: OrderedDict[int, list[Bar]] = OrderedDict()
        self._sums: dict[int, Bar] = {}  # whole hours of the path
        self._daily_volume = daily_volume(contract)
        self._stream = stream_of(prices.seed, "candles " + contract.symbol)

    def trade(self, time: int, ticks: int, quantity: int, value: int) -> None:
        """Count a trade in the running minute."""
        self.quiet(time, ticks)
        self._live[time // MINUTE].trade(ticks, quantity, value)

    def quiet(self, time: int, ticks: int) -> None:
        """Note that the exchange ran in this minute, last traded at `ticks`."""
        minute = time // MINUTE
        if minute in self._live:
            return
        if self._live:
            self._archive_last()
        before = self._live.get(minute - 1)
        opened = before.close if before is not None else self._path(minute).open
        self._live[minute] = Bar(opened, max(opened, ticks), min(opened, ticks), ticks)
        if len(self._live) > _KEPT_MINUTES:
            self._live.popitem(last=False)

    def bar(self, start: int, minutes: int) -> Bar:
        """Return the bar of `minutes` minutes from minute `start` on; it may still be running."""
        if minutes >= _MADE and (hour := self._whole_hour(start)) is not None:
            total, minute = hour.copy(), start + _MADE
        else:
            total, minute = self._minute(start).copy(), start + 1
        before = self._live.get(start - 1)
        if before is not None:
            total.open = before.close
            total.high, total.low = max(total.high, total.open), min(total.low, total.open)
        end = start + minutes
        while minute < end:
            hour = self._whole_hour(minute) if end - minute >= _MADE else None
            total.follow(hour or self._minute(minute))
            minute += _MADE if hour else 1
        return total

    def bars(self, first: int, last: int, minutes: int, end: int) -> Iterator[tuple[int, Bar]]:
        """Yield (end time in ms, bar) for buckets number `first` to `last`, in either order.

        Minutes at or after minute `end` have not begun and count nothing.
        """
        step = 1 if last >= first else -1
        for bucket in range(first, last + step, step):
            start = bucket * minutes
            length = min(minutes, end - start)
            if length > 0:
                yield (start + minutes) * MINUTE, self.bar(start, length)

    def usual_volume(self, period: int, length: int) -> int:
        """Return the contracts traded in a past period number `period` of `length` ms."""
        return self._volume(mix(self._stream ^ period), length)

    def make_hour(self, hour: int) -> None:
        """Make the sum of a past hour, numbered from the epoch, ahead of the first request."""
        self._whole_hour(hour * _MADE)

    def load(self, archive: list[str]) -> None:
        """Restore the finished live minutes of `archive`. Raises ValueError, TypeError."""
        self.archive = archive[-_KEPT_MINUTES:]
        self._live = OrderedDict()
        for text in self.archive:
            minute, *figures = (int(part) for part in text.split())
            self._live[minute] = Bar(*figures)

    def _archive_last(self) -> None:
        minute, bar = next(reversed(self._live.items()))
        prices = f"{bar.open} {bar.high} {bar.low} {bar.close}"
        last = "" if bar.last_size is None else f" {bar.last_size}"
        self.archive.append(f"{minute} {prices} {bar.volume} {bar.trades} {bar.turnover}{last}")

    def _minute(self, minute: int) -> Bar:
        return self._live.get(minute) or self._path(minute)

    def _whole_hour(self, minute: int) -> Bar | None:
        """Return the sum of the hour that begins at a minute, if all of it is past and path."""
        hour, within = divmod(minute, _MADE)
        if within or (self._live and minute + _MADE > next(iter(self._live))):
            return None
        total = self._sums.get(hour)
        if total is None:
            total = self._sums[hour] = self._path(minute).copy()
            for later in range(minute + 1, minute + _MADE):
                total.follow(self._path(later))
        return total

    def _path(self, minute: int) -> Bar:
        hour, index = divmod(minute, _MADE)
        bars = self._made.get(hour)
        if bars is None:
            bars = self._make(hour)
            self._made[hour] = bars
            if len(self._made) > _KEPT_HOURS:
                self._made.popitem(last=False)
        return bars[index]

    def _make(self, hour: int) -> list[Bar]:
        contract, prices = self._contract, self._prices
        per_unit = contract.ticks_per_unit
        first = hour * _MADE
        path = prices.traded_minutes(contract, first, _MADE + 1)
        ticks = [round(price * per_unit) for price in path]
        return [
            self._made_bar(first + index, ticks[index], ticks[index + 1]) for index in range(_MADE)
        ]

    def _made_bar(self, minute: int, opened: int, closed: int) -> Bar:
        contract, noise = self._contract, mix(self._stream ^ minute)
        volume = self._volume(noise, MINUTE)
        reach = opened * 0.0002 / _PART  # how far a minute may go beyond its ends
        high = (opened if opened > closed else closed) + int(reach * (noise >> 21 & _PART))
        low = (opened if opened < closed else closed) - int(reach * (noise >> 42 & _PART))
        middle = (opened + closed) // 2
        return Bar(
            opened,
            high,
            low,
            closed,
            volume,
            1 + volume // contract.lot % 40,
            contract.value(middle, contract.ticks_per_unit, volume),
            contract.lot * (1 + minute % 7),
        )

    def _volume(self, noise: int, length: int) -> int:
        """Return a volume in whole lots, about the usual for `length` ms."""
        weight = math.exp(0.8 * (2 * (noise & _PART) / _PART - 1))
        lots = int(self._daily_volume * length / DAY * weight) // self._contract.lot
        return max(1, lots) * self._contract.lot
