"""Everything that reaches the engine: its inbox, and what the stream says in decoded form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from common.domain.account import Margin, Position
from common.domain.books import AccountKey, Books, Entry, Intent
from common.domain.bot_form import BotForm
from common.domain.bot_story import BotStory
from common.domain.bots import BotCode, BotFill, BotLine
from common.domain.commands import Command
from common.domain.executions import Executed
from common.domain.instruments import Currency, Instrument, Symbol
from common.domain.market import Candle, Ticker, Trade
from common.domain.orders import Order, Side
from common.domain.parameters import Catalog
from common.domain.reports import Report
from common.domain.robots import Robot
from common.domain.verification import BooksRead
from common.engine.requests import Request
from common.errors import TmaticError


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
class OrdersDoubted:
    """Something changed in an order that the image did not hold: orders have to be compared."""


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
    | OrdersDoubted
    | PositionChanged
    | MarginChanged
    | InstrumentChanged
    | StreamComplaint
)


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
    moves_on: bool = True  # the cursor went with it: all up to these is in the books


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
class BotSaved:
    """What a person said of a bot is durable, or could not be written: `problem` says why."""

    market: str
    robot: Robot | None  # None: with a problem
    form: BotForm
    event: int  # the user action
    problem: str = ""


@dataclass(frozen=True, slots=True)
class BotDeleted:
    """A bot is out of the settings for good."""

    market: str
    emi: str
    event: int


@dataclass(frozen=True, slots=True)
class CatalogRead:
    """The strategies that the folder `algo` offers now."""

    catalog: Catalog


@dataclass(frozen=True, slots=True)
class LedgerRead:
    """Answer to `Ledger.read`; `token` is the one that was given."""

    key: AccountKey
    token: int
    books: BooksRead


@dataclass(frozen=True, slots=True)
class WriterLost:
    """Another terminal has taken over an account: what was not written yet is the other one's."""

    key: AccountKey


@dataclass(frozen=True, slots=True)
class LedgerDown:
    """The database does not take anything at present; the ledger keeps trying by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class LedgerUp:
    """The database works again; nothing that was handed over has been lost."""


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
    """One call of a strategy, after a bar has closed or orders were filled."""

    view: RobotView
    candles: Sequence[Candle]  # closed since the worker's last call, oldest first
    ticker: Ticker
    orders: Sequence[OrderView]
    fills: tuple[BotFill, ...] = ()  # not empty: the strategy is told of these, of no bar


@dataclass(frozen=True, slots=True)
class BotLoaded:
    """A worker has loaded its strategy (or failed to: `problem` says why, in words)."""

    emi: str
    problem: str = ""
    code: BotCode | None = None  # what the worker runs
    beside: bool = False  # new code was tried; with a problem, the former code goes on
    takes_fills: bool = False  # the strategy wants to be told of fills


@dataclass(frozen=True, slots=True)
class BotWanted:
    """A bot's strategy is to be started (anew): answered with `BotRunner.start_bot`."""

    emi: str


@dataclass(frozen=True, slots=True)
class BotSaid:
    """Lines for a bot's log, which are in its file already."""

    emi: str
    lines: tuple[BotLine, ...]


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
    detail: str  # traceback; it is in the bot's log already
    raised: bool = True  # the code is wrong; else it was too slow, or its process ended


@dataclass(frozen=True, slots=True)
class ReportReady:
    """The books of the accounts asked for, summed by period."""

    reports: tuple[Report, ...]


@dataclass(frozen=True, slots=True)
class StoryReady:
    """What a bot did, as the books tell it."""

    story: BotStory


@dataclass(frozen=True, slots=True)
class Exported:
    """All tables were written as files."""

    folder: str
    files: int


@dataclass(frozen=True, slots=True)
class ReportFailed:
    """A report or an export could not be made; the text says which and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReloadFailed:
    """F3 was pressed and nothing was reloaded; everything goes on as before."""

    reason: str


# Of the runner of the bots; a `BotFinished` concerns nobody.
BotNews = BotOrder | BotLoaded | BotFailed | BotSaid | BotWanted

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
    | LedgerRead
    | WriterLost
    | BotSaved
    | BotDeleted
    | CatalogRead
    | LedgerDown
    | LedgerUp
    | BotLoaded
    | BotWanted
    | BotSaid
    | BotOrder
    | BotFinished
    | BotFailed
    | ReportReady
    | StoryReady
    | Exported
    | ReportFailed
    | ReloadFailed
)
