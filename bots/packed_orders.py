"""Open orders on their way to a worker: rows of plain values, quick to read.

Every bot is told of all orders, so with a hundred bots this is most of what the pipes carry and
most of what their processes do before a call. One packed list goes to all of them.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.engine.bot_items import OrderView

# clOrdID, EMI, ticker, category, side, price as text and as number, leaves, market, seconds
PackedOrder = tuple[str, str, str, str, str, str, float, int, str, float]
_fromtimestamp, _UTC = datetime.fromtimestamp, timezone.utc


def pack_orders(orders: Iterable[OrderView]) -> bytes:
    """Return orders as they go through the pipe."""
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
