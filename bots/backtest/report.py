"""The report of a back-test as text and as CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from bots.backtest.figures import Figures
from bots.backtest.run import Outcome
from common.domain.reports import Sums
from common.domain.robots import Status
from common.ledger.rows import major_text

MONTHS = (
    *("MONTH", "TRADES", "VOLUME", "SUMREAL", "COMMISS", "FUNDING", "NET"),
    *("POS", "RESULT", "RETURN %"),
)
NOTICES_SHOWN = 20
POINTS = 5000  # of the curve in its CSV file


def text_lines(outcome: Outcome, figures: Figures) -> Iterator[str]:
    """Yield the lines of the report."""
    robot, scale = outcome.plan.robot, outcome.scale

    def money(amount: int) -> str:
        return f"{major_text(amount, scale)} {outcome.major}"

    yield (
        f"Back-test of {robot.emi}: {robot.symbol} every {robot.timeframe} min, CAPITAL "
        f"{robot.capital} lots"
    )
    yield f"{outcome.begin:%Y-%m-%d %H:%M} to {outcome.end:%Y-%m-%d %H:%M} UTC, {_bars(outcome)}"
    yield ""
    yield f"deposit      {money(outcome.deposit)}"
    yield f"result       {money(figures.result)}  ({percent(figures.result, outcome.deposit)})"
    yield (
        f"drawdown     {money(figures.drawdown)}  ({percent(figures.drawdown, figures.high)})"
        f"{_span(figures)}"
    )
    yield f"trades       {figures.sums.trades} of {figures.sums.volume} contracts in all"
    yield f"fees         {money(figures.sums.commission)}  (paid > 0)"
    yield f"funding      {money(figures.sums.funding)}  (paid > 0)"
    yield f"position     {outcome.position} contracts at the end"
    yield ""
    yield from _table([MONTHS, *month_rows(outcome, figures)])
    yield ""
    yield (
        "SUMREAL, COMMISS, FUNDING and NET = SUMREAL - COMMISS - FUNDING are sums of the rows of "
        "books.db; RESULT is the change of NET with the open position valued at bid or ask."
    )
    yield verdict(outcome)
    yield from _remarks(outcome)


def month_rows(outcome: Outcome, figures: Figures) -> Iterator[Sequence[str]]:
    """Yield the cells of each month, then those of the whole."""
    for month in figures.months:
        yield _row(outcome, month.label, month.sums, month.position, month.result)
    yield _row(outcome, "ALL", figures.sums, outcome.position, figures.result)


def verdict(outcome: Outcome) -> str:
    """Return how the comparison of books and exchange ended."""
    verification = outcome.verification
    if verification.differences:
        return f"BOOKS DIFFER: {verification.differences[0].text}"
    if not verification.finished or verification.problem:
        return f"BOOKS NOT VERIFIED: {verification.problem or 'no comparison came to an end'}"
    return f"books verified: {verification.executions} executions, 0 differences"


def percent(part: int, whole: int) -> str:
    """Return a share as text; nothing is a share of nothing."""
    return f"{100 * part / whole:.2f} %" if whole > 0 else "-"


def write_months(path: Path, outcome: Outcome, figures: Figures) -> None:
    """Write the months as CSV. OSError."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(MONTHS)
        rows.writerows(month_rows(outcome, figures))


def write_curve(path: Path, outcome: Outcome) -> None:
    """Write deposit and result over time as CSV, at most POINTS lines. OSError."""
    step = max(1, -(-len(outcome.equity) // POINTS))
    length = timedelta(minutes=outcome.plan.bars.minutes)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("TIME", "EQUITY", "CURRENCY"))
        last = len(outcome.equity) - 1
        for index, value in enumerate(outcome.equity):
            if index % step == 0 or index == last:
                at = outcome.begin + (index + 1) * length
                equity = major_text(outcome.deposit + value, outcome.scale)
                rows.writerow((f"{at:%Y-%m-%dT%H:%M:%SZ}", equity, outcome.major))


def _row(outcome: Outcome, label: str, sums: Sums, position: int, result: int) -> Sequence[str]:
    amounts = (sums.sum_real, sums.commission, sums.funding, sums.net)
    return (
        label,
        str(sums.trades),
        str(sums.volume),
        *(major_text(amount, outcome.scale) for amount in amounts),
        str(position),
        major_text(result, outcome.scale),
        percent(result, outcome.deposit).removesuffix(" %"),
    )


def _bars(outcome: Outcome) -> str:
    minutes = outcome.plan.bars.minutes
    speed = outcome.bars / outcome.seconds if outcome.seconds else 0.0
    early = "; STOPPED EARLY" if outcome.stopped else ""
    return (
        f"{outcome.bars} bars of {minutes} min in {outcome.seconds:.1f} s ({speed:,.0f}/s){early}"
    )


def _span(figures: Figures) -> str:
    if figures.drawdown_from is None or figures.drawdown_to is None:
        return ""
    return f" from {figures.drawdown_from:%Y-%m-%d %H:%M} to {figures.drawdown_to:%Y-%m-%d %H:%M}"


def _remarks(outcome: Outcome) -> Iterator[str]:
    if outcome.status is not Status.WORK:
        yield f"At the end the bot was {outcome.status}: it was not called any more."
    if outcome.notices:
        yield ""
        yield f"{len(outcome.notices)} warnings; the first:"
        for notice in outcome.notices[:NOTICES_SHOWN]:
            yield f"  {notice.at:%Y-%m-%d %H:%M:%S} {notice.text}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(MONTHS))]
    for row in rows:
        cells = [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *cells])
