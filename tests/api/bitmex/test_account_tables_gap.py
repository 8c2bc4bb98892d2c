"""Texts that cannot be read: what may hide an order or execution ends the session."""

from __future__ import annotations

import pytest

from api.bitmex.account_tables import AccountTables
from api.bitmex.directory import Directory
from api.bitmex.stream_protocol import StreamProtocol
from common.domain.instruments import Category, Symbol
from common.engine.items import StreamComplaint
from common.settings_types import Depth

SYMBOL = Symbol("XBTUSD", Category.INVERSE)


@pytest.mark.parametrize(
    ("text", "market"),
    [
        ('{"table":"orderBook10","action":"upd', True),
        ('{"table":"instrument","action":"upd', True),
        ('{"table":"order","action":"upd', False),
        ('{"table":"execution","ac', False),
        ('{"tab\x00\x01', False),
        ("<html>", False),
        (b"\xff\xfe", False),
    ],
)
def test_only_what_is_plainly_of_the_market_may_be_lost(text: str | bytes, market: bool) -> None:
    protocol = StreamProtocol(Directory(), Depth.TEN, [SYMBOL], [])
    assert protocol.is_market_data(text) is market


def test_a_change_of_an_order_that_cannot_be_read_ends_the_session() -> None:
    tables = AccountTables(Directory())
    tables.partial("order", ["orderID"], [])
    assert tables.failure is None
    messages = tables.change("order", "insert", [{"orderID": "o1", "ordStatus": "New"}])
    assert [type(message) for message in messages] == [StreamComplaint]
    assert tables.failure is not None
