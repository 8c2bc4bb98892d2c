"""What a person says of executions that could not be booked, written into the tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from common.domain.books import AccountKey
from common.domain.executions import ExecutionKind, Network
from common.errors import ConfigurationError
from common.ledger import statements as sql
from common.ledger.connecting import open_database
from common.ledger.database import (
    Database,
    DatabaseSettings,
    time_text,
    to_int,
    to_text,
    transaction,
)
from common.ledger.migration import migrate
from common.ledger.store import Store

KINDS: Mapping[str, ExecutionKind] = {
    "trade": ExecutionKind.TRADE,
    "funding": ExecutionKind.FUNDING,
    "settlement": ExecutionKind.SETTLEMENT,
    "nothing": ExecutionKind.REPORT,
}


def classify(settings: DatabaseSettings, exec_id: str, kind: str, now: datetime) -> str:
    """Write what an execution is and return whose it is, in words.

    ConfigurationError: none is waiting under that id, or its kind is not what is wrong with it.
    """
    database = open_database(settings)
    try:
        migrate(database, now)
        with transaction(database):
            key = _classify(database, exec_id, KINDS[kind], now)
    finally:
        database.close()
    return f"account {key.account} on {key.market} ({key.network})"


def _classify(database: Database, exec_id: str, kind: ExecutionKind, now: datetime) -> AccountKey:
    store = Store(database)
    for key in _keys(database, sql.UNCLASSIFIED_BY_ID, exec_id):
        if kind is ExecutionKind.REPORT:
            store.dismiss(key, exec_id)
        else:
            store.classify(key, exec_id, kind)
        return key
    for key in _keys(database, sql.QUARANTINED_BY_ID, exec_id):
        if kind is not ExecutionKind.REPORT:
            raise ConfigurationError(
                f"Execution {exec_id} is in quarantine for what its row holds; only "
                "`nothing` can be said of it. It is tried again at every start."
            )
        moment = time_text(now)
        database.execute(sql.JOURNAL_DISMISSED, (moment, moment, *_parameters(key), exec_id))
        store.release(key, exec_id, "dismissed")
        return key
    raise ConfigurationError(
        f"No execution {exec_id} waits for a decision: it is booked, or there is none. The "
        "information panel names those that wait."
    )


def _keys(database: Database, statement: str, exec_id: str) -> list[AccountKey]:
    return [
        AccountKey(to_text(market), Network(to_text(network)), to_int(account))
        for market, network, account in database.query(statement, (exec_id,))
    ]


def _parameters(key: AccountKey) -> tuple[str, str, int]:
    return key.market, key.network.value, key.account
