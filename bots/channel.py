"""What the terminal and a bot's worker process say to each other over two pipes.

To the worker: pickled objects, for the worker trusts the terminal. From the worker: lines that are
checked field by field, see `worker_lines`.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass, field
from decimal import Decimal
from typing import BinaryIO

from bots.calls import pack_call, unpack_call
from common.domain.bots import BotFill
from common.domain.instruments import Symbol
from common.domain.market import Candle, Ticker
from common.domain.orders import Side
from common.engine.bot_items import BotAnswer, RobotView

_CALL = b"C"  # begins a call; a pickle begins with another byte
_LENGTH = struct.Struct("!I")

# ---- to the worker --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message."""

    emi: str
    algo: str | None  # folder of the profile's own strategies; None: the program's
    views: tuple[RobotView, ...]  # of every bot
    memory_limit: int  # bytes; 0: none
    init_seconds: float  # that algo/init.py may take where the settings name the strategy; 0: any


@dataclass(frozen=True, slots=True)
class History:
    """Closed bars from before the start, in portions."""

    candles: tuple[Candle, ...]


@dataclass(frozen=True, slots=True)
class Where:
    """Tell where the strategy is at this moment."""


@dataclass(frozen=True, slots=True)
class Call:
    """A `BotCall` on its way."""

    view: RobotView
    candles: tuple[Candle, ...]
    ticker: Ticker
    orders: bytes  # as `pack_orders` made them


@dataclass(frozen=True, slots=True)
class FillCall:
    """A `BotCall` that tells of fills, on its way."""

    view: RobotView
    ticker: Ticker
    orders: bytes  # as `pack_orders` made them
    fills: tuple[BotFill, ...]


@dataclass(frozen=True, slots=True)
class StopStrategy:
    """This is the end: let the strategy do what comes last, and end the process."""


@dataclass(frozen=True, slots=True)
class LoadStrategy:
    """All history is there: import the strategy, and with `trial` call it once without orders.

    After a trial it is imported again, so that nothing of the trial stays with it.
    """

    trial: Call | None = None


ToWorker = Setup | History | LoadStrategy | Call | FillCall | StopStrategy | BotAnswer | Where


def packed(message: ToWorker) -> bytes:
    """Return a message as it goes through the pipe."""
    if isinstance(message, Call):
        body = _CALL + pack_call(message.view, message.candles, message.ticker, message.orders)
    else:
        body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


def read_from_terminal(stream: BinaryIO) -> ToWorker | None:
    """Return the next message; None: the terminal has gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (size,) = _LENGTH.unpack(head)
    body = stream.read(size)
    if len(body) < size:
        return None
    if body.startswith(_CALL):
        return Call(*unpack_call(body[1:]))
    message: ToWorker = pickle.loads(body)
    return message


# ---- from the worker ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loaded:
    """The strategy is there, or `problem` says why not; `detail` is its traceback."""

    problem: str
    detail: str = ""
    file: str = ""
    saved: float = 0.0  # seconds since 1970 of the file's last change
    digest: str = ""
    sources: dict[str, str] = field(default_factory=dict)  # path -> digest
    takes_fills: bool = False
    stops: bool = False  # it has something to do at its end


@dataclass(frozen=True, slots=True)
class Trying:
    """The strategy is imported and called for a trial."""


@dataclass(frozen=True, slots=True)
class Tried:
    """The trial's call has returned."""


@dataclass(frozen=True, slots=True)
class OrderCall:
    """The strategy waits for the answer to an order call; fields as in `BotOrder`."""

    verb: str
    market: str
    symbol: Symbol | None
    on_behalf_of: str
    side: Side | None
    price: Decimal | None
    quantity: int | None
    cl_ord_id: str


@dataclass(frozen=True, slots=True)
class RefusedHere:
    """The worker refused an order call itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The strategy has returned."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The strategy raised; the worker ends."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Printed:
    """A line that the strategy printed."""

    text: str


@dataclass(frozen=True, slots=True)
class Stack:
    """Answer to `Where`."""

    reason: str  # innermost line of the user's code
    detail: str


FromWorker = Loaded | Trying | Tried | OrderCall | RefusedHere | Finished | Failed | Printed | Stack
