"""Carries out the jobs of the ledger thread on one connection, each in its transaction.

A job may be carried out again after a break of unknown outcome: every method is written so that
the second time changes nothing that the first time has done.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TypeVar

from common.domain.books import AccountKey, Balance, Books, Entry
from common.domain.executions import Executed
from common.domain.instruments import Symbol
from common.engine.bot_items import BotDeleted, BotSaved
from common.engine.items import Booked, IntentWritten, LedgerOpened, LedgerRead, NumbersReserved
from common.errors import ConfigurationError
from common.ledger import jobs, wallet_rows
from common.ledger.account_books import AccountBooks, Batch, write
from common.ledger.audit import summary
from common.ledger.booking import RowRefused
from common.ledger.database import Database, DataRefused, DuplicateKey, LockConflict, transaction
from common.ledger.reader import read_books
from common.ledger.robots_table import delete_bot, read_robots, save_bot
from common.ledger.store import Store
from common.ledger.sums import keep_sums, read_sums
from common.ledger.tenure import Tenure

RECENT_ROWS = 200  # trades and funding payments that the screen starts with
LOCK_RETRIES = 5
KEEP_AFTER = 50_000  # rows written
Put = Callable[[object], None]
Result = TypeVar("Result")
Outcome = tuple[jobs.Book, list[Entry], set[str], list[str]]  # entries, known ids, problems


class Clerk:
    """The connection at work. `accounts` outlives it: the books in memory, by account."""

    def __init__(
        self,
        database: Database,
        accounts: dict[AccountKey, AccountBooks],
        put: Put,
        now: Callable[[], datetime],
        tenure: Tenure | None = None,  # None: nobody else can write to this database
        *,
        draw: Callable[[int], int] = secrets.randbelow,  # for order numbers
    ) -> None:
        self._database = database
        self._store = Store(database)
        self._accounts = accounts
        self._put = put
        self._now = now
        self._tenure = tenure
        self._draw = draw
        self._numbered: set[str] = set()  # markets that have had numbers of this connection
        # A commit whose outcome was unknown may have changed the tables after all.
        for books in accounts.values():
            books.load(self._store)

    def carry_out(self, job: jobs.Job) -> None:
        """Carry out one job. LedgerUnavailable: nothing is certain, connect anew and repeat."""
        if isinstance(job, jobs.Open):
            self._open(job)
        elif isinstance(job, jobs.Book):
            self.book([job])
        elif isinstance(job, jobs.ReserveNumbers):
            self._reserve_numbers(job)
        elif isinstance(job, jobs.WriteIntent):
            self._write_intent(job)
        elif isinstance(job, jobs.SettleIntent):
            with self._transaction(job.key):
                self._store.settle_intent(
                    job.key, job.cl_ord_id, job.outcome, job.order_id, job.verb, self._now()
                )
        elif isinstance(job, jobs.KeepWallet):
            with self._transaction(job.key):
                wallet_rows.keep(self._database, job.key, job.changes)
        elif isinstance(job, jobs.Read):
            with self._transaction():
                books = read_books(self._database, job.key, job.since, job.every_row)
            self._put(LedgerRead(job.key, job.token, books))
        elif isinstance(job, jobs.SavePolicy):
            with self._transaction():
                self._store.save_policy(job.market, job.emi, job.on_stop)
        elif isinstance(job, jobs.SaveBot):
            self._save_bot(job)
        elif isinstance(job, jobs.DeleteBot):
            with self._transaction():
                delete_bot(self._database, job.market, job.emi)
            self._claim(job.market, job.emi, None)
            self._put(BotDeleted(job.market, job.emi, job.event))
        elif isinstance(job, jobs.SaveStatus):
            with self._transaction():
                self._store.save_status(job.market, job.emi, job.work)

    def book(self, batch: Sequence[jobs.Book]) -> None:
        """Book jobs of one account with one commit, or row by row where a row is refused."""
        key = batch[0].key
        if key not in self._accounts:
            problem = f"the books of account {key.account} on {key.market} ({key.network}) are shut"
            for job in batch:
                self._tell(job, (), 0, (problem,))
            return
        self._keep_sums(key)  # not after it: what fails then would have the job told twice
        try:
            self._retried(partial(self._book_together, batch))
        except DataRefused:
            for job in batch:
                self._book_one_by_one(job)

    def _keep_sums(self, key: AccountKey) -> None:
        """Keep the sums of many new rows, so that the next start need not add them up."""
        books = self._accounts.get(key)
        if books is not None and books.fresh_rows >= KEEP_AFTER:
            with self._transaction(key):
                keep_sums(self._database, key, read_sums(self._database, key))
            books.fresh_rows = 0

    def balances(self, key: AccountKey) -> tuple[Balance, ...]:
        """Return the sums in memory of an open account."""
        return tuple(self._accounts[key].balances.values())

    # ---- executions -------------------------------------------------------------------------

    def _book_together(self, group: Sequence[jobs.Book]) -> None:
        books = self._accounts[group[0].key]
        executions = [execution for job in group for execution in job.executions]
        outcomes: list[Outcome] = []
        all_new = all(job.all_new for job in group)
        for job in group:
            job.all_new = False  # if this try fails, the next one asks
        with self._transaction(books.key):
            batch = Batch(self._store, books, executions, ask_journal=not all_new)
            for job in group:
                entries, known, problems = write(self._store, batch, job.executions)
                outcomes.append((job, entries, known, problems))
            batch.flush()
            for job in group:
                self._advance(job)
            before = self._entries_in_doubt(outcomes)
            _doubt(outcomes, batch)
        self._accounts[books.key] = batch.books
        for (job, entries, known, problems), old in zip(outcomes, before, strict=True):
            self._tell(job, old + entries, len(known), problems)

    def _book_one_by_one(self, job: jobs.Book) -> None:
        """Book each execution in a transaction of its own; what is refused goes to quarantine."""
        told: list[Entry] = []
        problems: list[str] = []
        known_count = 0
        for execution in job.executions:
            entries, known, more = self._retried(partial(self._book_single, job, execution))
            told += entries
            known_count += known
            problems += more
        with self._transaction(job.key):
            self._advance(job)
        self._tell(job, told, known_count, problems)

    def _book_single(
        self, job: jobs.Book, execution: Executed
    ) -> tuple[list[Entry], int, list[str]]:
        books = self._accounts[job.key]
        try:
            with self._transaction(books.key):
                batch = Batch(self._store, books, [execution])
                entries, known, problems = write(self._store, batch, [execution])
                batch.flush()
                old = self._entries_in_doubt([(job, entries, known, problems)])[0]
                _doubt([(job, entries, known, problems)], batch)
        except DataRefused as refusal:
            with self._transaction(books.key):
                batch = Batch(self._store, books, [])
                problem = batch.refuse(execution, f"the database refuses it: {refusal}")
            self._accounts[books.key] = batch.books
            return [], 0, [problem]
        self._accounts[books.key] = batch.books
        return old + entries, len(known), problems

    def _entries_in_doubt(self, outcomes: Sequence[Outcome]) -> list[list[Entry]]:
        """Return the rows, per job, that an earlier try has made durable without telling."""
        told: list[list[Entry]] = []
        for job, _, known, _ in outcomes:
            doubted = sorted(known & job.in_doubt.keys())
            entries = self._store.entries_of(job.key, [i for i in doubted if not job.in_doubt[i]])
            told.append(entries + [entry for i in doubted for entry in job.in_doubt[i]])
        return told

    def _advance(self, job: jobs.Book) -> None:
        if job.cursor is not None:
            self._store.advance_cursor(job.key, job.cursor)

    def _tell(
        self, job: jobs.Book, entries: Sequence[Entry], known: int, problems: Sequence[str]
    ) -> None:
        self._put(
            Booked(
                key=job.key,
                entries=tuple(entries),
                exec_ids=frozenset(e.exec_id for e in job.executions),
                known=known,
                problems=tuple(problems),
                moves_on=job.cursor is not None,
            )
        )

    # ---- the other jobs ---------------------------------------------------------------------

    def _open(self, job: jobs.Open) -> None:
        key = job.key
        books = AccountBooks(key, claims={}, scales=job.scales)
        writes = self._tenure is None or self._tenure.take(self._database, key)
        with self._transaction(key if writes else None):
            if writes:
                self._store.adopt(key)
            sums = books.load(self._store)
            if writes:
                keep_sums(self._database, key, sums)
            balances = list(books.balances.values())
            statuses = self._store.statuses(key.market)
            rows = self._store.robot_rows(key.market)
            robots, claims, warnings = read_robots(rows, statuses, balances)
            books.claims = claims
            unclassified = self._store.unclassified(key) if writes else []
            books.unclassified = {each.exec_id for each in unclassified}
            quarantined = self._store.quarantined(key) if writes else []
            said = wallet_rows.kinds_said(self._database, key.market)
            opened = Books(
                key=key,
                robots=tuple(robots),
                balances=tuple(books.copy().balances.values()),
                statuses=statuses,
                open_intents=tuple(self._store.open_intents(key)),
                cursor=self._store.cursor(key),
                recent_trades=tuple(self._store.recent_trades(key, RECENT_ROWS)),
                recent_funding=tuple(self._store.recent_funding(key, RECENT_ROWS)),
                warnings=(*warnings, *summary(self._database)),
                policies=self._store.policies(key.market),
                holes=tuple(sums.holes),
                read_only=not writes,
                waiting=(*quarantined, *unclassified),
                strangers=self._store.strangers(key),
                wallet_unknown=bool(wallet_rows.types_waiting(self._database, key, said)),
            )
        if writes:
            self._accounts[key] = books
        else:
            self._accounts.pop(key, None)
        self._put(LedgerOpened(opened))

    def _save_bot(self, job: jobs.SaveBot) -> None:
        """Write a bot; its fills are its own from the next execution on."""
        try:
            with self._transaction():
                robot = save_bot(self._database, job.market, job.form, job.new)
        except (ConfigurationError, DataRefused) as error:
            self._put(BotSaved(job.market, None, job.form, job.event, str(error)))
            return
        self._claim(job.market, robot.emi, robot.symbol)
        self._put(BotSaved(job.market, robot, job.form, job.event))

    def _claim(self, market: str, emi: str, symbol: Symbol | None) -> None:
        for key, books in self._accounts.items():
            if key.market == market:
                others = {name: own for name, own in books.claims.items() if name != emi}
                books.claims = others if symbol is None else {**others, emi: symbol}

    def _reserve_numbers(self, job: jobs.ReserveNumbers) -> None:
        def reserve() -> int:
            with self._transaction():
                return self._store.reserve_numbers(
                    job.market, job.count, self._draw, at_start=job.market not in self._numbered
                )

        first = self._retried(reserve)
        self._numbered.add(job.market)
        self._put(NumbersReserved(job.market, first, job.count))

    def _write_intent(self, job: jobs.WriteIntent) -> None:
        """Write an intent once. A number that was posted before must never be posted again."""
        try:
            with self._transaction(job.key):
                posted = job.intent.verb == "POST" and self._store.posted_before(
                    job.key, job.intent.cl_ord_id
                )
                if not posted:
                    self._store.insert_intent(job.key, job.intent, self._now())
                repeated, job.tried = job.tried, True
        except RowRefused as refusal:
            self._put(Booked(job.key, (), frozenset(), 0, (str(refusal),)))
            return
        if posted and not repeated:
            problem = f"order {job.intent.cl_ord_id} was to be placed a second time; it is not sent"
            self._put(Booked(job.key, (), frozenset(), 0, (problem,)))
            return
        self._put(IntentWritten(job.key, job.intent))

    # ---- transactions -----------------------------------------------------------------------

    @contextmanager
    def _transaction(self, key: AccountKey | None = None) -> Iterator[None]:
        """Commit at the end. `key`: whose books are written; TenureLost if they are another's."""
        with transaction(self._database):
            if key is not None and self._tenure is not None:
                self._tenure.check(self._database, key)
            yield

    def _retried(self, action: Callable[[], Result]) -> Result:
        """Repeat a transaction that lost against another one; it was rolled back whole."""
        for _ in range(LOCK_RETRIES):
            try:
                return action()
            except (LockConflict, DuplicateKey):
                continue  # what the other one has committed is known the next time
        return action()


def _doubt(outcomes: Sequence[Outcome], batch: Batch) -> None:
    """Remember, before the commit, which executions it may make durable.

    Not those that were known: somebody has been told of them already.
    """
    for job, _, known, _ in outcomes:
        for execution in job.executions:
            if execution.exec_id not in known:
                news = batch.restored.get(execution.exec_id, ())
                job.in_doubt[execution.exec_id] = news
