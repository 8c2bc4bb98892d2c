"""Rows of executions -> what the books are made from; pure.

Money is copied as the exchange's own integers and never recomputed. A row that lacks what the books
cannot do without raises ProtocolError naming the field.
Source of the fields: BitMEX API explorer, schema Execution.
"""

from __future__ import annotations

from datetime import datetime, timezone

from api.bitmex.directory import Directory
from api.bitmex.rows import side_of
from api.bitmex.wire import (
    Row,
    decimal_of,
    encode,
    integer_of,
    required_integer,
    required_text,
    required_time,
    text_of,
    time_of,
)
from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.errors import ProtocolError

_LONG_AGO = datetime(2000, 1, 1, tzinfo=timezone.utc)
_NO_ID = "00000000-0000-0000-0000-000000000000"
_REPORT_NAMES = (
    "New PendingNew Canceled PendingCancel Replaced PendingReplace Rejected CancelReject "
    "AmendReject TriggeredOrActivatedBySystem Suspended Released Restated Calculated DoneForDay "
    "Stopped Expired Status OrderStatus"
)
_FORCED = ("Liquidation", "Bankruptcy")  # fills against the owner's will
_KINDS = {
    **dict.fromkeys(("Trade", *_FORCED, "TrialFill"), ExecutionKind.TRADE),
    "Funding": ExecutionKind.FUNDING,
    "Settlement": ExecutionKind.SETTLEMENT,
    **dict.fromkeys(_REPORT_NAMES.split(), ExecutionKind.REPORT),
}
_MONEY_FIELDS = ("execCost", "execComm", "realisedPnl", "lastQty")


def kind_of(row: Row) -> ExecutionKind:
    """Return what an execution means to the books.

    Types that only tell an order's life are reports. What may move contracts or money under a name
    that is not known is UNKNOWN, however much it looks like a trade: a person says what it is.
    """
    name = required_text(row, "execType")
    if name in _KINDS:
        return _KINDS[name]
    if any(row.get(name) not in (None, "", 0) for name in _MONEY_FIELDS):
        return ExecutionKind.UNKNOWN
    return ExecutionKind.REPORT


def executed(
    row: Row,
    directory: Directory,
    *,
    symbol: Symbol | None = None,
    raw: str | None = None,
    kind: ExecutionKind | None = None,
) -> Executed | None:
    """Return an execution, None for a report that concerns no instrument (CancelReject).

    `symbol` and `raw` (the row's own text) are given where they are known already, and `kind` where
    a person has said what a row of unknown type is.

    The category comes from `directory`; where the exchange does not know the instrument any more
    it is inferred from the row itself, whose own money columns are what is booked.
    """
    exec_id = required_text(row, "execID")
    kind = kind or kind_of(row)
    if kind is ExecutionKind.REPORT and not text_of(row, "symbol"):
        return None
    if symbol is None:
        symbol = directory.symbol(required_text(row, "symbol"))
    if symbol is None:
        symbol = Symbol(required_text(row, "symbol"), guess_category(row))
    at = required_time(row, "transactTime")
    side = _direction(row, kind)
    books = kind in (ExecutionKind.TRADE, ExecutionKind.SETTLEMENT)
    if books and side is None:
        raise ProtocolError(f"side is missing of execution {exec_id}")
    quantity = abs(required_integer(row, "lastQty") if books else integer_of(row, "lastQty") or 0)
    settlement = _settlement(row, symbol, directory)
    fee_name = text_of(row, "execCommCcy")
    spot = symbol.category is Category.SPOT and kind is ExecutionKind.TRADE
    return Executed(
        exec_id=exec_id,
        kind=kind,
        exec_type=required_text(row, "execType"),
        symbol=symbol,
        order_id=_order_id(row),
        cl_ord_id=text_of(row, "clOrdID"),
        side=side,
        quantity=quantity,
        leaves=abs(integer_of(row, "leavesQty") or 0),
        price=decimal_of(row, "price"),
        trade_price=decimal_of(row, "lastPx"),
        rate=decimal_of(row, "commission"),
        cost=required_integer(row, "execCost") if books else integer_of(row, "execCost") or 0,
        fee=_fee(row, kind),
        currency=settlement,
        fee_currency=directory.wallet_code(fee_name) if fee_name else settlement,
        account=integer_of(row, "account") or 0,
        at=at,
        written_at=time_of(row, "timestamp") or at,
        raw=encode(row) if raw is None else raw,
        text=text_of(row, "text"),
        forced=_forced(row, kind),
        cumulative=abs(integer_of(row, "cumQty") or 0),
        # Contracts of a spot pair are the smallest units of its base currency.
        base_delta=side.sign * quantity if spot and side is not None else 0,
        base_currency=_base(symbol, directory) if spot else "",
    )


