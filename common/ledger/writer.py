"""The ledger thread: one queue, one database connection, outcomes into the engine's inbox."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone

from common.domain.account import WalletChange
from common.domain.books import AccountKey, Intent
from common.domain.bot_form import BotForm
from common.domain.bots import OnStop
from common.domain.executions import Executed
from common.domain.instruments import Currency, Symbol
from common.engine.items import LedgerDown, LedgerUp, WriterLost
from common.engine.ports import Inbox
from common.errors import TmaticError
from common.ledger import jobs
from common.ledger.account_books import AccountBooks
from common.ledger.account_lock import take_lock
from common.ledger.clerk import Clerk
from common.ledger.connecting import open_database
from common.ledger.database import Database, DatabaseSettings
from common.ledger.migration import migrate
from common.ledger.slow_watch import SLOW_SECONDS, SlowWatch
from common.ledger.tenure import TakeLock, Tenure, TenureLost

log = logging.getLogger(__name__)

FIRST_DELAY = 0.5  # seconds between attempts to reach the database, doubled up to
LAST_DELAY = 30.0
IDLE_SECONDS = 5.0  # how often a database with nothing to do is asked whether it is there
GRACE_SECONDS = 2.0  # how long stop() goes on with a database that is down
STOP_SECONDS = 2.5  # from finish() on; then a server that hangs is left to itself
EXECUTIONS_A_COMMIT = 1000


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class LedgerWriter:
    """Satisfies the `Ledger` port. Jobs are carried out in order, and again after a break.

    Nothing that was handed over is dropped while the process lives; what is lost with the process
    is fetched again from the exchange's history, because the cursor is in the same transaction.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        now: Callable[[], datetime] = _utc_now,
        connect: Callable[[DatabaseSettings], Database] = open_database,
        first_delay: float = FIRST_DELAY,
        slow_seconds: float = SLOW_SECONDS,
        scales: Mapping[str, int] | None = None,  # of currencies in rows that are taken over
        take: TakeLock = take_lock,
    ) -> None:
        self._settings = settings
        self._now = now
        self._connect = connect
        self._first_delay = first_delay
        self._scales = scales
        self._queue: queue.SimpleQueue[jobs.Job] = queue.SimpleQueue()
        self._pending: deque[jobs.Job] = deque()  # taken from the queue, not carried out yet
        self._accounts: dict[AccountKey, AccountBooks] = {}
        self._tenure = Tenure(settings, take)
        self._reviewed_at = 0.0  # monotonic seconds
        self._stopping = threading.Event()
        self._finish_by = 0.0  # monotonic seconds
        self._thread: threading.Thread | None = None
        self._inbox: Inbox | None = None
        self._database: Database | None = None
        self._clerk: Clerk | None = None
        self._down = False
        self._telling = threading.Lock()  # of down and up, which two threads tell
        self._watch = SlowWatch(self._announce_slow, slow_seconds)
        self._give_up = False

    # ---- the port: any thread -----------------------------------------------------------------

    def start(self, inbox: Inbox) -> None:
        """Start the thread. Called once."""
        self._inbox = inbox
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()
        self._watch.start()

    def open(
        self, key: AccountKey, symbols: Sequence[Symbol], currencies: Sequence[Currency]
    ) -> None:
        """Load robots and balances of an account -> LedgerOpened."""
        scales = {currency.code: currency.scale for currency in currencies}
        self._queue.put(jobs.Open(key, tuple(symbols), scales))

    def book(
        self, key: AccountKey, executions: Sequence[Executed], cursor: datetime | None
    ) -> None:
        """Write executions, each once, and the cursor with them -> Booked."""
        self._queue.put(jobs.Book(key, tuple(executions), cursor))

    def reserve_numbers(self, market: str, count: int) -> None:
        """Take a block of clOrdID numbers -> NumbersReserved."""
        self._queue.put(jobs.ReserveNumbers(market, count))

    def write_intent(self, key: AccountKey, intent: Intent) -> None:
        """Make an order request durable -> IntentWritten."""
        self._queue.put(jobs.WriteIntent(key, intent))

    def settle_intent(
        self, key: AccountKey, cl_ord_id: str, outcome: str, order_id: str, verb: str = "POST"
    ) -> None:
        """Record what became of an intent: ACCEPTED, REFUSED or NOT_PLACED."""
        self._queue.put(jobs.SettleIntent(key, cl_ord_id, outcome, order_id, verb))

    def save_status(self, market: str, emi: str, work: bool) -> None:
        """Keep WORK/OFF of a bot over restarts."""
        self._queue.put(jobs.SaveStatus(market, emi, work))

    def save_policy(self, market: str, emi: str, on_stop: OnStop) -> None:
        """Keep what becomes of a bot's orders when it is stopped."""
        self._queue.put(jobs.SavePolicy(market, emi, on_stop))

    def save_bot(self, market: str, form: BotForm, new: bool, event: int) -> None:
        """Write what a person says of a bot -> BotSaved."""
        self._queue.put(jobs.SaveBot(market, form, new, event))

    def delete_bot(self, market: str, emi: str, event: int) -> None:
        """Take a bot out of the settings -> BotDeleted."""
        self._queue.put(jobs.DeleteBot(market, emi, event))

    def read(self, key: AccountKey, since: datetime, token: int, every_row: bool) -> None:
        """Read the tables for a comparison with the exchange -> LedgerRead."""
        self._queue.put(jobs.Read(key, since, token, every_row))

    def keep_wallet(self, key: AccountKey, changes: Sequence[WalletChange]) -> None:
        """Keep transactions of the wallet whose type nobody knows."""
        self._queue.put(jobs.KeepWallet(key, tuple(changes)))

    def finish(self) -> None:
        """Carry out the queued jobs, close the database and end; nothing more is asked for."""
        if not self._stopping.is_set():
            self._queue.put(jobs.Stop())
            self._finish_by = time.monotonic() + STOP_SECONDS
            self._stopping.set()

    def stop(self) -> None:
        """Finish and wait until the thread has ended."""
        self._watch.stop()
        self.finish()
        if self._thread is not None:
            self._thread.join(max(0.0, self._finish_by - time.monotonic()))
            if self._thread.is_alive():
                log.error(
                    "the database does not answer; the ledger ends unfinished: executions and"
                    " outcomes of orders that it has not written are fetched by the next start"
                )
            self._thread = None

    # ---- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        delay = 0.0
        while True:
            try:
                if self._work():
                    break
                delay = 0.0
            except TenureLost as lost:
                self._lose(lost.key)
            except Exception as error:  # noqa: BLE001 - top of the thread: blocks trading, repeats
                # The first failure is met with a new connection at once; a server that merely
                # closed an idle connection is nobody's concern.
                self._disconnect()
                if delay:
                    self._announce_down(error)
                else:
                    log.info("the ledger connects anew: %s", error)
                if self._wait(delay):
                    break
                delay = min(max(self._first_delay, 2 * delay), LAST_DELAY)
        self._disconnect()
        self._tenure.release()
        self._drain()
        left = sum(1 for job in self._pending if not isinstance(job, jobs.Stop))
        if left:
            log.error("the database stayed down: %d jobs of the ledger were not carried out", left)

    def _work(self) -> bool:
        """Do what is due on a working connection; return whether the thread is to end."""
        clerk = self._clerk or self._connected()
        self._review()
        self._fetch()
        if not self._pending:
            if self._database is not None:
                self._database.ping()
            return False
        job = self._pending[0]
        if isinstance(job, jobs.Stop):
            return True
        if not isinstance(job, (jobs.Open, jobs.Read)):  # these may take long, nobody waits
            self._watch.begin()
        if isinstance(job, jobs.Book):
            group = self._group(job)
            clerk.book(group)
            done = len(group)
        else:
            clerk.carry_out(job)
            done = 1
        for _ in range(done):
            self._pending.popleft()
        self._watch.end()
        self._announce_up()
        return False

    def _fetch(self) -> None:
        """Take what the queue has; wait for it only when nothing is pending."""
        if not self._pending:
            try:
                self._pending.append(self._queue.get(timeout=IDLE_SECONDS))
            except queue.Empty:
                return
        self._drain()

    def _drain(self) -> None:
        while not self._queue.empty():
            self._pending.append(self._queue.get())

    def _group(self, first: jobs.Book) -> list[jobs.Book]:
        """Return the bookings of one account that follow each other, up to a commit's worth."""
        group: list[jobs.Book] = []
        size = 0
        for job in self._pending:
            if not isinstance(job, jobs.Book) or job.key != first.key:
                break
            size += len(job.executions)
            if group and size > EXECUTIONS_A_COMMIT:
                break
            group.append(job)
        return group

    def _connected(self) -> Clerk:
        self._database = self._connect(self._settings)
        migrate(self._database, self._now(), self._scales)
        self._clerk = Clerk(self._database, self._accounts, self._put, self._now, self._tenure)
        self._reviewed_at = 0.0  # the lock may be gone with the connection
        self._drain()
        if not self._pending:  # else the first job that succeeds shows that writing works too
            self._announce_up()
        return self._clerk

    def _review(self) -> None:
        """Look after the locks every few seconds."""
        if self._database is None or time.monotonic() - self._reviewed_at < IDLE_SECONDS:
            return
        self._reviewed_at = time.monotonic()
        for key in self._tenure.review(self._database):
            self._lose(key)

    def _lose(self, key: AccountKey) -> None:
        """Drop what was to be written of an account: the terminal that has it now writes it."""
        self._tenure.give_up(key)
        self._accounts.pop(key, None)
        of_writers = (jobs.Book, jobs.WriteIntent, jobs.SettleIntent, jobs.KeepWallet)
        self._pending = deque(
            job for job in self._pending if not isinstance(job, of_writers) or job.key != key
        )
        self._put(WriterLost(key))

    def _disconnect(self) -> None:
        if self._database is not None:
            self._database.close()  # an open transaction is undone with it
        self._database = self._clerk = None

    def _wait(self, delay: float) -> bool:
        """Wait before the next attempt; return whether the thread is to give up and end."""
        if not self._stopping.is_set():
            self._stopping.wait(delay)
            return False
        if self._give_up or not delay:
            return self._give_up
        self._give_up = True  # one last attempt
        threading.Event().wait(min(delay, GRACE_SECONDS))
        return False

    def _announce_slow(self) -> None:
        """Runs on the watch's thread: this one waits for the database."""
        with self._telling:
            if self._down:
                return
            self._down = True
            text = f"The database has not answered for {SLOW_SECONDS:.0f} s; waiting for it."
            log.error("the ledger is slow: %s", text)
            self._put(LedgerDown(text))

    def _announce_down(self, error: Exception) -> None:
        with self._telling:
            known, self._down = self._down, True
        if known:
            return
        if isinstance(error, TmaticError):
            reason = str(error)
            log.error("the ledger is down: %s", reason)
        else:
            reason = f"The ledger met an error of its own ({error!r}); the log has the details."
            log.error("the ledger failed", exc_info=error)
        self._put(LedgerDown(reason))

    def _announce_up(self) -> None:
        with self._telling:
            if not self._down:
                return
            self._down = False
            log.info("the ledger works again")
            self._put(LedgerUp())

    def _put(self, item: object) -> None:
        if self._inbox is not None:
            self._inbox.put(item)
