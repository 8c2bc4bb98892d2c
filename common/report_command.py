"""`--report`: results by period as a table on standard output, or as a CSV file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from common.domain.reports import Line, Period, Report, Sums
from common.errors import ConfigurationError
from common.exports import result_sheet, write_sheet
from common.ledger.database import DatabaseSettings
from common.ledger.reports import accounts, last_row, open_for_reading, read_report
from common.ledger.rows import major_text
from common.redaction import clean

HEADER = (
    *("PERIOD", "EMI", "SYMBOL", "CATEGORY", "CURRENCY"),
    *("TRADES", "VOLUME", "SUMREAL", "COMMISS", "FUNDING", "NET", "POS"),
)
LONGEST_LINE = 500  # characters
_WORDS = 5  # columns of words; numbers follow, aligned at their last digit
NOTE = (
    "NET = SUMREAL - COMMISS - FUNDING; open positions are not valued. VOLUME and POS (at the end "
    "of the period) are contracts, times UTC."
)


def run_report(
    settings: DatabaseSettings,
    period: Period,
    csv_file: Path | None,
    now: datetime,
    write: Callable[[str], None] | None = None,
) -> None:
    """Report every account of the books. ConfigurationError, LedgerUnavailable.

    `write` takes the lines of the table; by default standard output, as far as it is read.
    """
    reports = read_reports(settings, period, now)
    lines = list(_page(reports)) if csv_file is None else [_write_csv(reports, csv_file)]
    try:
        for line in lines:
            (write or _print)(line)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def read_reports(settings: DatabaseSettings, period: Period, now: datetime) -> list[Report]:
    """Read the books, all accounts as of the same row; none where there are no books yet."""
    database = open_for_reading(settings)
    if database is None:
        return []
    with closing(database):
        up_to = last_row(database)
        return [read_report(database, key, period, now, up_to) for key in accounts(database)]


def _write_csv(reports: Sequence[Report], path: Path) -> str:
    """Write the file under another name first, so that what was there stays until it is whole."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        write_sheet(result_sheet("results", reports), unfinished)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(
            f"{path} cannot be written ({reason}); name another file: --csv FILE"
        ) from error
    return f"{sum(len(report.lines) for report in reports)} lines were written to {path}"


def _page(reports: Sequence[Report]) -> Iterator[str]:
    if not any(report.lines for report in reports):
        yield "There is nothing in the books yet."
        return
    for report in reports:
        key = report.key
        yield f"{key.market} {key.network} account {key.account}, by {report.period}"
        yield ""
        yield from _table([HEADER, *_cells(report)])
        yield ""
    yield NOTE


def _cells(report: Report) -> Iterator[Sequence[str]]:
    for line in report.lines:
        yield _line(report.period, line)
    for total in report.totals:
        figures = _money(total.sums, total.scale)
        trades = str(total.sums.trades)
        yield ("ALL", "all bots", "-", "-", total.currency, trades, "-", *figures, "-")


def _line(period: Period, line: Line) -> Sequence[str]:
    return (
        period.label(line.start),
        line.emi,
        line.symbol.ticker,
        line.symbol.category.value,
        line.currency,
        str(line.sums.trades),
        str(line.sums.volume),
        *_money(line.sums, line.scale),
        str(line.position),
    )


def _money(sums: Sums, scale: int) -> tuple[str, ...]:
    amounts = (sums.sum_real, sums.commission, sums.funding, sums.net)
    return tuple(major_text(amount, scale) for amount in amounts)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    for row in rows:
        words = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        numbers = [text.rjust(width) for text, width in zip(row, widths, strict=True)]
        yield "  ".join([*words[:_WORDS], *numbers[_WORDS:]]).rstrip()


def _print(line: str) -> None:
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")  # consoles that cannot show every letter
    print(clean(line, LONGEST_LINE), flush=True)
