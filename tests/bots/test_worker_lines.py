"""The terminal trusts nothing that a worker says."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots import channel
from bots.worker_lines import LINE_LIMIT, encode, read_from_worker
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.errors import StrategyError

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
    return read_from_worker(io.BytesIO(line))


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_arrive_as_they_were_sent(message: channel.FromWorker) -> None:
    assert read(encode(message)) == message


def test_a_closed_or_torn_pipe_is_the_end() -> None:
    assert read(b"") is None
    assert read(encode(ORDER)[:-1]) is None


def test_an_endless_line_is_refused() -> None:
    with pytest.raises(StrategyError, match="too long"):
        read(b"x" * (LINE_LIMIT + 1))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(MESSAGES), st.data())
def test_a_changed_field_gives_a_message_or_a_strategy_error(
    message: channel.FromWorker, data: st.DataObject
) -> None:
    row = json.loads(encode(message))
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
    row = json.loads(encode(ORDER))
    row[field] = value
    with pytest.raises(StrategyError):
        read(json.dumps(row).encode() + b"\n")