def _forced(row: Row, kind: ExecutionKind) -> bool:
    """Liquidations come under a name of their own, or as trades that say so."""
    own_name = text_of(row, "execType") in _FORCED
    says_so = text_of(row, "text").startswith("Liquidation")
    return kind is ExecutionKind.TRADE and (own_name or says_so)


def unreadable(row: Row, problem: str) -> Executed:
    """Return what stands for a row that `executed` refused, for the quarantine."""
    ticker = row.get("symbol")
    exec_id = row.get("execID")
    try:
        at = time_of(row, "transactTime") or time_of(row, "timestamp") or _LONG_AGO
    except ProtocolError:
        at = _LONG_AGO
    return Executed(
        exec_id=exec_id if isinstance(exec_id, str) else "",
        kind=ExecutionKind.UNREADABLE,
        exec_type=str(row.get("execType") or ""),
        symbol=Symbol(ticker if isinstance(ticker, str) else "", Category.LINEAR),
        order_id="",
        cl_ord_id="",
        side=None,
        quantity=0,
        leaves=0,
        price=None,
        trade_price=None,
        rate=None,
        cost=0,
        fee=0,
        currency="",
        fee_currency="",
        account=0,
        at=at,
        written_at=at,
        raw=encode(row),
        text=problem,
    )


def guess_category(row: Row) -> Category:
    """Return the category of an execution's instrument from the row's own figures.

    A purchase of an inverse contract has a negative execCost, of any other a positive one; linear
    contracts settle in their quote currency; spot rows name no settlement currency.
    """
    settlement = text_of(row, "settlCurrency")
    if not settlement and "_" in text_of(row, "symbol"):
        return Category.SPOT
    if settlement.upper() == text_of(row, "currency").upper():
        return Category.LINEAR
    side = side_of(row) or _side_of_notionals(row)
    cost = integer_of(row, "execCost") or 0
    if side is not None and side.sign * cost < 0:
        return Category.INVERSE
    return Category.QUANTO


def _direction(row: Row, kind: ExecutionKind) -> Side | None:
    """Return the side of a fill; of Funding the side of the position, which only signs tell."""
    if kind is ExecutionKind.FUNDING:
        return _side_of_notionals(row) or side_of(row)
    return side_of(row) or _side_of_notionals(row)


def _side_of_notionals(row: Row) -> Side | None:
    home = decimal_of(row, "homeNotional")
    if home:
        return Side.BUY if home > 0 else Side.SELL
    foreign = decimal_of(row, "foreignNotional")
    if foreign and "_" not in text_of(row, "symbol"):  # spot: both notionals have the side's sign
        return Side.BUY if foreign < 0 else Side.SELL
    return None


def _fee(row: Row, kind: ExecutionKind) -> int:
    if kind in (ExecutionKind.TRADE, ExecutionKind.FUNDING):
        return required_integer(row, "execComm")  # a guess here would be money
    return integer_of(row, "execComm") or 0


def _settlement(row: Row, symbol: Symbol, directory: Directory) -> str:
    """Return the currency of execCost: the row's own; of spot the quote currency's wallet."""
    settlement = text_of(row, "settlCurrency")
    if settlement:
        return directory.wallet_code(settlement)
    instrument = directory.instrument(symbol.ticker)
    if instrument is not None:
        return instrument.settlement_currency
    return directory.wallet_code(text_of(row, "currency"))


def _base(symbol: Symbol, directory: Directory) -> str:
    """Return the wallet currency that a spot pair trades; its name begins the pair's own."""
    instrument = directory.instrument(symbol.ticker)
    major = instrument.base_currency if instrument else symbol.ticker.partition("_")[0]
    return directory.wallet_code(major)


def _order_id(row: Row) -> str:
    order_id = text_of(row, "orderID")
    return "" if order_id == _NO_ID else order_id
