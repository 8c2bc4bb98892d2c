"""Wallet transactions of types that nobody knows: kept as they came, until a person says what.

What is said counts for every transaction of that type, also for those to come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from common.domain.account import WalletChange, WalletKind
from common.domain.books import AccountKey
from common.domain.executions import Network
from common.ledger.database import Database, time_text, to_int, to_text
from common.ledger.rows import Row, replace
from common.ledger.schema import WALLET_ID_SIZE, WALLET_ROWS, WALLET_TYPE_SIZE, WALLET_TYPES
from common.ledger.texts import storable

CURRENCY_SIZE = 20  # characters; RAW has what does not fit
_ACCOUNT = "MARKET = ? AND NETWORK = ? AND ACCOUNT = ?"
_KEEP = replace(
    WALLET_ROWS,
    ("MARKET", "NETWORK", "ACCOUNT", "TRANSACTID", "TYPE_NAME", "CURRENCY", "TTIME", "RAW"),
)
_KINDS_OF = "SELECT TYPE_NAME, KIND FROM wallet_types WHERE MARKET = ?"
_KEPT_TYPES = (
    f"SELECT TYPE_NAME, COUNT(*) FROM wallet_rows WHERE {_ACCOUNT}"
    " GROUP BY TYPE_NAME ORDER BY TYPE_NAME"
)
_OWNERS = "SELECT DISTINCT MARKET, NETWORK, ACCOUNT FROM wallet_rows WHERE TYPE_NAME = ?"
_SAY = replace(WALLET_TYPES, ("MARKET", "TYPE_NAME", "KIND"))


def known_as(type_name: str) -> str:
    """Return the name of a type as the tables have it."""
    return storable(type_name, WALLET_TYPE_SIZE).strip()


def keep(database: Database, key: AccountKey, changes: Sequence[WalletChange]) -> None:
    """Write transactions of unknown types, each once."""
    rows = [_row(key, change) for change in changes]
    if rows:
        database.execute_many(_KEEP, rows)


def kinds_said(database: Database, market: str) -> dict[str, WalletKind]:
    """Return type -> what a person has said that it is; words that mean nothing are left out."""
    known = {kind.value: kind for kind in WalletKind}
    rows = database.query(_KINDS_OF, (market,))
    return {to_text(name): known[to_text(kind)] for name, kind in rows if to_text(kind) in known}


def types_waiting(
    database: Database, key: AccountKey, said: Mapping[str, WalletKind]
) -> dict[str, int]:
    """Return type -> number of transactions kept, of the types of which nothing is `said`."""
    rows = database.query(_KEPT_TYPES, (key.market, key.network.value, key.account))
    return {to_text(name): to_int(count) for name, count in rows if to_text(name) not in said}


def say(database: Database, type_name: str, kind: WalletKind) -> list[AccountKey]:
    """Keep what a type is and return whose transactions are of it; none: nothing is written."""
    name = known_as(type_name)
    owners = [
        AccountKey(to_text(market), Network(to_text(network)), to_int(account))
        for market, network, account in database.query(_OWNERS, (name,))
    ]
    for market in {owner.market for owner in owners}:
        database.execute(_SAY, (market, name, kind.value))
    return owners


def _row(key: AccountKey, change: WalletChange) -> Row:
    return (
        *(key.market, key.network.value, key.account),
        _usable(change.change_id),
        known_as(change.type_name),
        storable(change.currency, CURRENCY_SIZE),
        time_text(change.at),
        storable(change.raw),
    )


def _usable(change_id: str) -> str:
    """Return the id, or a digest where it is no usable key."""
    usable = len(change_id) <= WALLET_ID_SIZE and change_id == storable(change_id).strip()
    return change_id if usable else sha256(storable(change_id).encode()).hexdigest()
