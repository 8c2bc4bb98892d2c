"""Who may write the books of an account: one terminal, by a lock and a number in the database.

The lock says who may begin; the number (epoch) makes sure that it has ended. A lock can be lost
without a word (a connection breaks, a computer sleeps), and then another terminal takes it and
raises the epoch. Every transaction compares the epoch with its own before it commits, with the row
locked, so nothing of the former holder can become durable any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from common.domain.books import AccountKey
from common.ledger.account_lock import AccountLock, take_lock
from common.ledger.database import Database, DatabaseSettings, to_int, transaction
from common.ledger.rows import replace
from common.ledger.schema import WRITER_EPOCH

_ACCOUNT = "MARKET = ? AND NETWORK = ? AND ACCOUNT = ?"
EPOCH = f"SELECT EPOCH FROM writer_epoch WHERE {_ACCOUNT} FOR UPDATE"
REPLACE_EPOCH = replace(WRITER_EPOCH, ("MARKET", "NETWORK", "ACCOUNT", "EPOCH"))
TakeLock = Callable[[DatabaseSettings, AccountKey], AccountLock | None]


class TenureLost(Exception):
    """Another terminal writes the books of this account now."""

    def __init__(self, key: AccountKey) -> None:
        super().__init__(f"another terminal writes the books of account {key.account}")
        self.key = key


@dataclass(slots=True)
class _Held:
    lock: AccountLock
    epoch: int


class Tenure:
    """The accounts whose books this ledger may write. Belongs to the ledger's thread."""

    def __init__(self, settings: DatabaseSettings, take: TakeLock = take_lock) -> None:
        self._settings = settings
        self._take = take
        self._held: dict[AccountKey, _Held] = {}

    def take(self, database: Database, key: AccountKey) -> bool:
        """Begin to write an account's books; False: another terminal does. Not in a transaction."""
        if key in self._held and self._confirm(database, key):
            return True
        lock = self._take(self._settings, key)
        if lock is None:
            return False
        try:
            epoch = self._next_epoch(database, key)
        except BaseException:
            lock.release()
            raise
        self._held[key] = _Held(lock, epoch)
        return True

    def check(self, database: Database, key: AccountKey) -> None:
        """Hold the epoch's row until the end of the transaction. TenureLost: do not write."""
        held = self._held.get(key)
        if held is None or _epoch(database, key) != held.epoch:
            raise TenureLost(key)

    def review(self, database: Database) -> list[AccountKey]:
        """Keep the locks alive, take broken ones again; return the accounts that were lost."""
        return [key for key in list(self._held) if not self._confirm(database, key)]

    def give_up(self, key: AccountKey) -> None:
        """Let another terminal write an account's books."""
        held = self._held.pop(key, None)
        if held is not None:
            held.lock.release()

    def release(self) -> None:
        """Let others write everything."""
        for key in list(self._held):
            self.give_up(key)

    def _confirm(self, database: Database, key: AccountKey) -> bool:
        held = self._held[key]
        if not held.lock.holds():
            held.lock.release()
            lock = self._take(self._settings, key)
            if lock is None:
                self.give_up(key)
                return False
            held.lock = lock
        # The lock was free for a moment, perhaps: then the epoch tells whether somebody had it.
        if self._read_epoch(database, key) != held.epoch:
            self.give_up(key)
            return False
        return True

    def _next_epoch(self, database: Database, key: AccountKey) -> int:
        with transaction(database):
            epoch = _epoch(database, key) + 1
            database.execute(REPLACE_EPOCH, (*_parameters(key), epoch))
        return epoch

    def _read_epoch(self, database: Database, key: AccountKey) -> int:
        database.begin()
        try:
            return _epoch(database, key)
        finally:
            database.rollback()


def _epoch(database: Database, key: AccountKey) -> int:
    rows = database.query(EPOCH, _parameters(key))
    return to_int(rows[0][0]) if rows else 0


def _parameters(key: AccountKey) -> tuple[str, str, int]:
    return key.market, key.network.value, key.account
