"""Catching up with executions that happened while nobody listened. Pure: no network, no clock.

The exchange filters pages by the time a row was written and sorts them by the time it happened.
Rows of one moment may fill many pages, rows may be written late, and new ones keep arriving. So
the start of the window moves only to a moment that was seen, rows of that moment are asked for
again, and the end is believed only when it was seen twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from common.domain.executions import Executed
from common.engine.requests import FetchHistory, HistoryPage

OVERLAP = timedelta(minutes=10)  # rows are written late by seconds; the journal refuses doubles
BEGINNING = datetime(2000, 1, 1, tzinfo=timezone.utc)  # before any account: everything


class CatchUp:
    """One walk through the trade history, from a start to its present end.

    Use: while `next_request()` is not None, fetch it, `take` the page, and have the ledger book
    the executions with `cursor`.
    """

    def __init__(self, configured: datetime | None, cursor: datetime | None, now: datetime) -> None:
        """`configured` is the date of history.ini, `cursor` the ledger's; both may be missing."""
        earliest = min(at for at in (configured, cursor, now) if at is not None)
        self._start = None if configured is None and cursor is None else earliest
        self.since = BEGINNING if self._start is None else self._start - OVERLAP
        self.cursor: datetime | None = None  # everything up to here has been handed over
        self.done = False
        self.executions = 0  # handed over, each once as far as pages border on each other
        self._offset = 0
        self._signs_of_end = 0  # pages in a row that were not full
        self._border: frozenset[str] = frozenset()  # ids of the last page

    def next_request(self) -> FetchHistory | None:
        """Return what to ask for next, None at the end."""
        return None if self.done else FetchHistory(since=self.since, offset=self._offset)

    def take(self, page: HistoryPage) -> tuple[Executed, ...]:
        """Return the executions of the page that the page before did not have."""
        fresh = tuple(e for e in page.executions if e.exec_id not in self._border)
        self.executions += len(fresh)
        if page.executions:
            self._border = frozenset(e.exec_id for e in page.executions)
            newest = max(e.at for e in page.executions)
            self.cursor = newest if self.cursor is None else max(self.cursor, newest)
        self._move(page)
        return fresh

    @property
    def progress(self) -> str:
        """How far the walk has come, in words."""
        text = f"trade history: {self.executions:,} executions"
        if self.cursor is not None:
            text += f" up to {self.cursor:%Y-%m-%d %H:%M:%S}"
        return text

    def _move(self, page: HistoryPage) -> None:
        self._offset += page.rows
        if not page.full:
            # A short page may be a server's own smaller limit, an empty one a hiccup: the end
            # is believed when an empty page confirms it.
            self._signs_of_end += 1
            self.done = page.rows == 0 and self._signs_of_end > 1
            if self.done and self.cursor is None:
                self.cursor = self._start  # nothing has happened since: go on from here
            return
        self._signs_of_end = 0
        newest = max((e.at for e in page.executions), default=self.since)
        if newest > self.since:
            # Sorted by time: what follows is not older, and nothing is written before it happens.
            self.since, self._offset = newest, 0
