"""Rows that only a verification reads: figures of positions and the history of the wallets; pure.

Source of the fields: BitMEX API explorer, schema Position and Transaction.
"""

from __future__ import annotations

from api.bitmex.directory import Directory
from api.bitmex.rows import position
from api.bitmex.wire import (
    Row,
    encode,
    integer_of,
    required_integer,
    required_text,
    text_of,
    time_of,
)
from common.domain.account import PositionFigures, WalletChange, WalletKind
from common.domain.instruments import Category
from common.errors import ProtocolError

_FROM_OUTSIDE = ("Deposit", "Withdrawal", "Transfer", "AffiliatePayout", "Conversion")
_KINDS = {
    "RealisedPNL": WalletKind.RESULT,
    "Funding": WalletKind.FUNDING,
    "SpotTrade": WalletKind.SPOT,
    **dict.fromkeys(_FROM_OUTSIDE, WalletKind.EXTERNAL),
}
_LIVE = "UnrealisedPNL"  # not a row of the history: the unrealised result of this moment
_COMPLETED = "Completed"


def position_figures(row: Row, directory: Directory) -> PositionFigures | None:
    """Return the figures of a position; None for a pair that the exchange keeps no position of."""
    if text_of(row, "symbol") and directory.symbol(text_of(row, "symbol")) is None:
        if not integer_of(row, "currentQty"):
            return None  # flat, of an instrument long gone
        raise ProtocolError(f"symbol is not known: {text_of(row, 'symbol')}")
    basic = position(row, directory)
    if basic.symbol.category is Category.SPOT:
        return None
    return PositionFigures(
        symbol=basic.symbol,
        currency=basic.currency,
        quantity=basic.quantity,
        unrealised_cost=basic.unrealised_cost,
        unrealised_pnl=integer_of(row, "unrealisedPnl"),
        mark_value=integer_of(row, "markValue"),
        current_cost=integer_of(row, "currentCost"),
        realised_cost=integer_of(row, "realisedCost"),
        current_comm=integer_of(row, "currentComm"),
        realised_pnl=integer_of(row, "realisedPnl"),
    )


def wallet_change(row: Row) -> WalletChange | None:
    """Return a row of the wallet's history; None for one that has not moved money (yet).

    A type that is not known is never guessed: it may be a result as well as a deposit.
    """
    name = required_text(row, "transactType")
    if name == _LIVE or text_of(row, "transactStatus") != _COMPLETED:
        return None
    at = time_of(row, "timestamp") or time_of(row, "transactTime")
    if at is None:
        raise ProtocolError("timestamp is missing")
    kind, amount = _KINDS.get(name, WalletKind.UNKNOWN), required_integer(row, "amount")
    unknown = kind is WalletKind.UNKNOWN
    if unknown and not amount:
        return None
    return WalletChange(
        change_id=required_text(row, "transactID"),
        currency=required_text(row, "currency"),
        kind=kind,
        amount=amount,
        balance=integer_of(row, "walletBalance"),
        at=at,
        type_name=name if unknown else "",
        raw=encode(row) if unknown else "",
    )
