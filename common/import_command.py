"""`--import FILE`: books executions of a file and reports what became of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from common.domain.executions import Network
from common.domain.imports import FileRows, ImportResult
from common.ledger.database import DatabaseSettings
from common.ledger.importing import import_executions
from common.redaction import clean

SHOWN = 100  # refused rows that are listed
LONGEST_LINE = 500  # characters
ALL_BOOKED, SOME_REFUSED = 0, 1  # exit codes
PROGRESS_EVERY = 10_000  # rows


def run_import(
    path: Path,
    rows: FileRows,
    settings: DatabaseSettings,
    market: str,
    network: Network,
    scales: Mapping[str, int],
    now: Callable[[], datetime],
    write: Callable[[str], None] = lambda line: print(line, flush=True),
) -> int:
    """Import the `rows` of a file; returns 0 when all are in the books now, 1 when some are not.

    ConfigurationError: nothing could be done, the file or the settings are wrong.
    """
    told = 0

    def progress(result: ImportResult, total: int) -> None:
        nonlocal told
        done = result.booked + result.known
        if not told or done - told >= PROGRESS_EVERY:
            told = max(done, 1)
            write(f"{path.name}: {done:,} of {total:,} rows")

    result = import_executions(settings, market, network, rows, scales, now, progress)
    for place, reason in sorted(result.refused)[:SHOWN]:
        write(clean(f"{path.name}, {place}: refused: {reason}", LONGEST_LINE))
    if len(result.refused) > SHOWN:
        write(f"{path.name}: {len(result.refused) - SHOWN:,} more rows were refused")
    write(
        f"{path.name}: {result.rows:,} rows: {result.booked:,} booked, {result.known:,} known "
        f"already, {result.reports:,} without contracts or money, {len(result.refused):,} refused"
    )
    return SOME_REFUSED if result.refused else ALL_BOOKED
