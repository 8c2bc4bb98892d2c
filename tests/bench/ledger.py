"""The books on MariaDB: importing beside row-by-row writing, and the balances of a long ledger."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from common.domain.books import AccountKey
from common.domain.executions import Executed, Network
from common.domain.imports import FileRow, Place
from common.ledger import jobs
from common.ledger.booking import Standing, book
from common.ledger.clerk import Clerk
from common.ledger.connecting import open_database
from common.ledger.database import Database, DatabaseSettings
from common.ledger.importing import import_executions
from common.ledger.migration import migrate
from common.ledger.rows import coin_row
from common.ledger.statements import INSERT_COIN
from common.settings_types import MysqlSettings, Secret, SqliteSettings
from tests.bench.registry import Figure, register
from tests.common.ledger.support import MARKET, XBTUSD, funding, trade
from tests.support.database import MariaDB

COUNT = 100_000  # executions imported
PLAIN_COUNT = 4_000  # of them written row by row: a sample of the same rate
ROUNDS = 3
LONG = 1_000_000  # rows of `coins` at the start
BOTS = ("a", "b", "c", "d", "e", "f", "g", "h")
KEY = AccountKey(MARKET, Network.REAL, 1234567)
SCALES = {"XBt": 8}


@register("ledger", f"books: {COUNT:,} executions imported, on MariaDB and SQLite")
def ledger() -> Iterator[Figure]:
    """Compare importing with one SELECT, INSERT and COMMIT for each row, on the same server."""
    rows = executions(COUNT)
    with server() as create:
        plain, fast = rates(create, rows)
    yield Figure("import on MariaDB", fast, "rows/s", plain, "row by row", at_least=20.0)
    with TemporaryDirectory() as folder:
        names = (f"{number}.db" for number in itertools.count())
        plain, fast = rates(lambda: SqliteSettings(Path(folder) / next(names)), rows)
    yield Figure("import on SQLite", fast, "rows/s", plain, "row by row")


@register("ledger-start", f"books: balances of {LONG:,} rows at the start")
def ledger_start() -> Iterator[Figure]:
    """Compare opening the books with asking for the sums of every bot by itself."""
    with server() as create, TemporaryDirectory() as folder:
        for name, settings in (
            ("MariaDB", create()),
            ("SQLite", SqliteSettings(Path(folder) / "long.db")),
        ):
            fill(settings, LONG)
            first = seconds(lambda settings=settings: open_books(settings))  # type: ignore[misc]
            again = seconds(lambda settings=settings: open_books(settings))  # type: ignore[misc]
            plain = seconds(lambda settings=settings: bot_by_bot(settings))  # type: ignore[misc]
            yield Figure(f"first start on {name}", first, "s", plain, "bot by bot")
            yield Figure(f"every later start on {name}", again, "s", at_most=1.0)


def rates(create: Callable[[], DatabaseSettings], rows: Sequence[Executed]) -> tuple[float, float]:
    """Return rows/s written row by row and imported: medians of rounds that take turns.

    The tables are made before: what that takes would weigh on the smaller number of rows.
    """
    sample = rows[:PLAIN_COUNT]
    plain, fast = [], []
    for _ in range(ROUNDS):
        one, two = made(create()), made(create())
        plain.append(len(sample) / seconds(partial(row_by_row, one, sample)))
        fast.append(len(rows) / seconds(partial(imported, two, rows)))
    return statistics.median(plain), statistics.median(fast)


def made(settings: DatabaseSettings) -> DatabaseSettings:
    """Return the settings of a database that has its tables."""
    with prepared(settings):
        return settings


@contextmanager
def server() -> Iterator[Callable[[], DatabaseSettings]]:
    """Run a MariaDB server; yields a maker of empty databases."""
    with TemporaryDirectory() as folder:
        running = MariaDB(Path(folder), small=False)
        running.start()
        try:
            yield lambda: MysqlSettings(
                running.host,
                running.port,
                running.user,
                Secret(running.password),
                running.create_database(),
            )
        finally:
            running.stop()


def executions(count: int) -> list[Executed]:
    """Return fills of a few bots, and a funding payment after every twenty."""
    held, found = 0, []
    for number in range(1, count + 1):
        if number % 21 == 0 and held:
            found.append(funding(number, held, number % 977 - 400))
            continue
        quantity = (number % 7 - 3) * 100 or 300
        held += quantity
        found.append(trade(number, quantity, cl_ord_id=f"{number}.{BOTS[number % len(BOTS)]}"))
    return found


def imported(settings: DatabaseSettings, rows: Sequence[Executed]) -> None:
    """Import executions as `--import` does once the file is read."""
    result = import_executions(
        settings,
        MARKET,
        KEY.network,
        [FileRow(Place(line), execution) for line, execution in enumerate(rows)],
        SCALES,
        now,
        lambda _result, _total: None,
    )
    assert result.booked == len(rows)


def row_by_row(settings: DatabaseSettings, rows: Sequence[Executed]) -> None:
    """Write a row of `coins` for each execution: look, insert, commit."""
    with prepared(settings) as database:
        for execution in rows:
            (entry, *_) = book(execution, Standing({}, {"a": execution.quantity}, SCALES))
            database.begin()
            found = database.query("SELECT EXECID FROM coins WHERE EXECID = ?", (entry.exec_id,))
            assert not found
            database.execute(INSERT_COIN, coin_row(KEY, entry))
            database.commit()


def fill(settings: DatabaseSettings, count: int) -> None:
    """Make a long ledger: whole rows of `coins`, and the tally that must go with them."""
    (entry,) = book(trade(1, 100), Standing({}, {}, SCALES))
    start = datetime(2020, 1, 1, tzinfo=timezone.utc)
    with prepared(settings) as database:
        for first in range(0, count, 20_000):
            database.begin()
            rows = [
                coin_row(
                    KEY,
                    replace(
                        entry,
                        exec_id=f"exec-{number:09d}",
                        emi=BOTS[number % len(BOTS)],
                        at=start + timedelta(seconds=number),
                    ),
                )
                for number in range(first, first + 20_000)
            ]
            database.execute_many(INSERT_COIN, rows)
            database.execute(
                "INSERT INTO executions SELECT MARKET, NETWORK, ACCOUNT, EXECID, KIND, KIND,"
                " SYMBOL, CATEGORY, '', '', TTIME, TTIME, CURRENCY, -SUMREAL_I, CURRENCY,"
                " COMMISS_I, 1, '{}' FROM coins WHERE ID > ?",
                (first,),
            )
            database.commit()


def open_books(settings: DatabaseSettings) -> None:
    """Do what the ledger does at a start, on a connection of its own."""
    outcomes: list[object] = []
    database = open_database(settings)
    try:
        migrate(database, now(), SCALES)
        Clerk(database, {}, outcomes.append, now).carry_out(jobs.Open(KEY, (XBTUSD,), SCALES))
    finally:
        database.close()
    assert len(outcomes) == 1


def bot_by_bot(settings: DatabaseSettings) -> None:
    """Ask for the sums of each bot with a statement of its own."""
    database = open_database(settings)
    try:
        for emi in BOTS:
            database.query(
                "SELECT SUM(CASE WHEN SIDE = 0 THEN QTY ELSE -QTY END), SUM(SUMREAL_I),"
                " SUM(COMMISS_I), MAX(TTIME) FROM coins WHERE EMI = ? AND ACCOUNT = ?",
                (emi, KEY.account),
            )
    finally:
        database.close()


@contextmanager
def prepared(settings: DatabaseSettings) -> Iterator[Database]:
    """Open a database with its tables made."""
    database = open_database(settings)
    try:
        migrate(database, now(), SCALES)
        yield database
    finally:
        database.close()


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def now() -> datetime:
    """Return the present moment, aware UTC."""
    return datetime.now(timezone.utc)
