"""Rows of the account (orders, positions, margin, user) -> domain objects; pure.

With `execution_rows.py` and `market_rows.py` the only reader of the exchange's field names.
Absent, null and "" are the same; a row that lacks what cannot be done without raises ProtocolError
naming the field.
Source of the fields: BitMEX API explorer, schema Order, Position, Margin, User.
"""

from __future__ import annotations

from decimal import Decimal

from api.bitmex.directory import Directory
from api.bitmex.wire import (
    Row,
    decimal_of,
    integer_of,
    required_integer,
    required_text,
    required_time,
    text_of,
    time_of,
)
from common.domain.account import Account, Margin, Position
from common.domain.instruments import Symbol
from common.domain.orders import Order, Phase, Side
from common.errors import ProtocolError

_PHASES = {
    "Filled": Phase.FILLED,
    "Canceled": Phase.CANCELED,
    "Expired": Phase.CANCELED,
    "DoneForDay": Phase.CANCELED,
    "Stopped": Phase.CANCELED,
    "Rejected": Phase.REJECTED,
}
NO_LIQUIDATION_PRICE = Decimal(1_000_000)  # the exchange's cap: a short that cannot be liquidated


def account(row: Row) -> Account:
    """Return who the key belongs to; `id` is the account number of all other rows."""
    return Account(
        number=required_integer(row, "id"),
        name=text_of(row, "username") or text_of(row, "accountName"),
    )


def ticker_of(row: Row) -> str:
    """Return the exchange's name of the instrument that a row concerns, "" when it tells none."""
    return text_of(row, "symbol")


def order(row: Row, directory: Directory) -> Order:
    """Return an order. An unknown ordStatus counts as open while contracts are left."""
    status = text_of(row, "ordStatus")
    leaves = abs(integer_of(row, "leavesQty") or 0)
    phase = _PHASES.get(status, Phase.OPEN)
    side = side_of(row)
    if side is None:
        raise ProtocolError("side is missing")
    at = time_of(row, "transactTime") or required_time(row, "timestamp")
    return Order(
        order_id=required_text(row, "orderID"),
        cl_ord_id=text_of(row, "clOrdID"),
        symbol=_symbol(row, directory),
        side=side,
        price=decimal_of(row, "price"),
        stop_price=decimal_of(row, "stopPx"),
        quantity=abs(integer_of(row, "orderQty") or 0),
        filled=abs(integer_of(row, "cumQty") or 0),
        leaves=0 if phase.ended else leaves,
        kind=text_of(row, "ordType"),
        phase=phase,
        text=text_of(row, "ordRejReason") or text_of(row, "text"),
        at=at,
    )


def cancel_problem(row: Row) -> str:
    """Return why an order of a cancel answer was not cancelled, "" when it was."""
    return text_of(row, "error")


def belongs_to(row: Row, order_id: str, cl_ord_id: str) -> bool:
    """Whether a row concerns the order that is named by either id."""
    if order_id:
        return row.get("orderID") == order_id
    return row.get("clOrdID") == cl_ord_id


def position(row: Row, directory: Directory) -> Position:
    """Return a position; a row without currentQty is flat."""
    symbol = _symbol(row, directory)
    instrument = directory.instrument(symbol.ticker)
    cap = (instrument.max_price if instrument else None) or NO_LIQUIDATION_PRICE
    liquidation = decimal_of(row, "liquidationPrice")
    if liquidation is not None and not 0 < liquidation < cap:
        liquidation = None
    return Position(
        symbol=symbol,
        quantity=integer_of(row, "currentQty") or 0,
        entry_price=decimal_of(row, "avgEntryPrice"),
        mark_price=decimal_of(row, "markPrice"),
        unrealised_pnl=integer_of(row, "unrealisedPnl") or 0,
        unrealised_cost=integer_of(row, "unrealisedCost") or 0,
        margin_call_price=liquidation,
        currency=text_of(row, "currency") or (instrument.settlement_currency if instrument else ""),
    )


def is_open_position(row: Row) -> bool:
    """Whether a position row holds contracts."""
    return bool(integer_of(row, "currentQty"))


def has_ended(row: Row) -> bool:
    """Whether nothing can happen any more to the order of a row."""
    status = row.get("ordStatus")
    return isinstance(status, str) and _PHASES.get(status, Phase.OPEN).ended


def identity(row: Row) -> tuple[object, ...]:
    """Return what names a row of any table in a message to a person."""
    return row.get("execID"), row.get("orderID"), row.get("symbol"), row.get("currency")


def flat(symbol: Symbol) -> Position:
    """Return the position that a symbol has when the exchange no longer tells one."""
    return Position(symbol, 0, None, None, 0, 0, None)


def margin(row: Row) -> Margin:
    """Return the wallet of one currency."""
    wallet = integer_of(row, "walletBalance") or 0
    return Margin(
        currency=required_text(row, "currency"),
        wallet_balance=wallet,
        margin_balance=_integer_or(row, "marginBalance", wallet),
        available=_integer_or(row, "availableMargin", 0),
        unrealised_pnl=_integer_or(row, "unrealisedPnl", 0),
        realised_pnl=_integer_or(row, "realisedPnl", 0),
        leverage=decimal_of(row, "marginLeverage"),
        amount=integer_of(row, "amount"),
    )


def _integer_or(row: Row, name: str, default: int) -> int:
    value = integer_of(row, name)
    return default if value is None else value


def _symbol(row: Row, directory: Directory) -> Symbol:
    ticker = required_text(row, "symbol")
    symbol = directory.symbol(ticker)
    if symbol is None:
        raise ProtocolError(f"symbol is not known: {ticker}")
    return symbol


def side_of(row: Row) -> Side | None:
    """Return the side of a row, None when it tells none."""
    name = text_of(row, "side")
    if not name:
        return None
    try:
        return Side(name)
    except ValueError:
        raise ProtocolError(f"side is neither Buy nor Sell: {name[:20]!r}") from None
