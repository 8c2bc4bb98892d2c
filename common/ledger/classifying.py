"""What a person says of executions that could not be booked, and of types of the wallet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from common.domain.account import WalletKind
from common.domain.books import AccountKey
from common.domain.executions import ExecutionKind, Network
from common.errors import ConfigurationError
from common.ledger import statements as sql
from common.ledger import wallet_rows
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


WALLET_KINDS: Mapping[str, WalletKind] = {
    "outside": WalletKind.EXTERNAL,
    "result": WalletKind.RESULT,
    "funding": WalletKind.FUNDING,
    "spot": WalletKind.SPOT,
}


def classify(settings: DatabaseSettings, name: str, kind: str, now: datetime) -> str:
    """Write what an execution is, or a type of wallet transactions; return so in words.

    ConfigurationError: nothing waits under that name, or its kind is not what is wrong with it.
    """
    database = open_database(settings)
    try:
        migrate(database, now)
        with transaction(database):
            key = _execution(database, name, kind, now)
            return _said(key, name, kind) if key else _wallet_type(database, name, kind)
    finally:
        database.close()


def _said(key: AccountKey, exec_id: str, kind: str) -> str:
    what = "concerns nobody and is not booked" if kind == "nothing" else f"is a {kind}"
    then = "" if kind == "nothing" else "; it is booked when the terminal starts or F3 is pressed"
    return f"{_place(key)}: execution {exec_id} {what}{then}."


def _wallet_type(database: Database, name: str, kind: str) -> str:
    if kind not in WALLET_KINDS:  # nothing waits, or it is no execution
        raise ConfigurationError(_NOT_WAITING.format(name=name))
    owners = wallet_rows.say(database, name, WALLET_KINDS[kind])
    if not owners:
        raise ConfigurationError(_NOT_WAITING.format(name=name))
    places = ", ".join(_place(key) for key in owners)
    what = "money from outside" if kind == "outside" else kind
    return (
        f"{places}: wallet transactions of the type {name} are {what}; they are counted so when "
        "books and exchange are compared next."
    )


_NOT_WAITING = (
    "No execution {name} waits for a decision, and no wallet transaction of this type: it is "
    "booked, or there is none, or the KIND is meant for the other of the two. The information "
    "panel names those that wait."
)


def _place(key: AccountKey) -> str:
    return f"account {key.account} on {key.market} ({key.network})"


def _execution(database: Database, exec_id: str, said: str, now: datetime) -> AccountKey | None:
    if said not in KINDS:
        return None
    kind, store = KINDS[said], Store(database)
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
    return None


def _keys(database: Database, statement: str, exec_id: str) -> list[AccountKey]:
    return [
        AccountKey(to_text(market), Network(to_text(network)), to_int(account))
        for market, network, account in database.query(statement, (exec_id,))
    ]


def _parameters(key: AccountKey) -> tuple[str, str, int]:
    return key.market, key.network.value, key.account
