"""What is read from and written to the tables of the books, on one open connection.

Methods that write expect to stand between `begin` and `commit` of the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from common.domain.books import AccountKey, Entry, Intent, Waiting
from common.domain.bots import OnStop
from common.domain.executions import Executed, ExecutionKind, Network
from common.ledger import statements as sql
from common.ledger.booking import RowRefused
from common.ledger.database import (
    Database,
    DataRefused,
    Value,
    time_text,
    to_decimal,
    to_int,
    to_text,
    to_time,
)
from common.ledger.numbers import NUMBER_LIMIT, first_free
from common.ledger.read_rows import to_entry, to_intent
from common.ledger.rows import Row, intent_row
from common.ledger.schema import EXEC_ID_SIZE
from common.ledger.texts import storable

CHUNK = 500  # values in one IN list; SQLite allows 999 in old versions


@dataclass(frozen=True, slots=True)
class Journaled:
    """An execution that the journal has."""

    row_count: int  # rows of `coins` that were written with it
    standing: int  # those that a person has not deleted

    @property
    def whole(self) -> bool:
        """Whether it counts as booked."""
        return self.standing >= self.row_count


class Store:
    """The tables of the books."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # ---- executions -------------------------------------------------------------------------

    def journaled(self, key: AccountKey, exec_ids: Sequence[str]) -> dict[str, Journaled]:
        """Return which executions the journal has, and how many of their rows stand."""
        account = _account(key)
        found: dict[str, Journaled] = {}
        for chunk in _chunks(exec_ids):
            marks = sql.marks(len(chunk))
            journaled = self.database.query(sql.JOURNALED + marks, (*account, *chunk))
            if not journaled:
                continue
            counted = self.database.query(
                sql.STANDING_ROWS + marks + sql.GROUP_BY_EXECID, (*account, *chunk)
            )
            standing = {to_text(row[0]): to_int(row[1]) for row in counted}
            for exec_id, row_count in journaled:
                name = to_text(exec_id)
                found[name] = Journaled(to_int(row_count), standing.get(name, 0))
        return found

    def insert_executions(self, executions: Sequence[Row], coins: Sequence[Row]) -> None:
        """Write journal rows and rows of `coins`. DataRefused: the database refuses a value."""
        if executions:
            self.database.execute_many(sql.INSERT_EXECUTION, executions)
        if coins:
            self.database.execute_many(sql.INSERT_COIN, coins)

    def delete_execution(self, key: AccountKey, exec_id: str) -> None:
        """Take an execution out of the journal, to be booked again."""
        self.database.execute(sql.DELETE_EXECUTION, (*_account(key), exec_id))

    def adopt(self, key: AccountKey) -> None:
        """Give rows that were taken over, and did not tell their network, to the test network.

        They count as REAL until an account of the same number is opened there.
        """
        if key.network is not Network.TEST or self.database.query(sql.ANY_EXECUTION, _account(key)):
            return
        assumed = (key.market, Network.REAL.value, key.account)
        taken_over = self.database.query(sql.TAKEN_OVER, assumed)
        if taken_over:
            for table in ("coins", "executions"):
                self.database.execute(
                    f"UPDATE {table} SET NETWORK = ? WHERE {sql.ACCOUNT}",
                    (key.network.value, *assumed),
                )

    def delete_row(self, key: AccountKey, entry: Entry) -> None:
        """Take the row of a bot out, for another one that takes its place."""
        self.database.execute(
            sql.DELETE_ROW, (*_account(key), entry.exec_id, entry.emi, entry.currency)
        )

    def unclassified(self, key: AccountKey) -> list[Waiting]:
        """Return journaled executions that were not booked because nobody knew their kind."""
        known = {kind.value: kind for kind in ExecutionKind}
        return [
            Waiting(to_text(exec_id), to_text(raw), known.get(str(said)))
            for exec_id, raw, said in self.database.query(sql.UNCLASSIFIED, _account(key))
        ]

    def classify(self, key: AccountKey, exec_id: str, kind: ExecutionKind) -> None:
        """Keep what a person says that a journaled execution of unknown kind is."""
        self.database.execute(sql.REPLACE_CLASSIFIED, (*_account(key), exec_id, kind.value))

    def dismiss(self, key: AccountKey, exec_id: str) -> None:
        """A journaled execution of unknown kind concerns nobody."""
        self.database.execute(sql.DISMISS, (*_account(key), exec_id))

    # ---- coins ------------------------------------------------------------------------------

    def entries_of(self, key: AccountKey, exec_ids: Sequence[str]) -> list[Entry]:
        """Return the rows of these executions."""
        entries: list[Entry] = []
        for chunk in _chunks(exec_ids):
            statement = f"{sql.ENTRIES_OF}{sql.marks(len(chunk))} ORDER BY ID"
            rows = self.database.query(statement, (*_account(key), *chunk))
            entries += [to_entry(row) for row in rows]
        return entries

    def recent_trades(self, key: AccountKey, limit: int) -> list[Entry]:
        """Return the newest rows of trades and settlements, newest first."""
        rows = self.database.query(sql.RECENT_TRADES, (*_account(key), limit))
        return [to_entry(row) for row in rows]

    def recent_funding(self, key: AccountKey, limit: int) -> list[Entry]:
        """Return the newest rows of funding, newest first."""
        rows = self.database.query(sql.RECENT_FUNDING, (*_account(key), limit))
        return [to_entry(row) for row in rows]

    def positions_at(
        self, key: AccountKey, execution: Executed
    ) -> tuple[dict[str, int], dict[str, int]]:
        """Return EMI -> contracts just before an execution, and with the trades of its moment.

        Rows of the execution itself do not count.
        """
        symbol, moment = execution.symbol, time_text(execution.at)
        rows = self.database.query(
            sql.POSITIONS_AT,
            (
                moment,
                *_account(key),
                symbol.ticker,
                symbol.category.value,
                moment,
                execution.exec_id,
            ),
        )
        before = {to_text(row[0]): to_int(row[1]) for row in rows}
        with_ties = {to_text(row[0]): to_int(row[2]) for row in rows}
        return before, with_ties

    # ---- robots -----------------------------------------------------------------------------

    def robot_rows(self, market: str) -> list[tuple[Value, ...]]:
        """Return the raw rows of `robots` of this market and of none."""
        return self.database.query(sql.ROBOT_ROWS, (market,))

    def statuses(self, market: str) -> dict[str, bool]:
        """Return EMI -> WORK as the user last left it."""
        rows = self.database.query(sql.STATUSES, (market,))
        return {to_text(emi): bool(to_int(work)) for emi, work in rows}

    def save_status(self, market: str, emi: str, work: bool) -> None:
        """Keep WORK or OFF of a bot."""
        self.database.execute(sql.REPLACE_STATUS, (market, emi, int(work)))

    def policies(self, market: str) -> dict[str, OnStop]:
        """Return EMI -> what becomes of its orders; a text that means nothing is left out."""
        known = {policy.value: policy for policy in OnStop}
        rows = self.database.query(sql.POLICIES, (market,))
        return {to_text(emi): known[to_text(text)] for emi, text in rows if to_text(text) in known}

    def save_policy(self, market: str, emi: str, on_stop: OnStop) -> None:
        """Keep what becomes of a bot's orders when it is stopped."""
        self.database.execute(sql.REPLACE_POLICY, (market, emi, on_stop.value))

    # ---- orders -----------------------------------------------------------------------------

    def posted_before(self, key: AccountKey, cl_ord_id: str) -> bool:
        """Return whether an order was ever to be placed under this clOrdID."""
        return bool(self.database.query(sql.POSTED_BEFORE, (*_account(key), cl_ord_id)))

    def insert_intent(self, key: AccountKey, intent: Intent, now: datetime) -> None:
        """Write an intent whose outcome is open. RowRefused: the database refuses a value."""
        try:
            self.database.execute(
                sql.INSERT_INTENT, intent_row(key, intent, "OPEN", time_text(now))
            )
        except DataRefused as error:
            raise RowRefused(f"the database refuses the intent: {error}") from error

    def settle_intent(
        self,
        key: AccountKey,
        cl_ord_id: str,
        outcome: str,
        order_id: str,
        verb: str,
        now: datetime,
    ) -> None:
        """Write the outcome of the open intents of a clOrdID with this verb."""
        self.database.execute(
            sql.SETTLE_INTENT,
            (outcome, time_text(now), order_id, order_id, *_account(key), cl_ord_id, verb),
        )

    def open_intents(self, key: AccountKey) -> list[Intent]:
        """Return the intents whose outcome was never learned, oldest first."""
        return [to_intent(r) for r in self.database.query(sql.OPEN_INTENTS, _account(key))]

    def has_intents(self, key: AccountKey) -> bool:
        """Return whether this program ever placed an order of the account."""
        return bool(self.database.query(sql.ANY_INTENT, _account(key)))

    def asked_prices(self, key: AccountKey, cl_ord_ids: Sequence[str]) -> dict[str, Decimal]:
        """Return clOrdID -> the price that the order was first to be placed with."""
        prices: dict[str, Decimal] = {}
        for chunk in _chunks(cl_ord_ids):
            statement = sql.ASKED_PRICES + sql.marks(len(chunk))
            for cl_ord_id, price in self.database.query(statement, (*_account(key), *chunk)):
                prices[to_text(cl_ord_id)] = to_decimal(price) or Decimal(0)
        return prices

    def reserve_numbers(
        self, market: str, count: int, draw: Callable[[int], int], *, at_start: bool
    ) -> int:
        """Take `count` numbers for this process and return the first; see `first_free`.

        DuplicateKey when another process makes the row of the market in the same moment.
        """
        rows = self.database.query(sql.NEXT_NUMBER, (market,))
        if not rows:  # a lock needs a row to hold: of two that insert it one has to wait
            self.database.execute(sql.INSERT_NUMBER, (market, 0))
        reserved = to_int(rows[0][0]) if rows else 0
        booked = 0
        if not reserved:  # looks at every row; later blocks lie above the first one
            booked = to_int(self.database.query(sql.HIGHEST_NUMBER, (market, NUMBER_LIMIT))[0][0])
        first = first_free(reserved, booked, draw, at_start=at_start)
        self.database.execute(sql.REPLACE_NUMBER, (market, first + count))
        return first

    # ---- cursor and quarantine --------------------------------------------------------------

    def cursor(self, key: AccountKey) -> datetime | None:
        """Return the time up to which executions are booked."""
        rows = self.database.query(sql.CURSOR, _account(key))
        return to_time(rows[0][0]) if rows else None

    def strangers(self, key: AccountKey) -> tuple[int, ...]:
        """Return the other accounts of the market with books here, if this one has none."""
        if self.cursor(key) is not None:
            return ()
        rows = self.database.query(sql.OTHER_ACCOUNTS, _account(key))
        return tuple(to_int(row[0]) for row in rows)

    def advance_cursor(self, key: AccountKey, until: datetime) -> None:
        """Move the cursor forward; it never goes back."""
        present = self.cursor(key)
        if present is None or present < until:
            self.database.execute(sql.REPLACE_CURSOR, (*_account(key), time_text(until)))

    def quarantine(self, key: AccountKey, execution: Executed, reason: str) -> None:
        """Keep an execution that cannot be booked."""
        self.database.execute(
            sql.REPLACE_QUARANTINE,
            (
                *_account(key),
                quarantine_key(execution),
                storable(reason),
                storable(execution.raw),
            ),
        )

    def release(self, key: AccountKey, exec_id: str, outcome: str) -> None:
        """Take an execution out of the quarantine: "booked" now, or "dismissed"."""
        self.database.execute(sql.KEEP_QUARANTINED, (outcome, *_account(key), exec_id))
        self.database.execute(sql.DELETE_QUARANTINE, (*_account(key), exec_id))

    def quarantined(self, key: AccountKey) -> list[Waiting]:
        """Return what is in quarantine."""
        rows = self.database.query(sql.QUARANTINED, _account(key))
        return [Waiting(to_text(exec_id), to_text(raw), None) for exec_id, raw in rows]


def quarantine_key(execution: Executed) -> str:
    """Return the execution's id, or a digest of its row where that is no usable key."""
    exec_id = execution.exec_id
    usable = 0 < len(exec_id) <= EXEC_ID_SIZE and exec_id == storable(exec_id).strip()
    return exec_id if usable else sha256(storable(execution.raw).encode()).hexdigest()


def unclassified_text(exec_type: str, exec_id: str, symbol: str) -> str:
    """Say that an execution moves money in a way that the program does not know."""
    return (
        f"execution {exec_id} of {symbol} has the unknown type {exec_type!r} and may have moved "
        "money; it is kept in the table executions and not booked. To say what it is: main.py "
        f"--classify {exec_id} trade (or funding, settlement, nothing), then F3"
    )


def _account(key: AccountKey) -> tuple[str, str, int]:
    return key.market, key.network.value, key.account


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
