"""A process that books a fixed stream of executions until it is killed: `SCHEME SEED`.

The settings of the database come in one line of JSON on standard input: a path, or how to log in.

SCHEME "ledger" is the program's own; "rows" is the control that commits row by row and asks first
whether the execution is there. Each prints a line when it has begun and one when it is done.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from common.domain.executions import Executed
from common.engine.items import Booked, LedgerOpened
from common.ledger.account_books import AccountBooks
from common.ledger.booking import Standing, book
from common.ledger.connecting import open_database
from common.ledger.database import DatabaseSettings
from common.ledger.rows import coin_row
from common.ledger.statements import INSERT_COIN
from common.ledger.store import Store
from common.ledger.writer import LedgerWriter
from common.settings_types import MysqlSettings, Secret, SqliteSettings
from tests.common.ledger.support import (
    CURRENCIES,
    KEY,
    XBTUSD,
    Recorder,
    funding,
    trade,
)

BOTS = ("a", "b", "c")
LENGTH = 800
SETTLED_FEE = 1001


def stream(seed: int) -> list[Executed]:
    """Return fills of three bots and, every fourth row, a funding payment."""
    rng = random.Random(seed)
    total, rows = 0, []
    for number in range(LENGTH):
        if number % 4 == 3 and total:
            rows.append(funding(number, total, SETTLED_FEE))
            continue
        quantity = rng.choice((-3, -2, -1, 1, 2, 3)) * 100
        total += quantity
        rows.append(trade(number, quantity, cl_ord_id=f"{number + 1}.{rng.choice(BOTS)}"))
    return rows


def pieces(rows: list[Executed], seed: int) -> Iterator[list[Executed]]:
    """Return the stream in small pieces that overlap, as pages and sockets do."""
    rng = random.Random(seed)
    start = 0
    while start < len(rows):
        size = rng.randint(1, 6)
        yield rows[max(0, start - 2) : start + size]
        start += size


def to_line(settings: DatabaseSettings) -> str:
    """Return the line that tells the victim its database."""
    if isinstance(settings, SqliteSettings):
        return json.dumps([str(settings.path)]) + "\n"
    password = settings.password.reveal()
    login = [settings.host, settings.port, settings.user, password, settings.database]
    return json.dumps(login) + "\n"


def from_line(line: str) -> DatabaseSettings:
    """Return the settings of a line."""
    values = json.loads(line)
    if len(values) == 1:
        return SqliteSettings(Path(values[0]))
    host, port, user, password, database = values
    return MysqlSettings(host, port, user, Secret(password), database)


def book_with_ledger(settings: DatabaseSettings, seed: int) -> None:
    """Book everything again from the start; the journal knows what is there."""
    writer, inbox = LedgerWriter(settings), Recorder()
    writer.start(inbox)
    read_only, looks = True, 0
    while read_only:  # the server may not have noticed yet that the one before was killed
        looks += 1
        writer.open(KEY, (XBTUSD,), CURRENCIES)
        read_only = inbox.wait(LedgerOpened, looks)[-1].books.read_only
    print("begun", flush=True)
    for count, piece in enumerate(pieces(stream(seed), seed), start=1):
        writer.book(KEY, piece, piece[-1].at)
        inbox.wait(Booked, count)
    writer.stop()


def book_row_by_row(settings: DatabaseSettings, seed: int) -> None:
    """Commit every row by itself and skip executions that have any row: loses shares."""
    database = open_database(settings)
    store = Store(database)
    books = AccountBooks(KEY, claims=dict.fromkeys(BOTS, XBTUSD), scales={"XBt": 8})
    books.load(store)
    print("begun", flush=True)
    for execution in stream(seed):
        if store.entries_of(KEY, [execution.exec_id]):
            continue
        standing = Standing(books.claims, books.positions(XBTUSD), books.scales)
        for entry in book(execution, standing):
            database.begin()
            database.execute(INSERT_COIN, coin_row(KEY, entry))
            database.commit()
            books.add(entry)
    database.close()


if __name__ == "__main__":
    scheme = {"ledger": book_with_ledger, "rows": book_row_by_row}[sys.argv[1]]
    scheme(from_line(sys.stdin.readline()), int(sys.argv[2]))
    print("done", flush=True)
