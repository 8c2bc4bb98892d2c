"""The terminal's messages arrive as they were sent."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from bots import channel
from bots.packed_orders import pack_orders
from tests.bots.terminal import bar, ticker, view


@pytest.mark.parametrize("prices", [("50000", "50000.50"), (None, None)])
def test_a_call_arrives_as_it_was_sent(prices: tuple[str | None, str | None]) -> None:
    moment = datetime(2026, 1, 5, 16, 0, 0, 123000, tzinfo=timezone.utc)
    told = replace(ticker(*prices), funding_at=moment, volume24h=7, state="Open")
    bars = (bar(0, 1.5), replace(bar(1, 2.5), bid=None, ask=None))
    call = channel.Call(view(position=-3), bars, told, pack_orders([]))
    assert channel.read_from_terminal(io.BytesIO(channel.packed(call))) == call
