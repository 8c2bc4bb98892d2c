"""The thread that reads the books for reports and writes exports; the ledger never waits for it."""

from __future__ import annotations

import logging
import queue
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from common.domain.books import AccountKey, Entry
from common.domain.bot_story import BotKey
from common.domain.reports import Period
from common.engine.items import Exported, ReportFailed, ReportReady, StoryReady
from common.engine.ports import Inbox
from common.engine.snapshot import Snapshot
from common.errors import LedgerUnavailable, TmaticError
from common.exports import (
    funding_sheet,
    result_sheet,
    table_sheet,
    trade_sheet,
    window_sheets,
    write_sheet,
)
from common.ledger.bot_rows import StoryReader
from common.ledger.database import Database, DatabaseSettings
from common.ledger.reports import last_row, open_for_reading, read_entries, read_report
from common.ledger.table_reader import ledger_tables, one_moment, read_table

STOP_SECONDS = 2.0  # then a long reading is left to itself

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Read:
    keys: tuple[AccountKey, ...]
    period: Period


@dataclass(frozen=True, slots=True)
class _Export:
    snapshot: Snapshot
    keys: tuple[AccountKey, ...]


_Job = _Read | _Export | BotKey


class ReportThread:
    """Satisfies the `Reports` port. Each job has a database connection of its own."""

    def __init__(
        self, settings: DatabaseSettings, folder: Path, now: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._folder = folder  # of the exports, one folder in it for each
        self._now = now
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stories = StoryReader()

    def start(self, inbox: Inbox) -> None:
        """Start the thread. Called once."""
        self._thread = threading.Thread(
            target=self._run, args=(inbox,), name="reports", daemon=True
        )
        self._thread.start()

    def read(self, keys: Sequence[AccountKey], period: Period) -> None:
        """Sum the books of these accounts by period -> ReportReady or ReportFailed."""
        self._queue.put(_Read(tuple(keys), period))

    def tell(self, key: BotKey) -> None:
        """Read the rows of a bot -> StoryReady or ReportFailed."""
        self._queue.put(key)

    def export(self, snapshot: Snapshot, keys: Sequence[AccountKey]) -> None:
        """Write what a snapshot shows, and the books, as CSV files -> Exported or ReportFailed."""
        self._queue.put(_Export(snapshot, tuple(keys)))

    def stop(self) -> None:
        """End the thread; a reading that takes longer ends with the process."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
            self._thread = None

    def _run(self, inbox: Inbox) -> None:
        while (job := self._queue.get()) is not None:
            what = _name(job)
            try:
                inbox.put(self._do(job))
            except (TmaticError, OSError) as error:
                inbox.put(ReportFailed(f"{what} could not be made: {error}"))
            except Exception as error:  # the top of the thread: told and logged
                log.exception("%s failed", what)
                inbox.put(ReportFailed(f"{what} could not be made: {error!r}; the log has more"))

    def _do(self, job: _Job) -> ReportReady | StoryReady | Exported:
        if isinstance(job, _Read):
            return self._report(job)
        if isinstance(job, _Export):
            return self._write(job)
        with self._connected() as database:
            return StoryReady(self._stories.read(database, job, self._now()))

    def _report(self, job: _Read) -> ReportReady:
        with self._connected() as database:
            at, up_to = self._now(), last_row(database)
            return ReportReady(
                tuple(read_report(database, key, job.period, at, up_to) for key in job.keys)
            )

    def _write(self, job: _Export) -> Exported:
        """Write all files into a folder that gets its name when it is complete."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = _free(self._folder / f"{self._now():%Y-%m-%d_%H%M%S}")
        unfinished = folder.with_name(folder.name + ".unfinished")
        unfinished.mkdir(mode=0o700)
        try:
            with self._connected() as database, one_moment(database):
                files = _write_all(database, job, self._now(), unfinished)
            unfinished.rename(folder)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        return Exported(str(folder), files)

    @contextmanager
    def _connected(self) -> Iterator[Database]:
        database = open_for_reading(self._settings)
        if database is None:
            raise LedgerUnavailable("there are no books yet")
        try:
            yield database
        finally:
            database.close()


def _name(job: _Job) -> str:
    if isinstance(job, BotKey):
        return f"the results of {job.emi}"
    return "the results" if isinstance(job, _Read) else "the export"


def _write_all(database: Database, job: _Export, now: datetime, folder: Path) -> int:
    up_to = last_row(database)
    sheets = window_sheets(job.snapshot)
    sheets.append(trade_sheet(_entries(database, job, up_to)))
    sheets.append(funding_sheet(_entries(database, job, up_to)))
    for period in Period:
        read = partial(read_report, database, period=period, at=now, up_to=up_to)
        sheets.append(result_sheet(f"results-{period}", map(read, job.keys)))
    sheets += [table_sheet(t, read_table(database, t, job.keys)) for t in ledger_tables()]
    for sheet in sheets:
        write_sheet(sheet, folder / f"{sheet.name}.csv")
    return len(sheets)


def _entries(database: Database, job: _Export, up_to: int) -> Iterator[tuple[AccountKey, Entry]]:
    return ((key, entry) for key in job.keys for entry in read_entries(database, key, up_to))


def _free(folder: Path) -> Path:
    """Return the name, or the first of name-2, name-3, ... that nobody has taken."""
    names = (folder.with_name(f"{folder.name}-{n}") for n in range(2, 1000))
    taken = (folder, folder.with_name(folder.name + ".unfinished"))
    return next(n for n in names if not n.exists()) if any(p.exists() for p in taken) else folder
