"""Keeps the locks of accounts from one session of the program to the next."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from common.domain.books import AccountKey
from common.ledger.account_lock import AccountLock, take_lock
from common.ledger.database import DatabaseSettings
from common.ledger.machine_lock import MachineLocks


class LockKeeper:
    """Belongs to the program, and outlives its ledgers.

    A reload ends one ledger and starts another; without this, another terminal could take an
    account over in between.
    """

    def __init__(self, machine: MachineLocks | None = None) -> None:
        self._locks: dict[tuple[str, AccountKey], AccountLock] = {}
        self._machine = machine

    def take(
        self, settings: DatabaseSettings, key: AccountKey, place: str = ""
    ) -> AccountLock | None:
        """Return the lock that is kept, or take it as `take_lock` does.

        place: host and port of the exchange, which no other terminal of this computer may trade
        on with the account, whatever its database is; "": any may.
        """
        alone = partial(self._alone, settings, key, place)
        if not alone():
            return None
        where = (repr(settings), key)
        kept = self._locks.pop(where, None)
        if kept is None or not kept.holds():
            if kept is not None:
                kept.release()
            kept = take_lock(settings, key)
        if kept is None:
            return None
        self._locks[where] = kept
        return _KeptLock(kept, alone)

    def _alone(self, settings: DatabaseSettings, key: AccountKey, place: str) -> bool:
        """Take the lock of this computer, too, if it is not taken yet."""
        if not place or self._machine is None:
            return True
        return self._machine.take(place, key, settings)

    def close(self) -> None:
        """Give all locks back: the program ends."""
        for lock in list(self._locks.values()):  # a ledger that hangs may still add one
            lock.release()
        self._locks.clear()
        if self._machine is not None:
            self._machine.close()


class _KeptLock:
    def __init__(self, lock: AccountLock, alone: Callable[[], bool]) -> None:
        self._lock = lock
        self._alone = alone

    def holds(self) -> bool:
        return self._lock.holds() and self._alone()

    def release(self) -> None:
        """The keeper has it on."""
