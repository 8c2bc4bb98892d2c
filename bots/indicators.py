"""Indicators that take one value or bar after the other and know the newest figure at once.

Each holds `value`: None until enough has been seen (how much, each class says), then the figure
after the last update; `update` returns it too. An update costs the same however long the period
is (amortised; a Donchian channel and a standard deviation included), so a strategy may feed years.

Figures are floats: they steer a strategy and never become money. Where sums run along, they are
added up anew once a period, so that rounding errors do not pile up.

Pure: no I/O, no clock.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple


class Band(NamedTuple):
    """A channel around a middle line."""

    lower: float
    middle: float
    upper: float


class MacdFigures(NamedTuple):
    """What MACD tells: the difference of two averages, its own average, and their difference."""

    macd: float
    signal: float
    histogram: float


def _checked(name: str, period: int, least: int = 1) -> int:
    if isinstance(period, bool) or not isinstance(period, int) or period < least:
        raise ValueError(f"{name} is {period!r}; it is a whole number of {least} or more")
    return period


def _finite(value: float) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"an indicator was given {value!r}, which is not a number")
    return number


class _Window:
    """The last `period` values with their sum and the sum of their squares."""

    def __init__(self, period: int) -> None:
        self.values: deque[float] = deque(maxlen=period)
        self._period = period
        self._base = 0.0  # squares are taken of the distance from here: prices differ little
        self._sum = self._squares = 0.0
        self._until_anew = 0

    def add(self, value: float) -> bool:
        """Take a value; tell whether the window is full."""
        gone = self.values[0] - self._base if len(self.values) == self._period else 0.0
        self.values.append(value)
        self._until_anew -= 1
        if self._until_anew <= 0:
            self._add_up()
        else:
            come = value - self._base
            self._sum += come - gone
            self._squares += come * come - gone * gone
        return len(self.values) == self._period

    def _add_up(self) -> None:
        self._until_anew = self._period
        self._base = self.values[-1]
        self._sum = math.fsum(value - self._base for value in self.values)
        self._squares = math.fsum((value - self._base) ** 2 for value in self.values)

    @property
    def mean(self) -> float:
        return self._base + self._sum / len(self.values)

    @property
    def deviation(self) -> float:
        """Standard deviation of the values as a whole population (divided by their number)."""
        number = len(self.values)
        return math.sqrt(max(0.0, self._squares - self._sum * self._sum / number) / number)


class SMA:
    """Simple moving average of the last `period` values; known from the period-th value on."""

    def __init__(self, period: int) -> None:
        self._window = _Window(_checked("period", period))
        self.value: float | None = None

    def update(self, value: float) -> float | None:
        """Take the next value and return the average."""
        if self._window.add(_finite(value)):
            self.value = self._window.mean
        return self.value


class EMA:
    """Exponential moving average: weight 2 / (period + 1) for the newest value.

    It starts, with the period-th value, as the simple average of the values so far.
    """

    def __init__(self, period: int) -> None:
        self._period = _checked("period", period)
        self._weight = 2.0 / (period + 1)
        self._first: list[float] = []
        self.value: float | None = None

    def update(self, value: float) -> float | None:
        """Take the next value and return the average."""
        number = _finite(value)
        if self.value is not None:
            self.value += self._weight * (number - self.value)
            return self.value
        self._first.append(number)
        if len(self._first) == self._period:
            self.value = math.fsum(self._first) / self._period
            self._first.clear()
        return self.value


class _Wilder:
    """Wilder's smoothing: a simple average first, then (before * (period - 1) + new) / period."""

    def __init__(self, period: int) -> None:
        self._period = period
        self._first: list[float] = []
        self.value: float | None = None

    def update(self, value: float) -> float | None:
        if self.value is not None:
            self.value = (self.value * (self._period - 1) + value) / self._period
            return self.value
        self._first.append(value)
        if len(self._first) == self._period:
            self.value = math.fsum(self._first) / self._period
            self._first.clear()
        return self.value


class RSI:
    """Relative strength index, 0 to 100, with Wilder's smoothing; known after period + 1 values.

    J. Welles Wilder, New Concepts in Technical Trading Systems (1978). Without any change of the
    value it is 50, without any fall 100.
    """

    def __init__(self, period: int = 14) -> None:
        self._gains = _Wilder(_checked("period", period))
        self._losses = _Wilder(period)
        self._before: float | None = None
        self.value: float | None = None

    def update(self, value: float) -> float | None:
        """Take the next value and return the index."""
        number, before = _finite(value), self._before
        self._before = number
        if before is None:
            return None
        gain = self._gains.update(max(0.0, number - before))
        loss = self._losses.update(max(0.0, before - number))
        if gain is not None and loss is not None:
            moved = gain + loss
            self.value = 100.0 * gain / moved if moved else 50.0
        return self.value


