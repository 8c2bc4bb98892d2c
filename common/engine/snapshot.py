"""What the screen shows, as one frozen value that the engine replaces whole.

Money is in the smallest unit of its currency, with the currency's `scale` beside it; quantities
are contracts. The presenter turns them into text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum

from common.domain.books import Entry
from common.domain.bot_story import BotStory
from common.domain.bots import BotCode, BotLine, OnStop
from common.domain.executions import Network
from common.domain.instruments import Instrument, Symbol
from common.domain.market import Book, RequestsLeft
from common.domain.orders import Phase, Side
from common.domain.parameters import Catalog
from common.domain.reports import Line, Period, Total
from common.domain.robots import Status
from common.domain.verification import Verification


class Health(str, Enum):
    """What may be done on a market; cancelling is always allowed."""

    STARTING = "STARTING"  # being brought up for the first time
    OFFLINE = "OFFLINE"  # the exchange cannot be reached; tried again by itself
    RECONCILING = "RECONCILING"  # connected; history and orders are being compared
    LIVE = "LIVE"  # fresh data, books reconciled, database writable: orders are accepted
    STALE = "STALE"  # no fresh data
    BLOCKED = "BLOCKED"  # a person must act; the reason says what

    def __str__(self) -> str:
        return self.value


class Level(str, Enum):
    """How loud a notice is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of the information panel."""

    number: int  # strictly increasing
    at: datetime
    level: Level
    text: str
    event: int | None = None  # the user action that this answers
    refused: bool = False  # the answer is no


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong now; it goes by itself when its cause is gone."""

    key: str
    level: Level  # WARNING or ERROR
    cause: str
    since: datetime
    doing: str  # what the program does about it
    remedy: str  # what a person can do


@dataclass(frozen=True, slots=True)
class DeadManRow:
    """The dead man's switch of a market whose settings ask for it."""

    seconds: int
    until: datetime | None  # exchange time at which it cancels all orders; None: not armed
    problem: str = ""  # why it could not be refreshed, in words


@dataclass(frozen=True, slots=True)
class MarketRow:
    """The exchange box."""

    market: str
    network: Network
    endpoint: str
    account: int | None
    account_name: str
    health: Health
    reason: str  # in words; "" when LIVE
    progress: str  # what is being done now, e.g. "trade history: 1,500 executions"
    read_only: bool = False  # another terminal trades on the account
    orders_known: bool = False  # all open orders of the account can be seen here
    verification: Verification = field(
        default_factory=Verification
    )  # how books and exchange compare
    dead_man: DeadManRow | None = None  # None: not asked for
    requests_left: RequestsLeft | None = None  # None: nobody counts them
    clock_ahead: int = 0  # whole seconds that the exchange's clock is ahead of this computer's


@dataclass(frozen=True, slots=True)
class PositionRow:
    """One symbol of the account, flat ones too."""

    market: str
    symbol: Symbol
    instrument: Instrument
    quantity: int
    entry_price: Decimal | None
    pnl: int  # unrealised, smallest unit of `currency`
    currency: str
    scale: int
    margin_call_price: Decimal | None
    state: str
    volume24h: int | None
    expiry: datetime | None
    funding_rate: Decimal | None


@dataclass(frozen=True, slots=True)
class BookView:
    """The order book of one symbol with the account's own orders."""

    symbol: Symbol
    instrument: Instrument
    book: Book
    own_bids: Mapping[Decimal, int]  # price -> contracts still open
    own_asks: Mapping[Decimal, int]
    fresh: bool = True  # False: the last prices of a stream that is silent or broken


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One open or pending order."""

    key: str  # clOrdID where it has one, else the exchange's order id; unique
    market: str
    at: datetime
    symbol: Symbol
    instrument: Instrument
    emi: str
    side: Side
    price: Decimal | None  # None: market order
    stop_price: Decimal | None
    kind: str  # "Limit", "Stop", ...
    quantity: int  # in all
    leaves: int
    phase: Phase
    cancel_problem: str = ""  # why it stands although it was to be cancelled


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A trade or a funding payment of one bot, as it was booked."""

    market: str
    entry: Entry
    instrument: Instrument | None  # None: not subscribed any more


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Money of one currency."""

    market: str
    currency: str
    scale: int
    margin_balance: int | None
    available: int | None
    leverage: Decimal | None
    result: int  # sum of SUMREAL plus the positions' unrealised cost
    commission: int  # paid > 0
    funding: int  # paid > 0
    control: int | None  # walletBalance - result + commission + funding
    alarm: bool = False  # CONTROL differs, and not only for a moment, from what was deposited


@dataclass(frozen=True, slots=True)
class RobotRow:
    """One bot."""

    market: str
    emi: str
    symbol: Symbol
    instrument: Instrument | None
    currency: str
    scale: int
    timeframe: int
    capital: int
    status: Status
    problem: str
    volume: int
    pnl: int | None  # None: no price to value the position at
    position: int
    errors: int = 0  # exceptions, overruns, and refused orders since the start or F3
    code: BotCode | None = None  # what it runs; None: nothing is loaded
    note: str = ""  # why code that was saved since is not used
    on_stop: OnStop = OnStop.LEAVE
    strategy: str = ""  # "module:attribute" of its settings; "": algo/init.py says it
    parameters: tuple[tuple[str, str], ...] = ()  # name, text; of those that were set
    startable: bool = False  # a click switches it to WORK, although it was stopped


@dataclass(frozen=True, slots=True)
class ResultRow:
    """What one bot did during one period."""

    market: str
    period: Period
    line: Line
    instrument: Instrument | None  # None: not subscribed any more


@dataclass(frozen=True, slots=True)
class TotalRow:
    """What all bots did in one currency since the books begin."""

    market: str
    total: Total


@dataclass(frozen=True, slots=True)
class Results:
    """The books by period, as they were read last."""

    period: Period
    at: datetime  # when they were read
    totals: tuple[TotalRow, ...] = ()  # over all rows, those left off included
    rows: tuple[ResultRow, ...] = ()  # newest period first, bounded
    left_off: int = 0  # older rows, which only the export has


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything on the screen at one moment."""

    at: datetime  # exchange time, aware UTC
    beat: int  # grows with every turn of the engine that took a snapshot
    trading: bool  # F9
    network: Network
    entries: bool = True  # False while trading: bots may only reduce their positions
    reloads: int = 0  # completed bring-ups; the screen rebuilds its lists when it grows
    markets: tuple[MarketRow, ...] = ()
    positions: tuple[PositionRow, ...] = ()
    books: Mapping[Symbol, BookView] = field(default_factory=dict)
    orders: tuple[OrderRow, ...] = ()  # newest change first
    trades: tuple[EntryRow, ...] = ()  # newest first, bounded
    funding: tuple[EntryRow, ...] = ()  # newest first, bounded
    accounts: tuple[AccountRow, ...] = ()
    robots: tuple[RobotRow, ...] = ()
    results: Results | None = None  # None: nobody has asked
    stories: Mapping[tuple[str, str], BotStory] = field(default_factory=dict)  # (market, EMI)
    bot_logs: Mapping[tuple[str, str], tuple[BotLine, ...]] = field(
        default_factory=dict
    )  # by market and EMI; oldest first, bounded
    catalog: Catalog = field(default_factory=Catalog)  # strategies that can be chosen
    notices: tuple[Notice, ...] = ()  # oldest first, bounded
    problems: tuple[Problem, ...] = ()  # of now, the worst first
