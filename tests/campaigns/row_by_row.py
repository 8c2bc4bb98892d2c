"""A process that books as older terminals did, one commit for every row: the control of the kills.

    python -m tests.campaigns.row_by_row SCHEME     (one line of JSON comes on standard input)

"asks" looks first whether an execution has any row; a kill between the shares of one payment
leaves a part of it. "trusts" believes the cursor, which is written after the rows; "hurries" writes
the cursor before them. The cursor is a file, as `history.ini` was.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from common.errors import LedgerUnavailable
from common.ledger.allocation import allocate
from common.ledger.connecting import open_database
from common.ledger.database import Database, to_int
from tests.api.simulator.trader import Trader
from tests.support.books import settings_of
from tests.support.waiting import wait_until

SCHEMES = ("asks", "trusts", "hurries")
PIECE = 10  # rows between two cursors
FOR_EVER = 10.0**9
ROUND_TRIP = 0.002  # seconds of a commit over a network, as the database is seldom on this machine
_INSERT = (
    "INSERT INTO coins (EXECID, EMI, SYMBOL, CURRENCY, SIDE, QTY, SUMREAL_I, COMMISS_I)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_POSITIONS = (
    "SELECT EMI, SUM(CASE SIDE WHEN 0 THEN QTY WHEN 1 THEN -QTY ELSE 0 END) FROM coins GROUP BY EMI"
)
Share = tuple[str, int, int, int, int]  # EMI, SIDE, QTY, SUMREAL_I, COMMISS_I


class RowByRow:
    """Books from the history, again and again."""

    def __init__(self, scheme: str, given: dict[str, Any]) -> None:
        self._scheme = scheme
        self._settings = settings_of(given["books"])
        self._cursor = Path(given["cursor"])
        self._bots = set(given["bots"])
        self._trader = Trader(SimpleNamespace(**given["venue"]))  # type: ignore[arg-type] # as far as used

    def run(self) -> None:
        """Book for ever; begin anew whenever the database goes away."""
        while True:
            try:
                database = open_database(self._settings)
                wait_until(partial(self._look, database), FOR_EVER)
            except LedgerUnavailable:
                continue

    def _look(self, database: Database) -> None:
        known = int(self._cursor.read_text(encoding="utf-8")) if self._cursor.exists() else 0
        rows: Any = self._trader.rows("execution/tradeHistory", start=known, count=500)
        for first in range(0, len(rows), PIECE):
            piece = rows[first : first + PIECE]
            end = str(known + first + len(piece))
            if self._scheme == "hurries":
                self._note(end)
            for row in piece:
                self._book(database, row)
            self._note(end)

    def _note(self, cursor: str) -> None:
        beside = self._cursor.with_suffix(".new")
        beside.write_text(cursor, encoding="utf-8")
        beside.replace(self._cursor)

    def _book(self, database: Database, row: Any) -> None:
        asked = "SELECT COUNT(*) FROM coins WHERE EXECID = ?"
        if self._scheme == "asks" and to_int(database.query(asked, (row["execID"],))[0][0]):
            return
        for emi, *figures in list(self._shares(database, row)):
            database.begin()
            names = (row["execID"], emi, row["symbol"], row["settlCurrency"])
            database.execute(_INSERT, (*names, *figures))
            database.commit()
            time.sleep(ROUND_TRIP)

    def _shares(self, database: Database, row: Any) -> Iterator[Share]:
        if row["execType"] != "Funding":
            emi = row.get("clOrdID", "").partition(".")[2]
            side = 0 if row["side"] == "Buy" else 1
            owner = emi if emi in self._bots else row["symbol"]
            yield owner, side, row["lastQty"], -row["execCost"], row["execComm"]
            return
        held = {str(emi): to_int(total) for emi, total in database.query(_POSITIONS)}
        weights = {emi: total for emi, total in held.items() if total}
        shares = allocate(row["execComm"], weights) if sum(weights.values()) else {}
        for emi, share in shares.items():
            yield emi, -1, abs(weights[emi]), 0, share


if __name__ == "__main__":
    RowByRow(sys.argv[1], json.loads(sys.stdin.readline())).run()
