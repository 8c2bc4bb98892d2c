"""Results by period: sums of the rows of the books per bot, symbol and currency.

Every figure is a sum of integers as the exchange sent them, so the periods of a bot add up to its
balance exactly. Open positions are not valued: a period that opens a position carries its whole
SUMREAL, the period that closes it brings it back. Where the position is 0 before and after a
period, `net` is what the bot earned in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum

from common.domain.books import AccountKey
from common.domain.instruments import Symbol


class Period(str, Enum):
    """How long a line of a report is; each period begins at 00:00 UTC."""

    DAY = "day"
    WEEK = "week"  # from Monday on, as ISO 8601 counts
    MONTH = "month"

    def __str__(self) -> str:
        return self.value

    def start_of(self, day: date) -> date:
        """Return the first day of the period that a day lies in."""
        if self is Period.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is Period.MONTH else day

    def label(self, start: date) -> str:
        """Return the name of the period of this first day: 2026-10-01, 2026-W40 or 2026-10."""
        if self is Period.WEEK:
            year, week, _ = start.isocalendar()
            return f"{year:04d}-W{week:02d}"
        return start.isoformat()[:7] if self is Period.MONTH else start.isoformat()


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of rows of `coins`. Money in the smallest unit of the currency."""

    trades: int = 0  # rows of trades and settlements that moved contracts
    volume: int = 0  # contracts traded
    change: int = 0  # contracts that the position changed by
    sum_real: int = 0  # received > 0
    commission: int = 0  # fees of trades, paid > 0
    funding: int = 0  # paid > 0

    @property
    def net(self) -> int:
        """What came in (> 0) or went out: SUMREAL - COMMISS - FUNDING."""
        return self.sum_real - self.commission - self.funding

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.trades + other.trades,
            self.volume + other.volume,
            self.change + other.change,
            self.sum_real + other.sum_real,
            self.commission + other.commission,
            self.funding + other.funding,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """What one bot did in one symbol and currency during one period."""

    start: date  # first day of the period, UTC
    emi: str
    symbol: Symbol
    currency: str
    scale: int  # decimal places of the currency's smallest unit
    sums: Sums
    position: int = 0  # contracts at the end of the period, long > 0


@dataclass(frozen=True, slots=True)
class Total:
    """All lines of one currency."""

    currency: str
    scale: int
    sums: Sums  # volume and change of several symbols are not comparable and stay 0


@dataclass(frozen=True, slots=True)
class Report:
    """The results of one account. `lines` are newest first; `totals` are over all lines."""

    key: AccountKey
    period: Period
    at: datetime  # when the books were read, aware UTC
    lines: tuple[Line, ...]
    totals: tuple[Total, ...]


def make_report(key: AccountKey, period: Period, at: datetime, days: Iterable[Line]) -> Report:
    """Return the report over lines of single days, in any order and each (day, owner) once."""
    sums: dict[tuple[date, str, Symbol, str], Line] = {}
    for day in days:
        start = period.start_of(day.start)
        where = (start, day.emi, day.symbol, day.currency)
        known = sums.get(where)
        total = known.sums + day.sums if known else day.sums
        sums[where] = Line(start, day.emi, day.symbol, day.currency, day.scale, total)
    lines = _with_positions(sums)
    return Report(key, period, at, tuple(lines), tuple(_totals(lines)))


def _with_positions(sums: dict[tuple[date, str, Symbol, str], Line]) -> list[Line]:
    """Return the lines, newest period first, each with the position at its end."""
    periods: dict[date, list[Line]] = {}
    for line in sums.values():
        periods.setdefault(line.start, []).append(line)
    held: dict[tuple[str, Symbol], int] = {}
    for start in sorted(periods):
        for line in periods[start]:
            held[line.emi, line.symbol] = held.get((line.emi, line.symbol), 0) + line.sums.change
        periods[start] = [
            replace(line, position=held[line.emi, line.symbol])
            for line in sorted(periods[start], key=lambda ln: (ln.emi, ln.symbol, ln.currency))
        ]
    return [line for start in sorted(periods, reverse=True) for line in periods[start]]


def _totals(lines: Iterable[Line]) -> list[Total]:
    totals: dict[str, Total] = {}
    for line in lines:
        s = line.sums
        money = Sums(s.trades, 0, 0, s.sum_real, s.commission, s.funding)
        known = totals.get(line.currency)
        added = known.sums + money if known else money
        totals[line.currency] = Total(line.currency, line.scale, added)
    return [totals[currency] for currency in sorted(totals)]
