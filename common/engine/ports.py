"""What the engine needs from others, and everything that reaches its inbox.

An exchange is whatever satisfies `Gateway`; the books are whatever satisfies `Ledger`; bots run in
whatever satisfies `BotRunner`. None of them ever blocks the engine: they take a request and put
the outcome into the inbox later.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from common.domain.account import Margin, Position
from common.domain.books import AccountKey, Books, Entry, Intent
from common.domain.commands import Command
from common.domain.executions import Executed, Network
from common.domain.instruments import Currency, Instrument, Symbol
from common.domain.market import Book, Candle, Ticker, Trade
from common.domain.orders import Order, Side
from common.domain.robots import Robot
from common.errors import TmaticError

# ---- the exchange: requests over REST -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FetchAccount:
    """Who are we? Result: Account."""


@dataclass(frozen=True, slots=True)
class FetchCurrencies:
    """Result: tuple[Currency, ...] (a shipped table stands in where the exchange has none)."""


@dataclass(frozen=True, slots=True)
class FetchInstruments:
    """Result: tuple[Instrument, ...] of those symbols that exist in the category asked for."""

    symbols: tuple[Symbol, ...]


@dataclass(frozen=True, slots=True)
class FetchHistory:
    """One page of balance-affecting executions, oldest first. Result: HistoryPage."""

    since: datetime
    offset: int  # rows to skip from `since` on


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Rows of one page; `rows` counts what the exchange sent, decoded or not."""

    executions: tuple[Executed, ...]
    rows: int
    full: bool  # the page held as many rows as were asked for


@dataclass(frozen=True, slots=True)
class FetchOpenOrders:
    """Result: tuple[Order, ...] of the whole account."""


@dataclass(frozen=True, slots=True)
class FindOrder:
    """Look an order up by clOrdID. Result: Order, or None when the exchange knows none."""

    cl_ord_id: str


@dataclass(frozen=True, slots=True)
class FetchCandles:
    """Closed bars, oldest first. Result: tuple[Candle, ...]. Any timeframe of whole minutes."""

    symbol: Symbol
    timeframe: int  # minutes
    since: datetime


@dataclass(frozen=True, slots=True)
class SendOrder:
    """Place a limit order. Result: Order as answered."""

    cl_ord_id: str
    symbol: Symbol
    side: Side
    quantity: int  # contracts
    price: Decimal


@dataclass(frozen=True, slots=True)
class SendAmend:
    """Change an open order. `quantity` is the total (filled + wanted rest). Result: Order."""

    order_id: str
    cl_ord_id: str
    quantity: int | None
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class SendCancel:
    """Cancel an order. Result: Order. OrderNotFound when it had ended already."""

    order_id: str
    cl_ord_id: str  # used where the order id is not known yet


Request = (
    FetchAccount
    | FetchCurrencies
    | FetchInstruments
    | FetchHistory
    | FetchOpenOrders
    | FindOrder
    | FetchCandles
    | SendOrder
    | SendAmend
    | SendCancel
)

# ---- inbox: from the exchange ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """The outcome of a request. Exactly one of `result` and `error` counts (error first)."""

    market: str
    number: int  # as `Gateway.request` returned it
    request: Request
    result: object
    error: TmaticError | None = None


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """The socket is open and authenticated; subscriptions were sent."""

    market: str
    session: int


@dataclass(frozen=True, slots=True)
class RawText:
    """One message as it came from the socket; decoded by `Gateway.receive` on the engine."""

    market: str
    session: int
    received_at: float  # monotonic seconds
    text: str | bytes


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The socket is gone or could not be opened."""

    market: str
    session: int
    error: TmaticError  # AuthenticationFailed: do not retry


# ---- what a stream message means (results of Gateway.receive) --------------------------------


@dataclass(frozen=True, slots=True)
class StreamReady:
    """The image of every subscribed topic has arrived: state is complete from here on."""


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order is new or differs from before."""

    order: Order


@dataclass(frozen=True, slots=True)
class OrdersReplaced:
    """The image of the order table arrived: these are the orders the exchange holds open."""

    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class PositionChanged:
    """A position of the account differs from before."""

    position: Position


@dataclass(frozen=True, slots=True)
class MarginChanged:
    """The wallet of one currency differs from before."""

    margin: Margin


@dataclass(frozen=True, slots=True)
class InstrumentChanged:
    """Contract figures or state of a subscribed instrument differ from before."""

    instrument: Instrument


@dataclass(frozen=True, slots=True)
class StreamComplaint:
    """The exchange refused something on the stream (a topic, a subscription)."""

    text: str


Message = (
    Executed
    | Trade
    | StreamReady
    | OrderChanged
    | OrdersReplaced
    | PositionChanged
    | MarginChanged
    | InstrumentChanged
    | StreamComplaint
)


class Inbox(Protocol):
    """Where every other thread leaves something for the engine. Bounded: `put` may wait."""

    def put(self, item: object) -> None:
        """Add one of the items of this module."""


class Gateway(Protocol):
    """One exchange account. `receive`, `ticker` and `book` are the engine's thread only."""

    market: str
    network: Network
    endpoint: str  # host for the screen, without credentials

    def start(self, inbox: Inbox) -> None:
        """Start the REST threads. Called once."""

    def request(self, request: Request) -> int:
        """Queue a request and return its number; the `Reply` comes to the inbox."""

    def connect(self, session: int, symbols: Sequence[Symbol], tapes: Collection[Symbol]) -> None:
        """Open a stream session for `symbols`, with public trades of those in `tapes`.

        A former session is closed; its late messages carry its own number.
        """

    def disconnect(self) -> None:
        """Close the stream session, if any, without a `StreamClosed`."""

    def receive(self, item: RawText) -> Sequence[Message]:
        """Decode a message of the present session. ProtocolError when it cannot be understood."""

    def ticker(self, symbol: Symbol) -> Ticker:
        """What the stream last said of an instrument."""

    def book(self, symbol: Symbol) -> Book:
        """The order book as last streamed (one level each side with depth "quote")."""

    def clock_offset(self) -> float:
        """Seconds that the exchange's clock is ahead of the local one."""

    def stop(self) -> None:
        """End all threads; waits until they are gone."""


