"""Books compared with the exchange: what goes into the comparison and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum

from common.domain.account import Margin, PositionFigures, WalletKind
from common.domain.books import Balance, Entry
from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Symbol
from common.domain.orders import Order, Side


class Rule(str, Enum):
    """What must hold between the books and the exchange."""

    EXACTLY_ONCE = "every execution is in the books once"
    COMPLETE_ROWS = "an execution stands with all its rows"
    POSITION = "the bots' positions sum to the account's"
    FILL = "rows repeat the figures of their execution"
    ORDER = "fills sum to what their order has filled"
    RESULT = "results, fees and funding are what the wallet received"
    MARGIN = "the figures of the margin account agree"
    WALLET = "the wallet's history adds up to its balance"
    WALLET_TYPE = "it is known what every transaction of the wallet is"
    POSITION_ROW = "the figures of a position agree"
    FUNDING_SPLIT = "each bot pays its share of funding"
    TRANSFER = "what bots exchange at a settlement sums to 0"
    OPEN_ORDERS = "the orders shown are those that the exchange holds"
    MEMORY = "what is shown are the sums of the rows"


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that two sides tell differently.

    Money is in the smallest unit of `currency`, quantities are contracts. Of Rule.MEMORY
    `exchange` is what the rows of the books say; of MARGIN, WALLET and POSITION_ROW both figures
    are the exchange's own: what is told, and what the others amount to.
    """

    rule: Rule
    symbol: Symbol | None
    currency: str  # "": not about money
    emi: str  # "": not about one bot
    what: str  # e.g. "position", "COMMISS of execution ..."
    books: int
    exchange: int
    text: str  # a sentence for a person
    blocks: bool = True  # trading must wait; False: the books begin later than the account


@dataclass(frozen=True, slots=True)
class JournalRow:
    """What the journal holds of an execution."""

    exec_id: str
    kind: ExecutionKind
    symbol: Symbol
    currency: str
    cost: int  # exchange's sign
    fee_currency: str
    fee: int  # > 0: paid
    row_count: int  # rows of `coins` that were written with it
    at: datetime


@dataclass(frozen=True, slots=True)
class CoinRow:
    """A row of `coins` with its decimal columns beside the integers."""

    entry: Entry
    sum_real: Decimal | None
    commission: Decimal | None


@dataclass(frozen=True, slots=True)
class BooksRead:
    """The books of an account as they are in the database."""

    journal: Sequence[JournalRow]  # from the moment asked for
    rows: Sequence[CoinRow]  # from the moment asked for
    balances: Sequence[Balance]  # sums of all rows
    first: datetime | None  # time of the oldest execution; None: no executions
    executions: int  # in the journal, all of them
    holes: Sequence[datetime] = ()  # times of all executions that lack rows, oldest first
    # What a person has said of types of wallet transactions that the program does not know, and
    # how many transactions are kept of each type of which nobody has said anything.
    wallet_kinds: Mapping[str, WalletKind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WalletSums:
    """The history of one wallet, added up."""

    result: int = 0  # derivatives: profit, loss, fees
    funding: int = 0
    spot: int = 0
    external: int = 0  # net deposits
    # Type that nobody knows -> number of transactions and what they moved together.
    unknown: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    balance: int | None = None  # as the newest row tells it
    breaks: tuple[tuple[datetime, int, int], ...] = ()  # when, balance told, balance expected

    @property
    def total(self) -> int:
        """What the wallet must hold."""
        return self.result + self.funding + self.spot + self.outside

    @property
    def outside(self) -> int:
        """Net deposits; what nobody knows counts as such until somebody says what it is."""
        return self.external + sum(amount for _, amount in self.unknown.values())

    def resolved(self, kinds: Mapping[str, WalletKind]) -> WalletSums:
        """Return the sums with the types that are in `kinds` counted as what they are."""
        sums = self
        for name, (_, amount) in self.unknown.items():
            part = _PARTS.get(kinds.get(name, WalletKind.UNKNOWN))
            if part is not None:
                left = {other: what for other, what in sums.unknown.items() if other != name}
                sums = replace(sums, unknown=left, **{part: getattr(sums, part) + amount})
        return sums


_PARTS = {  # of WalletSums
    WalletKind.RESULT: "result",
    WalletKind.FUNDING: "funding",
    WalletKind.SPOT: "spot",
    WalletKind.EXTERNAL: "external",
}


@dataclass(frozen=True, slots=True)
class ExchangeTruth:
    """What the exchange says of the account."""

    since: datetime  # executions from here on
    executions: Sequence[Executed]
    first: datetime | None  # time of the account's oldest execution; None: it has none
    positions: Sequence[PositionFigures]
    margins: Sequence[Margin]
    wallets: Mapping[str, WalletSums]  # by currency
    orders: Sequence[Order]  # open
    ended: Sequence[Order] = ()  # those of the newest orders that have ended


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """The figures of an open order that both sides must agree on."""

    order_id: str
    emi: str
    symbol: Symbol
    side: Side
    price: Decimal | None
    quantity: int
    leaves: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What the program shows."""

    balances: Sequence[Balance]
    orders: Sequence[OpenOrder]
    # Orders that changed while the exchange was being asked are compared the next time.
    passed_over: frozenset[str] = frozenset()  # order ids


@dataclass(frozen=True, slots=True)
class Frame:
    """What is needed to read the figures."""

    scales: Mapping[str, int]  # currency -> decimal places
    bases: Mapping[Symbol, str]  # spot symbol -> wallet currency of what is bought


@dataclass(frozen=True, slots=True)
class Verification:
    """How the last comparison ended, for the screen."""

    at: datetime | None = None  # exchange time of the last one that found nothing
    executions: int = 0  # in the books then
    differences: tuple[Difference, ...] = ()  # seen twice: they are real
    finished: int = 0  # comparisons with an outcome, good or bad
    running: bool = False
    problem: str = ""  # why the last one could not be carried out