class ATR:
    """Average true range with Wilder's smoothing; known from the period-th bar on.

    The true range of the very first bar is its high less its low.
    """

    def __init__(self, period: int = 14) -> None:
        self._average = _Wilder(_checked("period", period))
        self._close: float | None = None
        self.value: float | None = None

    def update(self, high: float, low: float, close: float) -> float | None:
        """Take the next bar and return the average range."""
        top, bottom = _finite(high), _finite(low)
        if self._close is not None:
            top, bottom = max(top, self._close), min(bottom, self._close)
        self._close = _finite(close)
        self.value = self._average.update(top - bottom)
        return self.value


class Bollinger:
    """Bands `width` standard deviations (of the population) around the simple average.

    Known from the period-th value on. John Bollinger's own figures are 20 and 2.
    """

    def __init__(self, period: int = 20, width: float = 2.0) -> None:
        self._window = _Window(_checked("period", period))
        self._width = _finite(width)
        self.value: Band | None = None

    def update(self, value: float) -> Band | None:
        """Take the next value and return the bands."""
        if self._window.add(_finite(value)):
            middle, distance = self._window.mean, self._width * self._window.deviation
            self.value = Band(middle - distance, middle, middle + distance)
        return self.value


class MACD:
    """Difference of a fast and a slow EMA, with its own EMA as the signal line.

    Known after slow + signal - 1 values; both averages start as simple ones (see `EMA`).
    """

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        self._fast, self._slow = EMA(_checked("fast", fast)), EMA(_checked("slow", slow))
        self._signal = EMA(_checked("signal", signal))
        if fast >= slow:
            raise ValueError(f"fast is {fast}, slow is {slow}; fast is the smaller one")
        self.macd: float | None = None  # the line itself is known after `slow` values
        self.value: MacdFigures | None = None

    def update(self, value: float) -> MacdFigures | None:
        """Take the next value and return the three figures."""
        fast, slow = self._fast.update(value), self._slow.update(value)
        if fast is None or slow is None:
            return None
        self.macd = fast - slow
        signal = self._signal.update(self.macd)
        if signal is not None:
            self.value = MacdFigures(self.macd, signal, self.macd - signal)
        return self.value


class Donchian:
    """Highest high and lowest low of the last `period` bars; known from the period-th bar on."""

    def __init__(self, period: int = 20) -> None:
        self._period = _checked("period", period)
        self._count = 0
        # Bars that may still become the extreme, best first: each enters and leaves once.
        self._highs: deque[tuple[int, float]] = deque()
        self._lows: deque[tuple[int, float]] = deque()
        self.value: Band | None = None

    def update(self, high: float, low: float) -> Band | None:
        """Take the next bar and return the channel."""
        top, bottom = _finite(high), _finite(low)
        while self._highs and self._highs[-1][1] <= top:
            self._highs.pop()
        while self._lows and self._lows[-1][1] >= bottom:
            self._lows.pop()
        self._highs.append((self._count, top))
        self._lows.append((self._count, bottom))
        self._count += 1
        oldest = self._count - self._period
        if self._highs[0][0] < oldest:
            self._highs.popleft()
        if self._lows[0][0] < oldest:
            self._lows.popleft()
        if oldest >= 0:
            upper, lower = self._highs[0][1], self._lows[0][1]
            self.value = Band(lower, (upper + lower) / 2, upper)
        return self.value


class VWAP:
    """Average price weighted by volume since the last `reset`; None while nothing was traded.

    The price of a bar is (high + low + close) / 3, as is usual for bars. Call `reset` where a new
    session begins, e.g. at the first bar of a day.
    """

    def __init__(self) -> None:
        self._value = self._volume = 0.0
        self._lost_value = 0.0  # what the running sum could not hold (Neumaier)
        self.value: float | None = None

    def reset(self) -> None:
        """Forget everything."""
        self.__init__()  # type: ignore[misc]

    def update(self, high: float, low: float, close: float, volume: float) -> float | None:
        """Take the next bar and return the average."""
        number = _finite(volume)
        if number < 0:
            raise ValueError(f"volume is {volume!r}; it is never negative")
        part = (_finite(high) + _finite(low) + _finite(close)) / 3.0 * number
        total = self._value + part
        smaller, larger = sorted((self._value, part), key=abs)
        self._lost_value += (larger - total) + smaller
        self._value = total
        self._volume += number
        if self._volume:
            self.value = (self._value + self._lost_value) / self._volume
        return self.value
