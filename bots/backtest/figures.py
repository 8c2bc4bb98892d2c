"""The figures of a back-test: sums of the rows of its books, and the curve of its results."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from bots.backtest.run import Outcome
from common.domain.reports import Line, Period, Sums
from common.errors import LedgerUnavailable
from common.ledger.reports import last_row, open_for_reading, read_report
from common.settings_types import SqliteSettings


@dataclass(frozen=True, slots=True)
class Month:
    """One month. Money in the smallest unit; `result` is the change of the curve."""

    label: str
    sums: Sums
    position: int  # contracts at its end
    result: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What the report tells. Money in the smallest unit of the currency."""

    sums: Sums  # of all rows
    months: tuple[Month, ...]
    result: int  # sums.net, with the position at the end valued at bid or ask
    drawdown: int  # the deepest fall of the curve from a high, at the ends of bars
    drawdown_from: datetime | None  # that high
    drawdown_to: datetime | None
    high: int  # of deposit and result at that high


def compute(outcome: Outcome) -> Figures:
    """Read the books of a back-test. LedgerUnavailable."""
    lines = _lines(outcome)
    total = sum((line.sums for line in lines), Sums())
    ends = _month_ends(outcome)
    months: list[Month] = []
    before = 0
    by_label = _by_month(lines)
    position = 0
    for label, value in ends:
        sums = by_label.get(label, Sums())
        position += sums.change
        months.append(Month(label, sums, position, value - before))
        before = value
    fall, start, end, high = _drawdown(outcome)
    return Figures(
        total,
        tuple(months),
        outcome.equity[-1] if outcome.equity else 0,
        fall,
        start,
        end,
        high,
    )


def _by_month(lines: list[Line]) -> dict[str, Sums]:
    months: dict[str, Sums] = {}
    for line in lines:
        label = Period.MONTH.label(line.start)
        months[label] = months.get(label, Sums()) + line.sums
    return months


def _lines(outcome: Outcome) -> list[Line]:
    """Return the months of all owners of rows: a liquidation is booked to none of the bots."""
    settings = SqliteSettings(outcome.plan.books)
    database = open_for_reading(settings)
    if database is None:
        raise LedgerUnavailable(f"{settings.path} is gone")
    with closing(database):
        report = read_report(database, outcome.key, Period.MONTH, outcome.end, last_row(database))
    return [line for line in report.lines if line.currency == outcome.currency]


def _month_ends(outcome: Outcome) -> list[tuple[str, int]]:
    """Return (month, result at its last bar); a bar belongs to the month in which it begins."""
    ends: dict[str, int] = {}
    step, at = timedelta(minutes=outcome.plan.bars.minutes), outcome.begin
    for value in outcome.equity:
        ends[f"{at.year:04d}-{at.month:02d}"] = value
        at += step
    return list(ends.items())


def _drawdown(outcome: Outcome) -> tuple[int, datetime | None, datetime | None, int]:
    high, high_at = 0, 0
    fall, fall_from, fall_to, fall_high = 0, 0, 0, 0
    for number, value in enumerate(outcome.equity, start=1):
        if value > high:
            high, high_at = value, number
        elif high - value > fall:
            fall, fall_from, fall_to, fall_high = high - value, high_at, number, high
    if not fall:
        return 0, None, None, outcome.deposit + high
    step = timedelta(minutes=outcome.plan.bars.minutes)
    begin = outcome.begin
    return fall, begin + fall_from * step, begin + fall_to * step, outcome.deposit + fall_high
