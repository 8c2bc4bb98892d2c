"""The terminal's gateway trades on the exchange that replays a recording."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from api.simulator.ports import Row
from common.domain.executions import Executed
from common.domain.instruments import Category, Symbol
from common.domain.orders import Order, Side
from common.engine.requests import (
    FetchHistory,
    FetchMargins,
    FetchOpenOrders,
    FetchPositions,
    HistoryPage,
    SendAmend,
    SendCancel,
    SendOrder,
)
from tests.api.bitmex import harness
from tests.api.bitmex.samples import settings
from tests.api.simulator.fakes import level, table_message, write_recording
from tests.api.simulator.recorded import BOOK, INSTRUMENT, TAPE, XBT, changed, traded
from tests.support.venue import ExchangeProcess, start_exchange

SYMBOL = Symbol(XBT, Category.INVERSE)
PRICES: Row = {
    "symbol": XBT,
    "bidPrice": 30_000,
    "askPrice": 30_000.5,
    "bidSize": 3_000,
    "askSize": 1_000,
    "timestamp": "2021-07-22T22:36:00.000Z",
}
QUOTE = (0.5, table_message("quote", "partial", PRICES))
HISTORY = FetchHistory(datetime(2021, 7, 1, tzinfo=timezone.utc), 0)


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[ExchangeProcess]:
    """Run a recording in which sellers come down to the bid after three seconds."""
    recording = write_recording(
        tmp_path / "recording.jsonl",
        BOOK,
        TAPE,
        QUOTE,
        traded(3.0, "Sell", 3_400, 30_000),
        changed(3.1, "delete", level(XBT, 3, "Buy", 0)),
    )
    instruments = tmp_path / "instruments.json"
    instruments.write_text(json.dumps([INSTRUMENT]), encoding="utf-8")
    process = start_exchange("--replay-hold", replay=recording, instruments=instruments)
    yield process
    assert process.stop() == 0


def test_terminal_trades_in_a_replayed_market(venue: ExchangeProcess) -> None:
    market = settings(venue.rest, venue.ws, (SYMBOL,), key=venue.key, secret=venue.secret)
    with harness.running(market) as terminal:
        resting = terminal.result(order("a", Side.BUY, 500, "30000"), Order)
        assert resting.leaves == 500
        small = terminal.result(SendAmend(resting.order_id, "a", 600, None), Order)
        assert small.quantity == 600  # a larger quantity: it comes last again
        away = terminal.result(order("b", Side.BUY, 100, "29000"), Order)
        terminal.connect((SYMBOL,))
        taken = terminal.result(order("c", Side.BUY, 1_200, "30001"), Order)
        assert taken.leaves == 0
        terminal.result(SendCancel(away.order_id, "b"), Order)
        fills = terminal.wait(lambda: three_fills(terminal), "the fill by the recorded trade")
        assert [(f.cl_ord_id, f.trade_price, f.quantity) for f in fills] == [
            ("c", Decimal("30000.5"), 1_000),
            ("c", Decimal(30_001), 200),
            ("a", Decimal(30_000), 400),
        ]
        (left,) = terminal.result(FetchOpenOrders(), tuple)
        assert (left.cl_ord_id, left.leaves) == ("a", 200)
        (position,) = terminal.result(FetchPositions(), tuple)
        assert position.quantity == 1_600
        margins = terminal.result(FetchMargins(), tuple)
        (balance,) = [one.wallet_balance for one in margins if one.currency == "XBt"]
        assert balance == 100_000_000 - sum(fill.fee for fill in fills)
        book = terminal.gateway.book(SYMBOL)
        assert [size for _, size in book.asks] == [1_000, 2_000]


def order(name: str, side: Side, quantity: int, price: str) -> SendOrder:
    return SendOrder(name, SYMBOL, side, quantity, Decimal(price))


def three_fills(terminal: harness.Harness) -> list[Executed] | None:
    page = terminal.result(HISTORY, HistoryPage)
    return list(page.executions) if len(page.executions) == 3 else None
