"""A process that books a fixed stream of executions until it is killed.

The settings of the database come in one line of JSON on standard input: a path, or how to log in.
It prints a line when it has begun and one when it is done.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator

from common.domain.executions import Executed
from common.engine.items import Booked, LedgerOpened
from common.ledger.database import DatabaseSettings
from common.ledger.writer import LedgerWriter
from tests.common.ledger.support import (
    CURRENCIES,
    KEY,
    XBTUSD,
    Recorder,
    funding,
    trade,
)
from tests.support.books import settings_of

BOTS = ("a", "b", "c")
LENGTH = 800
SEED = 1
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


if __name__ == "__main__":
    book_with_ledger(settings_of(json.loads(sys.stdin.readline())), SEED)
    print("done", flush=True)
