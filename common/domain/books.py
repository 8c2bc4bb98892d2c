"""Rows of the books in memory: what the ledger wrote, and the sums kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from common.domain.bots import OnStop
from common.domain.executions import ExecutionKind, Network
from common.domain.instruments import Symbol
from common.domain.orders import Side
from common.domain.robots import Robot

SIDE_BUY, SIDE_SELL, SIDE_FUNDING = 0, 1, -1  # column SIDE of `coins`


@dataclass(frozen=True, slots=True)
class AccountKey:
    """Whose books: rows of different keys never mix."""

    market: str
    network: Network
    account: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of `coins`: the share of one bot in one execution.

    `sum_real` = -execCost (> 0: received) and `commission` = execComm (> 0: paid) in the smallest
    unit of `currency`; the decimal columns are these divided by 10**scale.
    """

    exec_id: str
    kind: ExecutionKind
    emi: str
    refer: str | None  # EMI part of clOrdID as it was sent
    symbol: Symbol
    currency: str
    side: int  # SIDE_BUY, SIDE_SELL or SIDE_FUNDING
    quantity: int  # contracts, positive; of Funding: of this bot's position
    rest: int  # contracts of the order left open
    price: Decimal | None
    theor_price: Decimal | None
    trade_price: Decimal | None
    sum_real: int
    commission: int
    scale: int  # decimal places of the currency's smallest unit
    at: datetime  # aware UTC
    number: int  # of the clOrdID; 0: none
    position_delta: int = 0  # contracts that this bot's position changes by


@dataclass(slots=True)
class Balance:
    """What one bot has in one symbol and currency; the sums of its rows of `coins`."""

    emi: str
    symbol: Symbol
    currency: str
    position: int = 0  # contracts, long > 0
    sum_real: int = 0  # of trades and settlements
    commission: int = 0  # fees of trades, > 0 paid
    funding: int = 0  # > 0 paid
    volume: int = 0  # contracts traded

    def add(self, entry: Entry) -> None:
        """Take one more row into the sums."""
        if entry.side == SIDE_FUNDING:
            self.funding += entry.commission
            return
        self.position += entry.position_delta
        self.sum_real += entry.sum_real
        self.commission += entry.commission
        self.volume += entry.quantity

    def take(self, other: Balance) -> None:
        """Take the sums of other rows of the same bot, symbol and currency into these."""
        self.position += other.position
        self.sum_real += other.sum_real
        self.commission += other.commission
        self.funding += other.funding
        self.volume += other.volume


@dataclass(frozen=True, slots=True)
class Intent:
    """An order request that is made durable before it leaves the process."""

    cl_ord_id: str
    emi: str
    symbol: Symbol
    side: Side
    quantity: int  # contracts in all
    price: Decimal
    verb: str  # "POST" or "PUT"
    order_id: str = ""
    written: datetime | None = field(default=None, compare=False)  # None: not read from the books


@dataclass(frozen=True, slots=True)
class Waiting:
    """An execution that was not booked: in quarantine, or of a kind that nobody knew."""

    exec_id: str  # or the digest that stands for it in the quarantine
    raw: str  # the row as it came, JSON text
    kind: ExecutionKind | None  # what a person says it is; None: nobody has said anything


@dataclass(frozen=True, slots=True)
class Books:
    """What the ledger knows when an account is opened."""

    key: AccountKey
    robots: Sequence[Robot]  # rows of `robots` of this market; a bad row has Status.ERROR
    balances: Sequence[Balance]
    statuses: Mapping[str, bool]  # emi -> WORK as the user last left it, or OFF by a fault
    open_intents: Sequence[Intent]  # whose outcome was never learned
    cursor: datetime | None  # executions up to here are booked
    recent_trades: Sequence[Entry] = field(default_factory=tuple)  # newest first
    recent_funding: Sequence[Entry] = field(default_factory=tuple)  # newest first
    warnings: Sequence[str] = field(default_factory=tuple)
    read_only: bool = False  # another terminal writes these books
    policies: Mapping[str, OnStop] = field(default_factory=dict)  # by emi; absent: LEAVE
    strangers: Sequence[int] = ()  # accounts with books here, while this one has none
    waiting: Sequence[Waiting] = ()  # to be tried once more now
    holes: Sequence[datetime] = ()  # times of executions that lack rows of `coins`, oldest first
    wallet_unknown: bool = False  # the wallet has transactions of a type that nobody knows
