"""Requests of the port in odd circumstances, against a peer that answers as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from api.bitmex.auth import Signer
from api.bitmex.budget import Budget
from api.bitmex.calls import Calls
from api.bitmex.directory import Directory
from api.bitmex.exchange_clock import ExchangeClock
from api.bitmex.rest import RestClient
from api.bitmex.wire import encode
from common.domain.executions import ExecutionKind
from common.domain.instruments import Category, Currency, Symbol
from common.domain.orders import Phase, Side
from common.engine.requests import (
    FetchCurrencies,
    FetchEndedOrders,
    FetchHistory,
    FetchInstruments,
    FetchOpenOrders,
    FetchSettlements,
    HistoryPage,
    SendCancel,
    SendOrder,
)
from common.errors import (
    ExchangeUnavailable,
    OrderNotFound,
    OrderRefused,
    OutcomeUnknown,
)
from common.settings_types import Secret
from tests.api.bitmex import samples
from tests.api.bitmex.http_peer import Peer, answer, http_peer, refusal
from tests.api.bitmex.samples import INSTRUMENTS, ORDER, TRADE, XBTUSD, XBTUSDT, Row

SINCE = datetime(2025, 1, 1, tzinfo=timezone.utc)
PLACE = SendOrder("12.Ema", XBTUSDT, Side.BUY, 1000, Decimal("86393.3"))


@contextmanager
def calls(
    *bodies: object, known: Directory | None = None, stopping: bool = False
) -> Iterator[tuple[Calls, Peer]]:
    script = [b if isinstance(b, bytes) else answer(200, encode(b)) for b in bodies]
    stop = threading.Event()
    if stopping:
        stop.set()
    with http_peer(*script) as peer:
        clock = ExchangeClock()
        signer = Signer(Secret("key"), Secret("secret"))
        client = RestClient(peer.url, signer, clock, Budget(), stop)
        try:
            yield Calls(client, known or samples.directory(), clock), peer
        finally:
            client.close()


def test_one_odd_listing_does_not_hide_the_others() -> None:
    odd: Row = {**INSTRUMENTS["XBTUSD"], "symbol": "ODD", "tickSize": None}
    spread: Row = {**INSTRUMENTS["XBTUSD"], "symbol": "XBTU26-XBTZ26", "typ": "FFMCSX"}
    listed = [odd, spread, INSTRUMENTS["XBTUSD"]]
    with calls(listed, [], known=Directory()) as (asking, _):
        found = asking.instruments(FetchInstruments((XBTUSD, XBTUSDT)))
    assert [item.symbol for item in found] == [XBTUSD]


@pytest.mark.parametrize("body", [[{"asset": "ETH"}], answer(404, refusal("Not Found")), {}])
def test_the_shipped_currencies_stand_in(body: object) -> None:
    with calls(body) as (asking, _):
        assert Currency("XBt", "XBT", 8) in asking.currencies(FetchCurrencies())


def test_history_looks_an_unknown_symbol_up_once() -> None:
    old = {**TRADE, "symbol": "XBTM19"}
    listing = {**INSTRUMENTS["XBTUSD"], "symbol": "XBTM19", "state": "Settled"}
    with calls([old, {**old, "execID": "b"}], [listing]) as (asking, peer):
        page = asking.history(FetchHistory(SINCE, 7))
    assert [e.symbol for e in page.executions] == [Symbol("XBTM19", Category.INVERSE)] * 2
    assert (page.rows, page.full) == (2, False)
    assert [asked.target.partition("?")[0] for asked in peer.asked] == [
        "/api/v1/execution/tradeHistory",
        "/api/v1/instrument",
    ]
    query = "count=500&start=7&reverse=false&startTime=2025-01-01T00%3A00%3A00.000Z"
    assert peer.asked[0].target.endswith(query)


def test_a_full_page_says_so_and_rows_without_an_instrument_are_booked() -> None:
    rows = [{**TRADE, "execID": str(i), "symbol": "GONE"} for i in range(500)]
    with calls(rows, []) as (asking, peer):
        page = asking.history(FetchHistory(SINCE, 0))
    assert page == HistoryPage(page.executions, 500, True)
    assert len(page.executions) == 500
    assert len(peer.asked) == 2


@pytest.mark.parametrize("missing", ["execID", "execCost", "transactTime", "symbol", "execType"])
def test_a_row_of_history_that_cannot_be_read_is_handed_on_whole(missing: str) -> None:
    bad = {name: value for name, value in TRADE.items() if name != missing}
    with calls([TRADE, bad]) as (asking, _):
        page = asking.history(FetchHistory(SINCE, 0))
    good, unreadable = page.executions
    assert good.kind is ExecutionKind.TRADE
    assert unreadable.kind is ExecutionKind.UNREADABLE
    assert unreadable.text == f"{missing} is missing"
    assert json.loads(unreadable.raw, parse_float=Decimal) == bad


def test_an_order_of_an_instrument_not_traded_here_does_not_hide_the_others() -> None:
    strange = {**ORDER, "symbol": "XBTU26-XBTZ26"}
    with calls([strange, ORDER], []) as (asking, _):
        [order] = asking.open_orders(FetchOpenOrders())
    assert order.order_id == ORDER["orderID"]


def test_an_ended_order_that_cannot_be_read_does_not_hide_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended = {**ORDER, "ordStatus": "Canceled"}
    with calls([{**ended, "orderID": "odd", "side": ""}, ended]) as (asking, _):
        (order,) = asking.ended_orders(FetchEndedOrders(100))
    assert order.order_id == ORDER["orderID"]
    assert "cannot be compared" in caplog.text
    assert "odd" in caplog.text


def test_orders_that_have_ended_are_asked_for_with_one_request() -> None:
    filled = {**ORDER, "ordStatus": "Filled", "cumQty": 100, "leavesQty": 0}
    strange = {**filled, "symbol": "XBTU26-XBTZ26"}
    with calls([strange, ORDER, filled]) as (asking, peer):
        (order,) = asking.ended_orders(FetchEndedOrders(100))
    assert (order.phase, order.filled) == (Phase.FILLED, 100)
    assert [each.target for each in peer.asked] == ["/api/v1/order?count=100&reverse=true"]


def test_an_accepted_order_whose_answer_cannot_be_read_is_unknown() -> None:
    with calls({**ORDER, "side": "Both"}) as (asking, peer), pytest.raises(OutcomeUnknown):
        asking.orders.send(PLACE)
    assert len(peer.asked) == 1
    assert '"price":86393.3' in peer.asked[0].body
    assert "leavesQty" not in peer.asked[0].body


@pytest.mark.parametrize(
    "row",
    [
        {"orderID": "x", "error": "Unable to cancel order due to existing state: Filled"},
        {"orderID": "another", "ordStatus": "Canceled"},
    ],
)
def test_a_cancel_that_cancelled_nothing_is_not_found(row: Row) -> None:
    with calls([row]) as (asking, _), pytest.raises(OrderNotFound):
        asking.cancellations.one(SendCancel("x", "12.Ema"))


def test_a_closing_program_sends_cancels_only() -> None:
    ended = {**ORDER, "ordStatus": "Canceled"}
    with calls([ended], stopping=True) as (asking, peer):
        with pytest.raises(OrderRefused, match="never left"):
            asking.orders.send(PLACE)
        with pytest.raises(ExchangeUnavailable):
            asking.history(FetchHistory(SINCE, 0))
        asking.cancellations.one(SendCancel(str(ORDER["orderID"]), ""))
    assert [asked.verb for asked in peer.asked] == ["DELETE"]


def test_settlements_of_the_contracts_asked_for_are_told_with_their_price() -> None:
    ended = {**INSTRUMENTS["XBTUSD"], "symbol": "XBTM19", "state": "Settled"}
    at = "2019-06-28T12:00:00.000Z"
    row: Row = {"timestamp": at, "symbol": "XBTM19", "settlementType": "Settlement"}
    served = [
        {**row, "settledPrice": 11_000.5},
        {**row, "settlementType": "Rebalance", "settledPrice": 9_000},
        row,
        {**row, "symbol": "XBTU19", "settledPrice": 10_000},
    ]
    symbol = Symbol("XBTM19", Category.INVERSE)
    with calls([ended], served) as (asking, peer):
        (found,) = asking.settlements(FetchSettlements((symbol,)))
    assert (found.instrument.symbol, found.price) == (symbol, Decimal("11000.5"))
    assert found.at == datetime(2019, 6, 28, 12, tzinfo=timezone.utc)
    assert peer.asked[1].target == "/api/v1/settlement?symbol=XBTM19&count=500&reverse=false"
