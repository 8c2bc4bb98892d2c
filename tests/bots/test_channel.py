"""The terminal trusts nothing that a worker says."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots import channel, dialect
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.engine.items import OrderView
from common.errors import StrategyError
from tests.bots.terminal import bar, ticker, view

ORDER = channel.OrderCall(
    verb="post",
    market="M",
    symbol=Symbol("S", Category.LINEAR),
    on_behalf_of="bot",
    side=Side.SELL,
    price=Decimal("0.1"),
    quantity=5,
    cl_ord_id="",
)
MESSAGES: list[channel.FromWorker] = [
    ORDER,
    channel.OrderCall("del", "M", None, "", None, None, None, "1.bot"),
    channel.Loaded("problem"),
    channel.Finished(0.25),
    channel.Failed("reason", "detail\nof two lines"),
    channel.Stack("place", "detail"),
    channel.Printed("ünïcode\u2028"),
    channel.RefusedHere("text"),
]


def read(line: bytes) -> channel.FromWorker | None:
    return channel.read_from_worker(io.BytesIO(line))


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_arrive_as_they_were_sent(message: channel.FromWorker) -> None:
    assert read(channel.encode(message)) == message


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
    packed = channel.unpack_orders(channel.pack_orders([order]))
    assert [channel.order_view(row) for row in packed.values()] == [order]
    assert [channel.order_values(row) for row in packed.values()] == [dialect.order_dict(order)]


def test_a_closed_or_torn_pipe_is_the_end() -> None:
    assert read(b"") is None
    assert read(channel.encode(ORDER)[:-1]) is None


def test_an_endless_line_is_refused() -> None:
    with pytest.raises(StrategyError, match="too long"):
        read(b"x" * (channel.LINE_LIMIT + 1))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(MESSAGES), st.data())
def test_a_changed_field_gives_a_message_or_a_strategy_error(
    message: channel.FromWorker, data: st.DataObject
) -> None:
    row = json.loads(channel.encode(message))
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(json_values)
    try:
        found = read(json.dumps(row).encode() + b"\n")
    except StrategyError:
        return
    if isinstance(found, channel.OrderCall):
        assert found.quantity is None or found.quantity > 0
        assert found.price is None or (found.price.is_finite() and found.price > 0)


@given(st.binary(max_size=200))
def test_garbage_gives_a_strategy_error(garbage: bytes) -> None:
    with pytest.raises(StrategyError):
        read(garbage.replace(b"\n", b"") + b"\n")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity", 0),
        ("quantity", True),
        ("quantity", 1.5),
        ("quantity", None),
        ("price", "NaN"),
        ("price", "-1"),
        ("price", None),
        ("side", "buy"),
        ("verb", "steal"),
        ("symbol", ["S", "unknown"]),
    ],
)
def test_an_order_call_with_a_senseless_field_is_refused(field: str, value: object) -> None:
    row = json.loads(channel.encode(ORDER))
    row[field] = value
    with pytest.raises(StrategyError):
        read(json.dumps(row).encode() + b"\n")


@pytest.mark.parametrize("prices", [("50000", "50000.50"), (None, None)])
def test_a_call_arrives_as_it_was_sent(prices: tuple[str | None, str | None]) -> None:
    moment = datetime(2026, 1, 5, 16, 0, 0, 123000, tzinfo=timezone.utc)
    told = replace(ticker(*prices), funding_at=moment, volume24h=7, state="Open")
    bars = (bar(0, 1.5), replace(bar(1, 2.5), bid=None, ask=None))
    call = channel.Call(view(position=-3), bars, told, channel.pack_orders([]))
    assert channel.read_from_terminal(io.BytesIO(channel.packed(call))) == call
