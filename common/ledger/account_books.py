"""The books of one account in memory, and one transaction's worth of booking on a copy of them.

Memory follows the commit: a `Batch` works on a copy, and the copy takes the place of the original
only when the database has said that the rows are durable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from common.domain.books import SIDE_FUNDING, AccountKey, Balance, Entry
from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Symbol
from common.domain.orders import CL_ORD_ID_LENGTH, parse_cl_ord_id
from common.ledger.booking import RowRefused, Standing, book
from common.ledger.database import time_text
from common.ledger.restoring import restore
from common.ledger.rows import Row, coin_row, execution_row
from common.ledger.store import Store, quarantine_key, unclassified_text
from common.ledger.sums import Sums, count_on, read_sums
from common.ledger.texts import storable

FLUSH_EVERY = 800  # executions
_SHARED = (ExecutionKind.FUNDING, ExecutionKind.SETTLEMENT, ExecutionKind.TRANSFER)
BalanceKey = tuple[str, Symbol, str]  # EMI, symbol, currency


@dataclass(slots=True)
class AccountBooks:
    """What the ledger thread knows of an account; equal to the sums of the tables."""

    key: AccountKey
    claims: Mapping[str, Symbol]  # EMI -> symbol of the usable rows of `robots`
    scales: Mapping[str, int]  # currency -> decimal places
    balances: dict[BalanceKey, Balance] = field(default_factory=dict)
    last_trade: dict[Symbol, datetime] = field(default_factory=dict)
    quarantined: set[str] = field(default_factory=set)
    unclassified: set[str] = field(default_factory=set)  # journaled, of a kind nobody knew
    held: dict[Symbol, dict[str, int]] = field(default_factory=dict)  # contracts by bot
    fresh_rows: int = 0  # written since sums were kept

    def copy(self) -> AccountBooks:
        """Return books that can change without these."""
        return replace(
            self,
            balances={key: replace(balance) for key, balance in self.balances.items()},
            last_trade=dict(self.last_trade),
            held={symbol: dict(bots) for symbol, bots in self.held.items()},
            quarantined=set(self.quarantined),
            unclassified=set(self.unclassified),
        )

    def load(self, store: Store) -> Sums:
        """Replace the sums by those of the tables."""
        self.balances, self.last_trade, self.held = {}, {}, {}
        sums = read_sums(store.database, self.key)
        for balance, last in sums.balances:
            self.balances[balance.emi, balance.symbol, balance.currency] = balance
            self._hold(balance.emi, balance.symbol, balance.position)
            if last is not None:
                self._touch(balance.symbol, last)
        self.quarantined = {waiting.exec_id for waiting in store.quarantined(self.key)}
        return sums

    def add(self, entry: Entry) -> None:
        """Take a row into the sums."""
        key = (entry.emi, entry.symbol, entry.currency)
        if key not in self.balances:
            self.balances[key] = Balance(*key)
        self.balances[key].add(entry)
        if entry.side != SIDE_FUNDING:
            self._hold(entry.emi, entry.symbol, entry.position_delta)
            self._touch(entry.symbol, entry.at)

    def positions(self, symbol: Symbol) -> Mapping[str, int]:
        """Return EMI -> contracts of the bots of this symbol, as long as nothing is added."""
        return self.held.get(symbol, {})

    def _hold(self, emi: str, symbol: Symbol, contracts: int) -> None:
        bots = self.held.setdefault(symbol, {})
        bots[emi] = bots.get(emi, 0) + contracts

    def _touch(self, symbol: Symbol, at: datetime) -> None:
        if symbol not in self.last_trade or self.last_trade[symbol] < at:
            self.last_trade[symbol] = at


class Batch:
    """Executions of one account that become durable with one commit."""

    def __init__(
        self,
        store: Store,
        books: AccountBooks,
        executions: Sequence[Executed],
        ask_journal: bool = True,
    ) -> None:
        """not ask_journal: `send` raises DuplicateKey if the journal has one of the executions."""
        self._store = store
        self._key = books.key
        self.books = books.copy()
        told = (_name(e) for e in executions if e.kind is not ExecutionKind.REPORT)
        ids = [exec_id for exec_id in told if exec_id == storable(exec_id)]  # others are refused
        self._journaled = store.journaled(self._key, ids) if ask_journal else {}
        self._asked = self._asked_prices(executions)
        self._seen: set[str] = set()
        self._executions: list[Row] = []
        self._coins: list[Row] = []
        self._more_rows = 0  # that must stand by the journal
        self._standing: Standing | None = None  # of the last execution
        self.restored: dict[str, tuple[Entry, ...]] = {}  # id -> news of an execution completed

    def known(self, execution: Executed) -> bool:
        """Return whether the books had this execution before this batch, or it has it twice."""
        there = self._journaled.get(_name(execution))
        if self.unclassified(execution) and execution.kind is not ExecutionKind.UNKNOWN:
            return False  # its kind is known by now
        return execution.exec_id in self._seen or (there is not None and there.whole)

    def unclassified(self, execution: Executed) -> bool:
        """Return whether nobody knew the kind of an execution that the books have."""
        return execution.exec_id in self.books.unclassified

    def dismiss(self, execution: Executed) -> None:
        """An execution concerns nobody, whatever was thought of it before."""
        if self.unclassified(execution):
            self._store.dismiss(self._key, execution.exec_id)
            self.books.unclassified.discard(execution.exec_id)
        self._release(execution, "dismissed")

    def _release(self, execution: Executed, outcome: str) -> None:
        if execution.exec_id in self.books.quarantined:
            self._store.release(self._key, execution.exec_id, outcome)
            self.books.quarantined.discard(execution.exec_id)

    def add(self, execution: Executed) -> tuple[Entry, ...]:
        """Book an execution that is not known. RowRefused leaves the batch as it was."""
        entries = rows = book(execution, self._stand(execution))
        if execution.kind is ExecutionKind.TRANSFER and not rows:
            return ()  # the bots do not offset each other (yet): it may come again
        there = self._journaled.get(execution.exec_id)
        count = len(rows)
        replaced: Entry | None = None
        if there is not None and there.standing:
            standing = self._store.entries_of(self._key, [execution.exec_id])
            restored = restore(execution, entries, standing)
            entries, rows, replaced = restored.news, restored.rows, restored.replaced
            count = len(standing) + len(rows) - (replaced is not None)
        at = time_text(execution.at)
        coins = [
            coin_row(self._key, entry, at if entry.at is execution.at else None) for entry in rows
        ]
        self._executions.append(execution_row(self._key, execution, count, at))
        self._coins += coins
        self._more_rows += count - (there.row_count if there else 0)
        if there is not None:  # rows were deleted by hand
            self._store.delete_execution(self._key, execution.exec_id)
            self.restored[execution.exec_id] = entries
        if replaced is not None:
            self._store.delete_row(self._key, replaced)
        self._release(execution, "booked")
        if execution.kind is ExecutionKind.UNKNOWN:
            self.books.unclassified.add(execution.exec_id)
        else:
            self.books.unclassified.discard(execution.exec_id)
        self._seen.add(execution.exec_id)
        for entry in entries:
            self.books.add(entry)
        return entries

    def refuse(self, execution: Executed, reason: str) -> str:
        """Put an execution into the quarantine and return the problem in words."""
        self._store.quarantine(self._key, execution, reason)
        self.books.quarantined.add(execution.exec_id)
        return quarantine_text(_name(execution), reason)

    def send(self) -> None:
        """Send the rows so far to the database. DataRefused: it refuses one of them."""
        executions, coins = self._executions, self._coins
        self._executions, self._coins = [], []
        self._store.insert_executions(executions, coins)
        self.books.fresh_rows += len(coins)

    def flush(self) -> None:
        """Send the rows, and take them into the tally."""
        self.send()
        more, self._more_rows = self._more_rows, 0
        count_on(self._store.database, self._key, more)

    def _stand(self, execution: Executed) -> Standing:
        positions = self._positions(execution)
        asked = self._asked.get(execution.cl_ord_id) if self._asked else None
        last = self._standing
        if last is not None and last.positions is positions and last.asked is asked:
            return last  # a view of the same books: it has followed them
        self._standing = Standing(self.books.claims, positions, self.books.scales, asked)
        return self._standing

    def _positions(self, execution: Executed) -> Mapping[str, int]:
        """Return the positions just before an execution, also when it comes late."""
        now = self.books.positions(execution.symbol)
        last = self.books.last_trade.get(execution.symbol)
        shared = execution.kind in _SHARED
        if not shared or last is None or last < execution.at:
            return now
        self.send()  # the query must see the rows of this batch
        before, with_ties = self._store.positions_at(self._key, execution)
        # Trades of the very same moment count if only then the exchange's figure comes out.
        size = execution.quantity
        fits = abs(sum(with_ties.values())) == size != abs(sum(before.values()))
        return with_ties if fits else before

    def _asked_prices(self, executions: Iterable[Executed]) -> Mapping[str, Decimal]:
        if not self._store.has_intents(self._key):
            return {}
        own = {e.cl_ord_id for e in executions if _may_be_ours(e.cl_ord_id)}
        return self._store.asked_prices(self._key, sorted(own))


def _may_be_ours(cl_ord_id: str) -> bool:
    return len(cl_ord_id) <= CL_ORD_ID_LENGTH and (
        parse_cl_ord_id(cl_ord_id).number > 0 and cl_ord_id == storable(cl_ord_id)
    )


def _name(execution: Executed) -> str:
    """Return the id of an execution; of one without any, what stands for it in the quarantine."""
    return execution.exec_id or quarantine_key(execution)


def problems_of(execution: Executed) -> tuple[str, ...]:
    """Return what a person must know of an execution that was journaled but not booked."""
    if execution.kind is not ExecutionKind.UNKNOWN:
        return ()
    return (unclassified_text(execution.exec_type, execution.exec_id, execution.symbol.ticker),)


def quarantine_text(exec_id: str, reason: str) -> str:
    """Say that an execution could not be booked."""
    return (
        f"execution {exec_id} could not be booked and is kept in the table quarantine: {reason}. "
        f"It is tried again at every start; if it is nothing: main.py --classify {exec_id} nothing"
    )


def write(
    store: Store, batch: Batch, executions: Iterable[Executed]
) -> tuple[list[Entry], set[str], list[str]]:
    """Book what is not known; return the entries, the ids that were known, and the problems."""
    entries: list[Entry] = []
    known: set[str] = set()
    problems: list[str] = []
    for number, execution in enumerate(executions, start=1):
        if number % FLUSH_EVERY == 0:  # the database writes while the next rows are made
            batch.send()
        if execution.kind is ExecutionKind.REPORT:
            batch.dismiss(execution)
            continue
        if batch.known(execution):
            known.add(execution.exec_id)
            if batch.unclassified(execution):
                problems += problems_of(execution)
            continue
        try:
            entries += batch.add(execution)
            problems += problems_of(execution)
        except RowRefused as refusal:
            problems.append(batch.refuse(execution, str(refusal)))
    return entries, known, problems
