"""The realtime protocol: texts in, messages of the port out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.bitmex import rows
from api.bitmex.stream_protocol import StreamProtocol
from api.bitmex.topics import PATIENCE
from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Symbol
from common.domain.market import Trade
from common.domain.orders import Phase
from common.engine.items import (
    InstrumentChanged,
    MarginChanged,
    Message,
    OrderChanged,
    OrdersDoubted,
    OrdersReplaced,
    PositionChanged,
    StreamComplaint,
    StreamReady,
)
from common.errors import AuthenticationFailed, ExchangeUnavailable, ProtocolError
from common.settings_types import Depth
from tests.api.bitmex import samples
from tests.api.bitmex.samples import (
    INSTRUMENTS,
    MARGIN,
    ORDER,
    POSITION,
    TRADE,
    XBTUSD,
    XBTUSDT,
    Row,
    message,
)

SYMBOLS = (XBTUSD, XBTUSDT)
BOOK: Row = {
    "symbol": "XBTUSD",
    "bids": [[98490.3, 22400], [98485.4, 26000]],
    "asks": [[98490.4, 17600], [98490.6, 7200]],
    "timestamp": "2024-11-24T08:19:13.513Z",
}


def protocol(
    depth: Depth = Depth.TEN, symbols: Sequence[Symbol] = SYMBOLS, tapes: Sequence[Symbol] = ()
) -> StreamProtocol:
    return StreamProtocol(samples.directory(), depth, symbols, tapes)


def opened(depth: Depth = Depth.TEN, tapes: Sequence[Symbol] = ()) -> StreamProtocol:
    """Return a protocol whose images have all arrived."""
    stream = protocol(depth, tapes=tapes)
    for table in ("margin", "position", "order", "execution"):
        stream.feed(message(table, "partial"), 0.0)
    for symbol in SYMBOLS:
        name = symbol.ticker
        stream.feed(message("instrument", "partial", INSTRUMENTS[name], symbol=name), 0.0)
        stream.feed(message(depth.value, "partial", symbol=name), 0.0)
        if symbol in tapes:
            stream.feed(message("trade", "partial", symbol=name), 0.0)
    return stream


def test_ready_comes_with_the_last_image_and_once() -> None:
    stream = protocol()
    seen: list[Message] = []
    for table in ("margin", "position", "order", "execution"):
        seen += stream.feed(message(table, "partial"), 0.0)
    for name in ("XBTUSD", "XBTUSDT"):
        seen += stream.feed(message("instrument", "partial", symbol=name), 0.0)
        assert StreamReady() not in seen
        seen += stream.feed(message("orderBook10", "partial", symbol=name), 0.0)
    assert seen.count(StreamReady()) == 1
    assert stream.feed(message("order", "partial"), 0.0) == [OrdersReplaced(())]


def test_deltas_before_the_image_are_dropped_and_counted() -> None:
    stream = protocol()
    assert stream.feed(message("order", "insert", ORDER), 0.0) == []
    assert stream.feed(message("orderBook10", "update", BOOK), 0.0) == []
    assert stream.dropped == 2
    assert stream.book(XBTUSD).bids == ()


def test_an_order_lives_from_insert_to_its_end_and_is_forgotten() -> None:
    stream = opened()
    [new] = stream.feed(message("order", "insert", ORDER), 0.0)
    assert isinstance(new, OrderChanged)
    end: Row = {"orderID": ORDER["orderID"], "ordStatus": "Filled", "leavesQty": 0, "cumQty": 1000}
    [filled] = stream.feed(message("order", "update", end), 0.0)
    assert isinstance(filled, OrderChanged)
    assert (filled.order.phase, filled.order.price) == (Phase.FILLED, Decimal("86393.3"))
    assert stream.feed(message("order", "update", end), 0.0) == []


def test_p3_b13_an_unknown_row_costs_only_itself() -> None:
    stream = opened()
    stream.feed(message("order", "insert", ORDER), 0.0)
    unknown: Row = {"orderID": "nobody", "leavesQty": 5}
    known: Row = {"orderID": ORDER["orderID"], "leavesQty": 400}
    doubt, changed = stream.feed(message("order", "update", unknown, known), 0.0)
    assert doubt == OrdersDoubted()  # what was missed of it is compared
    assert isinstance(changed, OrderChanged)
    assert changed.order.leaves == 400


def test_null_in_an_update_clears() -> None:
    stream = opened()
    stream.feed(message("position", "insert", POSITION), 0.0)
    keys = {name: POSITION[name] for name in ("account", "symbol", "strategy")}
    flat: Row = {**keys, "currentQty": 0, "avgEntryPrice": None, "markPrice": None}
    [changed] = stream.feed(message("position", "update", flat), 0.0)
    assert isinstance(changed, PositionChanged)
    assert (changed.position.quantity, changed.position.entry_price) == (0, None)


def test_a_second_image_replaces_the_first() -> None:
    stream = opened()
    other = {**ORDER, "orderID": "another"}
    stream.feed(message("order", "partial", ORDER), 0.0)
    [replaced] = stream.feed(message("order", "partial", other), 0.0)
    assert isinstance(replaced, OrdersReplaced)
    assert [order.order_id for order in replaced.orders] == ["another"]
    stream.feed(message("position", "partial", POSITION), 0.0)
    [gone] = stream.feed(message("position", "partial"), 0.0)
    assert gone == PositionChanged(rows.flat(XBTUSD))


def test_orders_that_have_ended_are_not_in_the_image_of_open_ones() -> None:
    ended = {**ORDER, "ordStatus": "Canceled"}
    assert opened().feed(message("order", "partial", ended), 0.0) == [OrdersReplaced(())]


def test_without_keys_in_the_image_the_usual_ones_count() -> None:
    stream = opened()
    text = json.dumps({"table": "margin", "action": "partial", "data": [MARGIN]}, default=float)
    stream.feed(text, 0.0)
    change: Row = {"account": MARGIN["account"], "currency": "XBt", "walletBalance": 5}
    [changed] = stream.feed(message("margin", "update", change), 0.0)
    assert isinstance(changed, MarginChanged)
    assert (changed.margin.wallet_balance, changed.margin.available) == (5, 3335333333)


def test_private_numbers_keep_the_text_of_the_wire() -> None:
    stream = opened()
    text = message("execution", "insert", TRADE).replace(
        b'"lastPx":50000', b'"lastPx":0.1000000001'
    )
    [trade] = stream.feed(text, 0.0)
    assert isinstance(trade, Executed)
    assert trade.trade_price == Decimal("0.1000000001")


def test_a_bad_execution_is_named_ends_the_session_and_spares_the_others() -> None:
    stream = opened()
    bad = {name: value for name, value in TRADE.items() if name != "transactTime"}
    good = {**TRADE, "execID": "another"}
    trade, complaint = sorted(
        stream.feed(message("execution", "insert", bad, good), 0.0), key=lambda m: type(m).__name__
    )
    assert isinstance(trade, Executed)
    assert trade.exec_id == "another"
    assert isinstance(complaint, StreamComplaint)
    assert "transactTime" in complaint.text
    assert isinstance(stream.failure, ProtocolError)


def test_an_instrument_tells_changes_of_the_contract_only() -> None:
    stream = opened()
    mark: Row = {"symbol": "XBTUSD", "markPrice": 78200.5, "fundingRate": 0.0001}
    assert not stream.feed(message("instrument", "update", mark), 0.0)
    assert stream.ticker(XBTUSD).mark == Decimal("78200.5")
    [changed] = stream.feed(
        message("instrument", "update", {"symbol": "XBTUSD", "state": "Closed"}), 0.0
    )
    assert isinstance(changed, InstrumentChanged)
    assert not changed.instrument.tradable


def test_the_newest_book_message_is_what_is_shown() -> None:
    stream = opened()
    for size in (1, 2, 3):
        book = {**BOOK, "bids": [[98490.3, size]]}
        assert stream.feed(message("orderBook10", "update", book), 0.0) == ()
    assert stream.book(XBTUSD).bids == ((Decimal("98490.3"), 3),)
    assert stream.book(XBTUSD).asks[0] == (Decimal("98490.4"), 17600)
    ticker = stream.ticker(XBTUSD)
    assert (ticker.bid, ticker.ask) == (Decimal("98490.3"), Decimal("98490.4"))
    assert stream.book(XBTUSDT).bids == ()


@pytest.mark.parametrize("spaced", [False, True])
def test_one_side_of_a_book_leaves_the_other_as_it_is(spaced: bool) -> None:
    stream = opened()
    bids: Row = {"symbol": "XBTUSD", "bids": [[5.0, 1]]}
    empty: Row = {"symbol": "XBTUSD", "asks": []}
    for row in (BOOK, bids, empty):
        text = message("orderBook10", "update", row)
        stream.feed(json.dumps(json.loads(text)) if spaced else text, 0.0)
    assert stream.book(XBTUSD).bids == ((Decimal("5.0"), 1),)
    assert stream.book(XBTUSD).asks == ()


def test_a_book_message_of_two_symbols_reaches_both() -> None:
    stream = opened()
    stream.feed(message("orderBook10", "update", BOOK, {**BOOK, "symbol": "XBTUSDT"}), 0.0)
    assert stream.book(XBTUSD) == stream.book(XBTUSDT)
    assert stream.book(XBTUSD).bids


def test_a_book_that_cannot_be_read_leaves_the_last_good_one() -> None:
    stream = opened()
    stream.feed(message("orderBook10", "update", BOOK), 0.0)
    good = stream.book(XBTUSD)
    stream.feed(message("orderBook10", "update", BOOK).replace(b"98485.4,", b"98485.4;"), 0.0)
    assert stream.book(XBTUSD) == good


def test_with_depth_quote_the_newest_quote_is_the_book() -> None:
    stream = opened(Depth.BEST)
    quote: Row = {"symbol": "XBTUSD", "bidSize": 5, "bidPrice": 2.5, "askPrice": 2.6, "askSize": 7}
    newer = {**quote, "bidPrice": 2.4}
    stream.feed(message("quote", "insert", quote), 0.0)
    assert stream.book(XBTUSD).bids == ((Decimal("2.5"), 5),)
    stream.feed(message("quote", "insert", quote, newer), 0.0)
    assert stream.book(XBTUSD).bids == ((Decimal("2.4"), 5),)
    assert stream.book(XBTUSD).asks == ((Decimal("2.6"), 7),)


def test_public_trades_come_for_the_tapes_asked_for() -> None:
    stream = opened(tapes=[XBTUSD])
    trade: Row = {"symbol": "XBTUSD", "side": "Sell", "size": 300, "price": 97343.4,
                  "timestamp": "2025-02-07T10:43:59.245Z"}  # fmt: skip
    [seen] = stream.feed(message("trade", "insert", trade), 0.0)
    assert isinstance(seen, Trade)
    assert (seen.symbol, seen.quantity) == (XBTUSD, 300)
    assert stream.feed(message("trade", "insert", {**trade, "symbol": "XBTUSDT"}), 0.0) == []


def test_rows_of_an_unknown_instrument_wait_for_its_look_up() -> None:
    stream = opened()
    trade = {**TRADE, "symbol": "XBTZ26"}
    order = {**ORDER, "symbol": "XBTZ26"}
    flat = {**POSITION, "symbol": "OLDM19", "currentQty": 0}
    assert stream.feed(message("execution", "insert", trade), 0.0) == []
    assert stream.feed(message("order", "insert", order), 0.0) == []
    assert stream.feed(message("position", "insert", flat), 0.0) == []
    assert stream.take_wanted() == ["XBTZ26"]
    assert stream.take_wanted() == []
    released = stream.release("XBTZ26")  # not even the exchange knows it
    assert [type(m) for m in released] == [Executed, StreamComplaint]
    assert stream.release("XBTZ26") == []


def test_a_missing_image_is_asked_for_again_and_at_last_ends_the_session() -> None:
    stream = protocol()
    stream.feed(b"pong", 0.0)
    stream.feed(b"pong", PATIENCE)
    texts = stream.take_outgoing()
    assert json.loads(texts[1]) == {"op": "subscribe", "args": ["order"]}
    for attempt in range(2, 5):
        stream.feed(b"pong", attempt * PATIENCE)
    assert isinstance(stream.failure, ExchangeUnavailable)
    assert "orderBook10:XBTUSD" in str(stream.failure)


def test_a_refused_symbol_is_told_and_not_waited_for() -> None:
    stream = protocol(symbols=(XBTUSD,))
    for table in ("margin", "position", "order", "execution"):
        stream.feed(message(table, "partial"), 0.0)
    stream.feed(message("orderBook10", "partial", symbol="XBTUSD"), 0.0)
    refusal = {"status": 400, "error": "Unknown or expired symbol.", "meta": {},
               "request": {"op": "subscribe", "args": ["instrument:XBTUSD"]}}  # fmt: skip
    seen = stream.feed(json.dumps(refusal), 0.0)
    assert [type(m) for m in seen] == [StreamComplaint, StreamReady]


def test_a_refused_key_ends_the_session_as_such() -> None:
    stream = protocol()
    stream.feed('{"status":401,"error":"Signature not valid.","meta":{},"request":{}}', 0.0)
    assert isinstance(stream.failure, AuthenticationFailed)


def test_an_expired_token_is_renewed() -> None:
    stream = opened()
    stream.feed('{"status":419,"error":"Access Token expired for subscription: order:*"}', 0.0)
    assert json.loads(stream.take_outgoing()[-1]) == {"op": "subscribe", "args": ["order"]}
    assert stream.failure is None


@pytest.mark.parametrize("topic", ["execution:*", "something new"])
def test_an_expired_token_of_executions_renews_the_session_which_reads_what_passed(
    topic: str,
) -> None:
    stream = opened()
    text = json.dumps({"status": 419, "error": f"Access Token expired for subscription: {topic}"})
    stream.feed(text, 0.0)
    assert isinstance(stream.failure, ExchangeUnavailable)
    assert stream.take_outgoing() == []


@pytest.mark.parametrize(
    "text",
    [
        "pong",
        '{"info":"Welcome to the BitMEX Realtime API.","version":"2.0.0","limit":{}}',
        '{"success":true,"subscribe":"order","request":{"op":"subscribe","args":["order"]}}',
        '{"status":400,"error":"You are already subscribed to this topic: order:*"}',
        '{"table":"chat","action":"insert","data":[{"id":1}]}',
        '{"table":"order","action":"frobnicate","data":[{"id":1}]}',
        '{"table":"order","action":"insert","data":[]}',
    ],
)
def test_what_says_nothing_is_ignored(text: str) -> None:
    stream = opened()
    assert list(stream.feed(text, 0.0)) == []
    assert stream.failure is None


@pytest.mark.parametrize("text", ["", "<html>", b"\xff\x00", "[]", "7", '{"table":"order","act'])
def test_what_is_no_message_is_a_protocol_error(text: str | bytes) -> None:
    with pytest.raises(ProtocolError):
        opened().feed(text, 0.0)


VALID = [
    message("order", "insert", ORDER),
    message("order", "partial", ORDER),
    message("execution", "insert", TRADE, samples.FUNDING),
    message("position", "insert", POSITION),
    message("margin", "insert", MARGIN),
    message("instrument", "update", INSTRUMENTS["XBTUSD"]),
    message("instrument", "partial", INSTRUMENTS["XBTUSD"], symbol="XBTUSD"),
    message("orderBook10", "update", BOOK),
    message("trade", "insert", {"symbol": "XBTUSD", "size": 1, "price": 2.5,
                                "timestamp": "2025-02-07T10:43:59.245Z"}),
]  # fmt: skip
junk = st.sampled_from(
    [
        None,
        "",
        "x",
        True,
        -1,
        0,
        1.5,
        10**30,
        1e300,
        [],
        {},
        [[1]],
        {"a": 1},
        "2020-13-45",
        "\u202e",
    ]
)


@settings(max_examples=400)
@given(st.data())
def test_b14_one_changed_field_never_raises_anything_but_a_protocol_error(
    data: st.DataObject,
) -> None:
    stream = opened(tapes=[XBTUSD])
    frame = json.loads(data.draw(st.sampled_from(VALID)))
    target = frame if data.draw(st.booleans()) or not frame["data"] else frame["data"][0]
    name = data.draw(st.sampled_from(sorted(target)))
    if data.draw(st.booleans()):
        target[name] = data.draw(junk)
    else:
        del target[name]
    try:
        for spelling in (json.dumps(frame, separators=(",", ":")), json.dumps(frame)):
            for seen in stream.feed(spelling, 0.0):
                assert not isinstance(seen, Executed) or seen.kind in ExecutionKind
    except ProtocolError:
        pass
    stream.book(XBTUSD)
    stream.ticker(XBTUSD)
