"""Orders come out of the pipe as they went in."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

from bots import dialect
from bots.packed_orders import order_values, order_view, pack_orders, unpack_orders
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.engine.bot_items import OrderView


def test_packed_orders_are_the_same_orders() -> None:
    order = OrderView(
        cl_ord_id="1.bot",
        emi="bot",
        symbol=Symbol("S", Category.SPOT),
        side=Side.BUY,
        price=Decimal("0.00000001"),
        leaves=5,
        market="M",
        at=datetime(2026, 11, 23, 4, 5, 6, 789000, tzinfo=timezone.utc),
    )
    packed = unpack_orders(pack_orders([order]))
    assert [order_view(row) for row in packed.values()] == [order]
    assert [order_values(row) for row in packed.values()] == [dialect.order_dict(order)]
