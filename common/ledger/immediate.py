"""The ledger on the caller's thread: each job is done when its method returns. For back-tests.

The clerk, its statements and its checks are those of the ledger thread. Only durability differs:
many jobs share one commit, for nothing is lost that cannot be computed again. A job that fails
is undone alone (by a savepoint), and an error ends the run instead of being tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from common.domain.account import WalletChange
from common.domain.books import AccountKey, Intent
from common.domain.bot_form import BotForm
from common.domain.bots import OnStop
from common.domain.executions import Executed
from common.domain.instruments import Currency, Symbol
from common.engine.ports import Inbox
from common.ledger import jobs
from common.ledger.account_books import AccountBooks
from common.ledger.clerk import Clerk
from common.ledger.migration import migrate
from common.ledger.shared_commit import SharedCommit
from common.settings_types import SqliteSettings


class ImmediateLedger:
    """Satisfies the `Ledger` port for books that nobody else writes."""

    def __init__(self, settings: SqliteSettings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._accounts: dict[AccountKey, AccountBooks] = {}
        self._database: SharedCommit | None = None
        self._clerk: Clerk | None = None

    def start(self, inbox: Inbox) -> None:
        """Open the file and create the tables. LedgerUnavailable."""
        self._database = SharedCommit(self._settings.path)
        migrate(self._database, self._now())
        self._clerk = Clerk(  # no exchange remembers its numbers: a run is the same every time
            self._database, self._accounts, inbox.put, self._now, draw=lambda _: 0
        )

    def open(
        self, key: AccountKey, symbols: Sequence[Symbol], currencies: Sequence[Currency]
    ) -> None:
        """Load robots and balances of an account -> LedgerOpened."""
        scales = {currency.code: currency.scale for currency in currencies}
        self._do(jobs.Open(key, tuple(symbols), scales))

    def book(
        self, key: AccountKey, executions: Sequence[Executed], cursor: datetime | None
    ) -> None:
        """Write executions, each once, and the cursor with them -> Booked."""
        self._do(jobs.Book(key, tuple(executions), cursor))

    def reserve_numbers(self, market: str, count: int) -> None:
        """Take a block of clOrdID numbers -> NumbersReserved."""
        self._do(jobs.ReserveNumbers(market, count))

    def write_intent(self, key: AccountKey, intent: Intent) -> None:
        """Write an order request -> IntentWritten."""
        self._do(jobs.WriteIntent(key, intent))

    def settle_intent(
        self, key: AccountKey, cl_ord_id: str, outcome: str, order_id: str, verb: str = "POST"
    ) -> None:
        """Record what became of an intent."""
        self._do(jobs.SettleIntent(key, cl_ord_id, outcome, order_id, verb))

    def save_status(self, market: str, emi: str, work: bool) -> None:
        """Keep WORK or OFF of a bot."""
        self._do(jobs.SaveStatus(market, emi, work))

    def save_policy(self, market: str, emi: str, on_stop: OnStop) -> None:
        """Keep what becomes of a bot's orders when it is stopped."""
        self._do(jobs.SavePolicy(market, emi, on_stop))

    def save_bot(self, market: str, form: BotForm, new: bool, event: int) -> None:
        """Write what a person says of a bot -> BotSaved."""
        self._do(jobs.SaveBot(market, form, new, event))

    def delete_bot(self, market: str, emi: str, event: int) -> None:
        """Take a bot out of the settings -> BotDeleted."""
        self._do(jobs.DeleteBot(market, emi, event))

    def read(self, key: AccountKey, since: datetime, token: int, every_row: bool) -> None:
        """Read the tables for a comparison with the exchange -> LedgerRead."""
        self._do(jobs.Read(key, since, token, every_row))

    def keep_wallet(self, key: AccountKey, changes: Sequence[WalletChange]) -> None:
        """Keep transactions of the wallet whose type nobody knows."""
        self._do(jobs.KeepWallet(key, tuple(changes)))

    def finish(self) -> None:
        """Nothing is left to do: every job was carried out when it was asked for."""

    def stop(self) -> None:
        """Commit what is left and close the file."""
        if self._database is not None:
            self._database.close()
            self._database = self._clerk = None

    def _do(self, job: jobs.Job) -> None:
        if self._clerk is None:
            raise RuntimeError("the ledger was not started")
        self._clerk.carry_out(job)