# ---- the books ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LedgerOpened:
    """Answer to `Ledger.open`."""

    books: Books


@dataclass(frozen=True, slots=True)
class Booked:
    """Rows that are durable now. `known` counts executions that had been booked before."""

    key: AccountKey
    entries: tuple[Entry, ...]
    exec_ids: frozenset[str]  # every execution of the job, new and known
    known: int
    problems: tuple[str, ...] = ()  # in words; each blocks trading


@dataclass(frozen=True, slots=True)
class NumbersReserved:
    """clOrdID numbers first .. first + count - 1 are this process's for ever."""

    market: str
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class IntentWritten:
    """The intent is durable: its request may leave the process."""

    key: AccountKey
    intent: Intent


@dataclass(frozen=True, slots=True)
class LedgerDown:
    """The database does not take anything at present; the ledger keeps trying by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class LedgerUp:
    """The database works again; nothing that was handed over has been lost."""


class Ledger(Protocol):
    """The books. Every method only queues a job, in order; outcomes come to the inbox."""

    def start(self, inbox: Inbox) -> None:
        """Start the ledger thread, which connects and creates or migrates the tables."""

    def open(
        self, key: AccountKey, symbols: Sequence[Symbol], currencies: Sequence[Currency]
    ) -> None:
        """Load robots and balances of an account -> LedgerOpened."""

    def book(
        self, key: AccountKey, executions: Sequence[Executed], cursor: datetime | None
    ) -> None:
        """Write executions, each once, and the cursor with them -> Booked."""

    def reserve_numbers(self, market: str, count: int) -> None:
        """Take a block of clOrdID numbers -> NumbersReserved."""

    def write_intent(self, key: AccountKey, intent: Intent) -> None:
        """Make an order request durable -> IntentWritten."""

    def settle_intent(self, key: AccountKey, cl_ord_id: str, outcome: str, order_id: str) -> None:
        """Record what became of an intent: ACCEPTED, REFUSED or NOT_PLACED."""

    def save_status(self, market: str, emi: str, work: bool) -> None:
        """Keep WORK/OFF of a bot over restarts."""

    def stop(self) -> None:
        """Finish the queued jobs, close the database and end the thread."""


# ---- bots -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as strategies see it in `var.orders`."""

    cl_ord_id: str
    emi: str
    symbol: Symbol
    side: Side
    price: Decimal
    leaves: int  # contracts
    market: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RobotView:
    """What a strategy is told of a bot."""

    robot: Robot
    instrument: Instrument
    position: int  # contracts
    volume: int  # contracts
    pnl: int  # smallest unit of the settlement currency
    currency: Currency


@dataclass(frozen=True, slots=True)
class BotCall:
    """One call of a strategy, after a bar has closed."""

    view: RobotView
    candles: Sequence[Candle]  # closed since the worker's last call, oldest first
    ticker: Ticker
    orders: Sequence[OrderView]


@dataclass(frozen=True, slots=True)
class BotLoaded:
    """A worker has loaded its strategy (or failed to: `problem` says why, in words)."""

    emi: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class BotOrder:
    """A strategy called post_order, put_order or del_order; answered with BotRunner.answer."""

    emi: str
    call: int
    verb: str  # "post", "put", "del"
    market: str
    symbol: Symbol | None
    on_behalf_of: str  # EMI named by the strategy (post)
    side: Side | None
    price: Decimal | None
    quantity: int | None  # contracts; of put: the wanted rest
    cl_ord_id: str = ""


@dataclass(frozen=True, slots=True)
class BotAnswer:
    """What a strategy's order call returns: the clOrdID, "" when it was refused."""

    cl_ord_id: str
    order: OrderView | None  # as it stands in var.orders now; None: not there (any more)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BotFinished:
    """A strategy returned from a call."""

    emi: str
    seconds: float


@dataclass(frozen=True, slots=True)
class BotFailed:
    """A strategy raised, hung or died; its worker is gone."""

    emi: str
    reason: str  # one line for the screen, with file and line where known
    detail: str  # traceback for the log


class BotRunner(Protocol):
    """Runs strategies outside the process of the terminal."""

    def start(self, inbox: Inbox) -> None:
        """Remember where outcomes go."""

    def load(self, views: Sequence[RobotView], history: dict[str, Sequence[Candle]]) -> None:
        """End all workers and start one for each view -> BotLoaded. history: emi -> closed bars."""

    def call(self, emi: str, call: BotCall) -> bool:
        """Hand a closed bar to the bot's worker; False while the last call has not returned."""

    def answer(self, emi: str, call: int, answer: BotAnswer) -> None:
        """Answer a `BotOrder`."""

    def stop(self) -> None:
        """End every worker."""


@dataclass(frozen=True, slots=True)
class ReloadFailed:
    """F3 was pressed and nothing was reloaded; everything goes on as before."""

    reason: str


class Clock(Protocol):
    """Time for the engine."""

    def now(self) -> datetime:
        """Wall time, aware UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""


Item = (
    Command
    | Reply
    | StreamOpened
    | RawText
    | StreamClosed
    | LedgerOpened
    | Booked
    | NumbersReserved
    | IntentWritten
    | LedgerDown
    | LedgerUp
    | BotLoaded
    | BotOrder
    | BotFinished
    | BotFailed
    | ReloadFailed
)
