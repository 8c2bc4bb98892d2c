"""Booking executions that were read from a file: without threads and without an exchange."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from common.domain.books import AccountKey
from common.domain.executions import Executed, ExecutionKind, Network
from common.domain.imports import FileRow, FileRows, ImportResult, Place
from common.engine.items import Booked, LedgerOpened
from common.errors import ConfigurationError
from common.ledger import jobs
from common.ledger.clerk import Clerk
from common.ledger.connecting import open_database
from common.ledger.database import Database, DatabaseSettings
from common.ledger.migration import migrate
from common.ledger.tenure import Tenure, TenureLost

PAGE = 10_000  # executions a commit
SWITCH_INTERVAL = 0.0005  # seconds


@contextmanager
def _fast() -> Iterator[None]:
    """Set the interpreter up for millions of rows.

    It searches for no circular garbage: rows make none, and each search looks at every row in
    memory. The thread that sends rows gets its turn after half of a millisecond, not five: the
    server would have nothing to do meanwhile.
    """
    enabled, interval = gc.isenabled(), sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        if enabled:
            gc.enable()


@_fast()
def import_executions(
    settings: DatabaseSettings,
    market: str,
    network: Network,
    rows: FileRows,
    scales: Mapping[str, int],
    now: Callable[[], datetime],
    progress: Callable[[ImportResult, int], None],
) -> ImportResult:
    """Book the executions of a file, page by page; those that are in the books change nothing.

    `progress` is called after every commit with what came out so far and how many rows there are.
    ConfigurationError: another terminal writes these books. LedgerUnavailable: no database; what
    was reported as booked is durable, and the file may be imported again.
    """
    result = ImportResult()
    total = len(rows)
    progress(result, total)
    with _clerk(settings, scales, now) as (clerk, outcomes, keep):
        accounts: dict[int, _Account] = {}
        for execution, place in _executions(rows, result):
            number = execution.account
            if number not in accounts:
                key = AccountKey(market, network, number)
                accounts[number] = _Account(clerk, outcomes, key, scales, result)
            if accounts[number].add(execution, place):
                progress(result, total)
                keep()
        for account in accounts.values():
            account.flush()
            progress(result, total)
    return result


def _executions(rows: Iterable[FileRow], result: ImportResult) -> Iterator[tuple[Executed, Place]]:
    """Yield what is to be booked; count the others."""
    for row in rows:
        result.rows += 1
        if row.problem:
            result.refused.append((row.place, row.problem))
        elif row.execution is None or row.execution.kind is ExecutionKind.REPORT:
            result.reports += 1
        else:
            yield row.execution, row.place


class _Account:
    """The books of one account, and the page of executions that is to be booked next."""

    def __init__(
        self,
        clerk: Clerk,
        outcomes: list[object],
        key: AccountKey,
        scales: Mapping[str, int],
        result: ImportResult,
    ) -> None:
        """Open the books. ConfigurationError: another terminal writes them."""
        clerk.carry_out(jobs.Open(key, (), dict(scales)))
        opened = next(item for item in outcomes if isinstance(item, LedgerOpened))
        if opened.books.read_only:
            raise ConfigurationError(
                f"Another terminal writes the books of account {key.account}; close it first."
            )
        outcomes.clear()  # what was wrong before is not this file's concern
        self._clerk = clerk
        self._outcomes = outcomes
        self._key = key
        self._result = result
        self._page: list[tuple[Executed, Place]] = []
        self._until: datetime | None = None
        # When the books knew nothing of the page before, they may know nothing of the next.
        self._all_new = True

    def add(self, execution: Executed, place: Place) -> bool:
        """Take the next execution; return whether a page was booked."""
        if self._until is not None and execution.at < self._until:
            raise ValueError(f"execution {execution.exec_id} is older than the one before it")
        self._until = execution.at
        self._page.append((execution, place))
        if len(self._page) < PAGE:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Book what was taken."""
        page, self._page = self._page, []
        known = self._result.known
        if page:
            _book_page(self._clerk, self._outcomes, self._key, page, self._all_new, self._result)
        self._all_new = self._result.known == known


@contextmanager
def _clerk(
    settings: DatabaseSettings, scales: Mapping[str, int], now: Callable[[], datetime]
) -> Iterator[tuple[Clerk, list[object], Callable[[], None]]]:
    """Yield a clerk, the list that its outcomes are put into, and what keeps its locks alive."""
    database = open_database(settings)
    outcomes: list[object] = []
    tenure = Tenure(settings)
    try:
        migrate(database, now(), scales)
        clerk = Clerk(database, {}, outcomes.append, now, tenure)
        yield clerk, outcomes, lambda: _keep(tenure, database)
    except TenureLost as lost:
        raise ConfigurationError(
            f"Another terminal has begun to write the books of account {lost.key.account}. Close "
            "it and import the file again: what is booked already changes nothing."
        ) from None
    finally:
        tenure.release()
        database.close()


def _keep(tenure: Tenure, database: Database) -> None:
    """Keep the locks: a server forgets one of which it has not heard for a minute."""
    for key in tenure.review(database):
        raise TenureLost(key)


def _book_page(
    clerk: Clerk,
    outcomes: list[object],
    key: AccountKey,
    page: Sequence[tuple[Executed, Place]],
    all_new: bool,
    result: ImportResult,
) -> None:
    """Book executions with one commit. `all_new`: so it seems; the journal's key will tell."""
    places = {execution.exec_id: place for execution, place in page}
    # No cursor: the terminal's own catching up knows nothing of the file.
    executions = [execution for execution, _ in page]
    clerk.carry_out(jobs.Book(key, executions, None, all_new=all_new))
    (booked,) = (item for item in outcomes if isinstance(item, Booked))
    outcomes.clear()
    fresh = len({entry.exec_id for entry in booked.entries})
    result.booked += fresh
    result.known += len(page) - fresh - len(booked.problems)
    for problem in booked.problems:
        result.refused.append((_place_of(problem, places), problem))


def _place_of(problem: str, places: Mapping[str, Place]) -> Place:
    """Return where the execution stands that a problem names; line 0: nowhere."""
    words = problem.split(" ", 2)
    if words[0] == "execution" and words[1] in places:
        return places[words[1]]
    named = (place for exec_id, place in places.items() if f"execution {exec_id} " in problem)
    return next(named, Place(0))
