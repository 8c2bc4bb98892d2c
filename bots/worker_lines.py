"""What a worker says, one JSON object a line; read field by field.

A strategy's process must not be able to run code in the terminal's, nor to tell it what makes no
sense: a line that is not a message of `channel` ends the worker.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO

from bots.channel import (
    Failed,
    Finished,
    FromWorker,
    Loaded,
    OrderCall,
    Printed,
    RefusedHere,
    Stack,
    Tried,
    Trying,
)
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.errors import StrategyError

LINE_LIMIT = 1_000_000  # bytes of one message
_LAST_SECOND = 2**37  # a time beyond cannot be told as a date


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
