"""Everything that reaches the engine: its inbox, and what the stream says in decoded form."""

from __future__ import annotations

from dataclasses import dataclass

from common.domain.account import Margin, Position
from common.domain.books import AccountKey, Books, Entry, Intent
from common.domain.bot_story import BotStory
from common.domain.executions import Executed
from common.domain.instruments import Instrument
from common.domain.market import Trade
from common.domain.orders import Order
from common.domain.reports import Report
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
