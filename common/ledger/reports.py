"""What reports and exports read of the books, on a connection of their own. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from common.domain.books import AccountKey, Entry
from common.domain.executions import Network
from common.domain.instruments import Category, Symbol
from common.domain.reports import Line, Period, Report, Sums, make_report
from common.errors import ConfigurationError
from common.ledger.connecting import open_database
from common.ledger.database import (
    Database,
    DatabaseSettings,
    Value,
    to_int,
    to_text,
)
from common.ledger.read_rows import READ_ENTRY, SIGNED_QTY, to_entry
from common.ledger.schema import COINS, MIGRATIONS, SCHEMA_VERSION
from common.settings_types import SqliteSettings

PAGE = 5000  # rows that are in memory at a time

_ACCOUNT = "MARKET = ? AND NETWORK = ? AND ACCOUNT = ?"
# TTIME is text in one database and a DATETIME in the other; both give its date this way.
_DAY = "SUBSTR(TTIME, 1, 10)"
_TRADE = "CASE WHEN SIDE = -1 THEN 0 ELSE"
DAYS = (
    f"SELECT {_DAY}, EMI, SYMBOL, CATEGORY, CURRENCY, MAX(SCALE),"
    f" SUM({_TRADE} CASE WHEN QTY = 0 THEN 0 ELSE 1 END END), SUM({_TRADE} QTY END),"
    f" SUM({SIGNED_QTY}), SUM({_TRADE} SUMREAL_I END), SUM({_TRADE} COMMISS_I END),"
    " SUM(CASE WHEN SIDE = -1 THEN COMMISS_I ELSE 0 END)"
    f" FROM coins WHERE {_ACCOUNT} AND ID <= ? GROUP BY {_DAY}, EMI, SYMBOL, CATEGORY, CURRENCY"
)
ACCOUNTS = (
    "SELECT DISTINCT MARKET, NETWORK, ACCOUNT FROM coins WHERE SUMREAL_I IS NOT NULL"
    " ORDER BY MARKET, NETWORK, ACCOUNT"
)
NEXT_ENTRIES = (
    f"SELECT ID, {READ_ENTRY} FROM coins WHERE {_ACCOUNT} AND ID > ? AND ID <= ?"
    f" ORDER BY ID LIMIT {PAGE}"
)
LAST_ID = "SELECT MAX(ID) FROM coins"


def open_for_reading(settings: DatabaseSettings) -> Database | None:
    """Connect to books that exist; None: there are none yet.

    ConfigurationError: the tables are not this version's. LedgerUnavailable: no connection.
    """
    if isinstance(settings, SqliteSettings) and not settings.path.exists():
        return None
    database = open_database(settings)
    try:
        if _is_readable(database):
            return database
    except BaseException:
        database.close()
        raise
    database.close()
    return None


def _is_readable(database: Database) -> bool:
    """Tell whether there are books; ConfigurationError where another version wrote them."""
    if database.table_exists(SCHEMA_VERSION.name):
        version = to_int(database.query("SELECT MAX(VERSION) FROM schema_version")[0][0])
        if version == max(MIGRATIONS):
            return True
    elif not database.table_exists(COINS.name):
        return False
    raise ConfigurationError(
        f"The tables of {database.name} are of another version than this program's; start the "
        "terminal once, it brings them up to date or says why it cannot."
    )


def accounts(database: Database) -> list[AccountKey]:
    """Return every account that has rows in the books."""
    return [
        AccountKey(to_text(market), Network(to_text(network)), to_int(account))
        for market, network, account in database.query(ACCOUNTS)
    ]


def last_row(database: Database) -> int:
    """Return the newest ID of `coins`: readings up to the same row belong together."""
    return to_int(database.query(LAST_ID)[0][0])


def read_report(
    database: Database, key: AccountKey, period: Period, at: datetime, up_to: int
) -> Report:
    """Sum the rows of an account up to a row's ID by period; `at` is now, aware UTC."""
    rows = database.query(DAYS, (*_parameters(key), up_to))
    return make_report(key, period, at, map(_day, rows))


def read_entries(database: Database, key: AccountKey, up_to: int) -> Iterator[Entry]:
    """Return the rows of `coins` of an account up to an ID, as they were written, in pages."""
    last = 0
    while True:
        page = database.query(NEXT_ENTRIES, (*_parameters(key), last, up_to))
        for row in page:
            yield to_entry(row[1:])
        if len(page) < PAGE:
            return
        last = to_int(page[-1][0])


def _parameters(key: AccountKey) -> tuple[str, str, int]:
    return key.market, key.network.value, key.account


def _day(row: Sequence[Value]) -> Line:
    return Line(
        start=date.fromisoformat(to_text(row[0])),
        emi=to_text(row[1]),
        symbol=Symbol(to_text(row[2]), Category(to_text(row[3]))),
        currency=to_text(row[4]),
        scale=to_int(row[5]),
        sums=Sums(*(to_int(value) for value in row[6:12])),
    )
