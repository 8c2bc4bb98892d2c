"""What the terminal and a bot's worker process say to each other over two pipes.

To the worker: pickled objects, for the worker trusts the terminal. From the worker: one JSON object
a line, checked field by field, for a strategy's process must not be able to run code in the
terminal's.
"""

from __future__ import annotations

import json
import marshal
import pickle
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO

from bots.calls import pack_call, unpack_call
from common.domain.bots import BotFill
from common.domain.instruments import Category, Symbol
from common.domain.market import Candle, Ticker
from common.domain.orders import Side
from common.engine.items import BotAnswer, OrderView, RobotView
from common.errors import StrategyError

LINE_LIMIT = 1_000_000  # bytes of one message of a worker
# clOrdID, EMI, ticker, category, side, price as text and as number, leaves, market, seconds
PackedOrder = tuple[str, str, str, str, str, str, float, int, str, float]
_fromtimestamp, _UTC = datetime.fromtimestamp, timezone.utc
_CALL = b"C"  # begins a call; a pickle begins with another byte
_LENGTH = struct.Struct("!I")
_LAST_SECOND = 2**37  # a time beyond cannot be told as a date

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


def pack_orders(orders: Iterable[OrderView]) -> bytes:
    """Return orders in a form that is quick to read: rows of plain values instead of objects.

    Every bot is told of all orders, so with a hundred bots this is most of what the pipes carry
    and most of what their processes do before a call. One packed list goes to all of them.
    """
    return marshal.dumps(list(order_rows(orders).values()))


def order_rows(orders: Iterable[OrderView]) -> dict[str, PackedOrder]:
    """Return what `unpack_orders` gives for these orders."""
    return {order.cl_ord_id: _row(order) for order in orders}


def unpack_orders(packed: bytes) -> dict[str, PackedOrder]:
    """Return what `pack_orders` was given, by clOrdID."""
    return {row[0]: row for row in marshal.loads(packed)}


def order_values(row: PackedOrder) -> dict[str, Any]:
    """Return a packed order as strategies see it; equal to `dialect.order_dict` of its view."""
    cl_ord_id, emi, ticker, category, side, _, price, leaves, market, at = row
    return {
        "emi": emi,
        "symbol": ticker,
        "category": category,
        "market": market,
        "side": side,
        "price": price,
        "EMI": emi,
        "SYMBOL": ticker,
        "CATEGORY": category,
        "MARKET": market,
        "SIDE": side,
        "PRICE": price,
        "leavesQty": leaves,
        "clOrdID": cl_ord_id,
        "transactTime": _fromtimestamp(at, _UTC),
    }


def order_view(row: PackedOrder) -> OrderView:
    """Return a packed order as the terminal knows it."""
    cl_ord_id, emi, ticker, category, side, price, _, leaves, market, at = row
    return OrderView(
        cl_ord_id=cl_ord_id,
        emi=emi,
        symbol=Symbol(ticker, Category(category)),
        side=Side(side),
        price=Decimal(price),
        leaves=leaves,
        market=market,
        at=_fromtimestamp(at, _UTC),
    )


def _row(order: OrderView) -> PackedOrder:
    return (
        order.cl_ord_id,
        order.emi,
        order.symbol.ticker,
        order.symbol.category.value,
        order.side.value,
        str(order.price),
        float(order.price),
        order.leaves,
        order.market,
        order.at.timestamp(),
    )


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


def encode(message: FromWorker) -> bytes:
    """Return a message as one line."""
    fields = {name: getattr(message, name) for name in message.__slots__}
    if isinstance(message, OrderCall):
        fields["symbol"] = message.symbol and [message.symbol.ticker, message.symbol.category.value]
        fields["price"] = None if message.price is None else str(message.price)
    return json.dumps({"kind": type(message).__name__, **fields}).encode() + b"\n"


def read_from_worker(stream: BinaryIO) -> FromWorker | None:
    """Return the next message; None: the worker has gone. StrategyError: not a message."""
    line = stream.readline(LINE_LIMIT)
    if not line.endswith(b"\n"):
        if len(line) >= LINE_LIMIT:
            raise StrategyError("its process sent a message that is too long")
        return None
    try:
        return _decode(json.loads(line))
    except (ValueError, LookupError, TypeError, AttributeError, InvalidOperation) as error:
        raise StrategyError("its process sent what is not a message") from error


def _decode(row: dict[str, Any]) -> FromWorker:
    return _DECODERS[row["kind"]](row)


def _decode_loaded(row: Mapping[str, Any]) -> Loaded:
    texts = [_text(row, name) for name in ("problem", "detail", "file", "digest")]
    problem, detail, file, digest = texts
    saved, sources = float(row["saved"]), row["sources"]
    if not 0 <= saved < _LAST_SECOND or any(type(digit) is not str for digit in sources.values()):
        raise ValueError(row)
    takes_fills, stops = row["takes_fills"] is True, row["stops"] is True
    return Loaded(problem, detail, file, saved, digest, dict(sources), takes_fills, stops)


def _decode_order(row: Mapping[str, Any]) -> OrderCall:
    verb, symbol, side = row["verb"], row["symbol"], row["side"]
    price, quantity = row["price"], row["quantity"]
    if verb not in ("post", "put", "del"):
        raise ValueError(verb)
    if quantity is not None and (type(quantity) is not int or quantity <= 0):
        raise ValueError(quantity)
    exact = None if price is None else Decimal(_text(row, "price"))
    if exact is not None and not (exact.is_finite() and exact > 0):
        raise ValueError(price)
    if (verb != "del") != (exact is not None and quantity is not None):
        raise ValueError(row)
    return OrderCall(
        verb=verb,
        market=_text(row, "market"),
        symbol=None if symbol is None else Symbol(str(symbol[0]), Category(symbol[1])),
        on_behalf_of=_text(row, "on_behalf_of"),
        side=None if side is None else Side(side),
        price=exact,
        quantity=quantity,
        cl_ord_id=_text(row, "cl_ord_id"),
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a text")
    return value


_DECODERS: dict[str, Callable[[dict[str, Any]], FromWorker]] = {
    "Loaded": _decode_loaded,
    "Trying": lambda _: Trying(),
    "Tried": lambda _: Tried(),
    "OrderCall": _decode_order,
    "RefusedHere": lambda row: RefusedHere(_text(row, "text")),
    "Finished": lambda row: Finished(float(row["seconds"])),
    "Failed": lambda row: Failed(_text(row, "reason"), _text(row, "detail")),
    "Printed": lambda row: Printed(_text(row, "text")),
    "Stack": lambda row: Stack(_text(row, "reason"), _text(row, "detail")),
}
